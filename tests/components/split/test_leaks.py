"""No group is on two splits: same text, same key, near-duplicates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import combinations

import pytest

from components.records.record import Record
from tests.components.split.conftest import Split
from tests.components.split.documents import document, documents

SHINGLE = 5


def splits_by(split: Split, name: Callable[[Record], str]) -> dict[str, set[str]]:
    """Which splits each group is on."""
    splits = defaultdict(set)
    for name_of_split, records in split.splits.items():
        for record in records:
            splits[name(record)].add(name_of_split)
    return splits


def plain(text: str) -> str:
    return " ".join(text.lower().split())


def shingles(text: str) -> set[str]:
    return {text[at : at + SHINGLE] for at in range(len(text) - SHINGLE + 1)}


def leaked(groups: Iterable[set[str]]) -> list[set[str]]:
    return [splits for splits in groups if len(splits) > 1]


def test_copies_of_a_text_stay_together_whatever_their_case_and_spacing(
    split: Callable[..., Split],
) -> None:
    result = split(documents(3000))
    groups = splits_by(result, lambda record: plain(record.text))
    assert len(groups) < 2800
    assert leaked(groups.values()) == []
    assert result.report["groups"]["leaked"] == 0


def test_records_of_one_page_stay_together(split: Callable[..., Split]) -> None:
    result = split(
        [document(f"text {n}", [], {"base_path": f"/{n % 300}"}, number=n) for n in range(3000)],
        group_by="meta.base_path",
    )
    groups = splits_by(result, lambda record: record.meta["base_path"])
    assert len(groups) == 300
    assert leaked(groups.values()) == []


def test_pages_that_share_a_text_stay_together(split: Callable[..., Split]) -> None:
    """Zero leakage of both texts and pages, on pages that boilerplate and copies connect."""
    result = split(documents(2000, pages=1500), group_by="meta.base_path")
    assert leaked(splits_by(result, lambda record: plain(record.text)).values()) == []
    assert leaked(splits_by(result, lambda record: record.meta["base_path"]).values()) == []


def test_a_missing_null_or_empty_key_is_no_group(split: Callable[..., Split]) -> None:
    metas = [{}, {"base_path": None}, {"base_path": ""}, {"other": "x"}]
    records = [document(f"text {n}", [], metas[n % 4], number=n) for n in range(40)]
    assert split(records, group_by="meta.base_path").report["groups"]["count"] == 40


def test_a_nested_key_that_is_no_text_groups_too(split: Callable[..., Split]) -> None:
    records = [document(f"text {n}", [], {"doc": {"id": n % 7}}, number=n) for n in range(40)]
    assert split(records, group_by="meta.doc.id").report["groups"]["count"] == 7


@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_near_duplicates_stay_together(split: Callable[..., Split], threshold: float) -> None:
    """Every pair is compared, and none at or above the threshold is on two splits."""
    result = split(documents(600, seed=1), near_duplicates=threshold)
    placed = {plain(r.text): split for split, each in result.splits.items() for r in each}
    known = [(split, shingles(text)) for text, split in placed.items()]
    pairs = [
        (one, other)
        for (split, one), (other_split, other) in combinations(known, 2)
        if split != other_split and len(one & other) >= threshold * len(one | other)
    ]
    assert pairs == []
    exact = split(documents(600, seed=1))
    assert result.report["groups"]["count"] < exact.report["groups"]["count"]
