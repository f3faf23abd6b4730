"""A little of what `make fuzz` does, from a seed that stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from components.records.annotation import Annotation, Item, Place, RawSpan, Skipped
from tests.fuzz import records, requests
from tests.fuzz.outcome import Outcome


def check(outcome: Outcome) -> None:
    assert outcome.faults == []


def test_damaged_records_are_kept_skipped_or_refused_and_counted() -> None:
    """A hundred of each format: about half are damaged, so some of each fate must be there."""
    outcome = records.fuzz(100 * len(records.FORMATS), seed=20)
    check(outcome)
    fates = ("kept", "quarantined", "files that stop", "read strictly")
    assert min(outcome.counts[what] for what in fates) > 20


def test_hostile_requests_are_answered() -> None:
    outcome = requests.fuzz(200, seed=20)
    check(outcome)
    assert min(outcome.counts["200"], outcome.counts["422"]) > 10


def invents(path: Path, source: str, *_others: object) -> Iterator[Item]:
    """Keeps what no file says."""
    for number in range(10):
        text = f"form P{number}"
        spans = [RawSpan(0, len(text), "FORM")]
        yield Annotation(Place(source, number), text, spans, b"{}", answer="accept")


def test_what_a_strict_reading_does_not_find_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.ingest.collect.read", invents)
    outcome = records.fuzz(100, seed=1)
    assert outcome.faults
    assert all("kept what a strict reading refuses" in fault for fault in outcome.faults)


def loses_one(*_arguments: object) -> Iterator[Item]:
    yield Annotation(Place("a", 1), "form P60", [RawSpan(0, 99, "FORM")], b"{}")
    raise KeyError("a record that nobody has counted")


def hangs(*_arguments: object) -> Iterator[Item]:
    yield from iter(lambda: Skipped(Place("a", 1), "again"), None)


@pytest.mark.parametrize(("reader", "fault"), [(loses_one, "KeyError"), (hangs, "no end after")])
def test_a_reader_that_fails_or_hangs_is_a_fault(
    reader: Callable[..., Iterator[Item]], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "SECONDS", 0.2)
    monkeypatch.setattr("components.ingest.collect.read", reader)
    assert fault in records.fuzz(10, seed=1).faults[0]
