from __future__ import annotations

from pathlib import Path

from components.html import page
from pipelines.results.history import TEMPLATE, Entry, score_charts
from tests.browser.conftest import Visit, nameless

ATTACK = '"><img src=x onerror=alert(1)><script>alert(2)</script>'


def history() -> str:
    row = {"f": 0.8, "interval": {"f": [0.7, 0.9]}}
    entries = [
        Entry(
            number=number,
            run=f"2026010{number}-{ATTACK}",
            phase=ATTACK,
            started_by=ATTACK,
            started="2026-01-01 00:00",
            took="60 s",
            state="succeeded",
            tone="bad",
            short="held",
            message=f"held, {ATTACK}",
            reasons=[ATTACK],
            documents=100,
            sources={"a.jsonl": 1, "b.jsonl": 2},
            digest="abcdef12",
            tasks={ATTACK: {"overall": row, "labels": {}}},
            links={"report": "run/phase-1/report.html", "logs": "run/logs"},
            missing=[ATTACK],
        )
        for number in (1, 2)
    ]
    return page.render(
        TEMPLATE,
        title="Runs on this machine",
        kicker=str(Path("runs")),
        entries=entries,
        charts=score_charts(entries),
    )


def test_the_history_shows_hostile_names_as_text(visit: Visit) -> None:
    opened = visit(history())
    opened.wait_for_timeout(200)
    assert opened.locator("script, img").count() == 0
    assert ATTACK in opened.locator("tbody").inner_text()
    assert opened.get_by_role("img").count() == 1
    assert nameless(opened) == []


def test_the_history_fits_a_phone(visit: Visit) -> None:
    opened = visit(history(), viewport={"width": 360, "height": 640})
    assert opened.evaluate("document.documentElement.scrollWidth") <= 360
    assert opened.get_by_role("link", name="report").count() == 2
