"""What became of the model, written into a report that stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.report.conclusion import PLACE, WAY, conclude


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text(f"<main>\n{WAY}\n{PLACE}\n<p>Passes the gate.</p></main>", encoding="utf-8")
    return path


def test_the_outcome_comes_first_and_leads_to_all_runs(report: Path) -> None:
    conclude(report, "promoted", "promoted to version 3", [("All runs", "../../../index.html")])
    html = report.read_text(encoding="utf-8")
    banner = '<div class="banner outcome good"><p class="headline good">Promoted to version 3.</p>'
    assert banner in html
    assert html.index("Promoted to") < html.index("Passes the gate.")
    assert '<a href="../../../index.html">All runs</a>' in html
    assert PLACE not in html


def test_a_hold_is_bad_news_and_its_words_are_text(report: Path) -> None:
    conclude(report, "overtaken", "kept, <b>production</b> is not known (no & nobody)")
    html = report.read_text(encoding="utf-8")
    assert "Kept, &lt;b&gt;production&lt;/b&gt; is not known (no &amp; nobody)." in html
    assert 'class="banner outcome bad"' in html
    assert "All runs" not in html
