"""No group is on two sides: same text, same key, near-duplicates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import combinations

import pytest

from components.record import Record
from tests.components.split.conftest import Split
from tests.components.split.documents import document, documents

SHINGLE = 5


def sides_by(split: Split, name: Callable[[Record], str]) -> dict[str, set[str]]:
    """Which sides each group is on."""
    sides = defaultdict(set)
    for side, records in split.sides.items():
        for record in records:
            sides[name(record)].add(side)
    return sides


def plain(text: str) -> str:
    return " ".join(text.lower().split())


def shingles(text: str) -> set[str]:
    return {text[at : at + SHINGLE] for at in range(len(text) - SHINGLE + 1)}


def leaked(groups: Iterable[set[str]]) -> list[set[str]]:
    return [sides for sides in groups if len(sides) > 1]


def test_copies_of_a_text_stay_together_whatever_their_case_and_spacing(
    split: Callable[..., Split],
) -> None:
    result = split(documents(3000))
    groups = sides_by(result, lambda record: plain(record.text))
    assert len(groups) < 2800
    assert leaked(groups.values()) == []
    assert result.report["groups"]["leaked"] == 0


def test_records_of_one_page_stay_together(split: Callable[..., Split]) -> None:
    result = split(
        [document(f"text {n}", [], {"base_path": f"/{n % 300}"}, number=n) for n in range(3000)],
        group_by="meta.base_path",
    )
    groups = sides_by(result, lambda record: record.meta["base_path"])
    assert len(groups) == 300
    assert leaked(groups.values()) == []


def test_pages_that_share_a_text_stay_together(split: Callable[..., Split]) -> None:
    """Zero leakage of both texts and pages, on pages that boilerplate and copies connect."""
    result = split(documents(2000, pages=1500), group_by="meta.base_path")
    assert leaked(sides_by(result, lambda record: plain(record.text)).values()) == []
    assert leaked(sides_by(result, lambda record: record.meta["base_path"]).values()) == []


def test_a_missing_null_or_empty_key_is_no_group(split: Callable[..., Split]) -> None:
    metas = [{}, {"base_path": None}, {"base_path": ""}, {"other": "x"}]
    records = [document(f"text {n}", [], metas[n % 4], number=n) for n in range(40)]
    assert split(records, group_by="meta.base_path").report["groups"]["count"] == 40


def test_a_nested_key_that_is_no_text_groups_too(split: Callable[..., Split]) -> None:
    records = [document(f"text {n}", [], {"doc": {"id": n % 7}}, number=n) for n in range(40)]
    assert split(records, group_by="meta.doc.id").report["groups"]["count"] == 7


@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_near_duplicates_stay_together(split: Callable[..., Split], threshold: float) -> None:
    """Every pair is compared, and none at or above the threshold is on two sides."""
    result = split(documents(600, seed=1), near_duplicates=threshold)
    placed = {plain(r.text): side for side, each in result.sides.items() for r in each}
    known = [(side, shingles(text)) for text, side in placed.items()]
    pairs = [
        (one, other)
        for (side, one), (other_side, other) in combinations(known, 2)
        if side != other_side and len(one & other) >= threshold * len(one | other)
    ]
    assert pairs == []
    exact = split(documents(600, seed=1))
    assert result.report["groups"]["count"] < exact.report["groups"]["count"]
