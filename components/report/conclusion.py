"""Say in a report what became of the model, once the registry has decided that.

The registry keeps the report beside the model as the gate left it; the run's own copy gets this.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from components.files import writing
from components.html import page
from components.registry.outcome import End, tone

# In report.html. No text of the data can stand for them: whatever a template prints is escaped.
PLACE = "<!-- what became of the model -->"
WAY = "<!-- other pages -->"


def conclude(report: Path, end: End, sentence: str, links: Sequence[tuple[str, str]] = ()) -> None:
    """Write into a report what became of the model.

    Args:
        report: as `report` wrote it.
        sentence: of `components.registry.outcome`.
        links: other pages, name and relative address.
    """
    said = f"{sentence[:1].upper()}{sentence[1:]}."
    outcome = page.fragment(page.SHELL / "outcome.html", sentence=said, tone=tone(end))
    way = page.fragment(page.SHELL / "way.html", links=links) if links else ""
    html = report.read_text(encoding="utf-8").replace(WAY, way, 1).replace(PLACE, outcome, 1)
    with writing(report) as path:
        path.write_text(html, encoding="utf-8")
