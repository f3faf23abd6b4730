"""The data report in a real browser: hostile annotations do nothing, and it fits a phone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.ingest.collect import Collector
from components.ingest.coverage import Coverage
from components.ingest.page import page as data_report
from components.ingest.settings import IngestSettings
from components.ingest.summary import make_report
from components.records.sources import Copy, SourceFile
from components.tasks import tasks_of
from tests.browser.conftest import Visit, nameless
from tests.support.records import ner_tasks

ATTACK = "</style><script>alert(1)</script><img src=x onerror=alert(2)>' onmouseover='alert(3)"


@pytest.fixture
def report(tmp_path: Path) -> str:
    """A report of annotations in which all that a person can type is an attack."""
    rows = [
        {"text": f"{ATTACK} {n}", "spans": [span], "answer": "accept", "_annotator_id": ATTACK}
        for n, span in enumerate(
            [
                {"start": 0, "end": 9999, "label": "ORG"},
                {"start": 0, "end": 8, "label": ATTACK},
                {"start": 0, "end": 8, "label": "x", "text": ATTACK},
                {"start": 2, "end": 8, "label": "ORG"},
            ]
        )
    ]
    path = tmp_path / f"{ATTACK.replace('/', '')}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    labels = ["ORG", ATTACK[:40]]
    tasks = tasks_of(ner_tasks(labels))
    collector = Collector(tasks, IngestSettings())
    collector.read([Copy(SourceFile(str(path), "auto"), path, "")])
    coverage = Coverage(tasks)
    list(coverage.counting(collector.finish()))
    return data_report(make_report(collector, coverage, "0" * 64))


def test_hostile_annotations_are_shown_and_do_nothing(visit: Visit, report: str) -> None:
    page = visit(report)
    page.wait_for_timeout(300)
    assert page.locator("script, iframe, img, link, base").count() == 0
    assert "<script>alert(1)</script>" in page.locator("main").inner_text()


def test_a_screen_reader_has_a_name_for_everything(visit: Visit, report: str) -> None:
    assert nameless(visit(report)) == []


def test_the_status_is_seen_first(visit: Visit, report: str) -> None:
    page = visit(report, viewport={"width": 1024, "height": 640})
    banner = page.locator(".banner")
    assert banner.inner_text().startswith("Not fit to train on")
    box = banner.bounding_box()
    assert box
    assert box["y"] < 200


def test_a_phone_need_not_scroll_sideways(visit: Visit, report: str) -> None:
    page = visit(report, viewport={"width": 360, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
