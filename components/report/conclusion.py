"""Say in a report what became of the model, once the registry has decided that.

The registry keeps the report beside the model as the gate left it; the run's own copy gets this.
"""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from components.files import writing
from components.registry.outcome import End, tone

# In report.html. No text of the data can stand for it: whatever a template prints is escaped.
PLACE = "<!-- what became of the model -->"
RUNS_PAGE = "RETRAIN_RUNS_PAGE"  # the page of all runs, seen from the folder of the report

_OUTCOME = Markup(
    '<section aria-label="Outcome" class="banner outcome {}"><p class="headline">{}.</p></section>'
)
_WAY = Markup('<p class="screen-only"><a href="{}">All runs</a></p>\n')


def conclude(report: Path, end: End, sentence: str, runs_page: str = "") -> None:
    """Write into a report what became of the model.

    Args:
        report: as `report` wrote it.
        sentence: of `components.registry.outcome`.
        runs_page: relative address of the page of all runs; "" where there is none.
    """
    outcome = _OUTCOME.format(tone(end), sentence[:1].upper() + sentence[1:])
    way = _WAY.format(runs_page) if runs_page else ""
    html = report.read_text(encoding="utf-8")
    with writing(report) as path:
        path.write_text(html.replace(PLACE, way + outcome, 1), encoding="utf-8")
