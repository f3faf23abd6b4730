"""A little of what `make fuzz` does, from a seed that stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from components.records.annotation import Annotation, Item, Place, RawSpan, Skipped
from tests.fuzz import records, requests
from tests.fuzz.outcome import Outcome


def check(outcome: Outcome) -> None:
    assert outcome.faults == []


def test_damaged_records_are_kept_skipped_or_refused_and_counted() -> None:
    """Two hundred of each format: about half are damaged, so some of each fate must be there."""
    outcome = records.fuzz(200 * len(records.FORMATS), seed=20)
    check(outcome)
    assert min(outcome.counts[what] for what in ("kept", "quarantined", "files that stop")) > 20


def test_hostile_requests_are_answered() -> None:
    outcome = requests.fuzz(200, seed=20)
    check(outcome)
    assert min(outcome.counts["200"], outcome.counts["422"]) > 10


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
