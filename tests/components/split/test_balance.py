"""Every label's documents are shared out as asked, to within what whole documents allow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.split.balance import rebalance
from tests.components.split.conftest import Split
from tests.components.split.documents import LABELS, document, documents

SHARES = (0.7, 0.1, 0.2)


@pytest.mark.parametrize("count", [100, 1000, 5000])
def test_every_label_is_within_one_document(split: Callable[..., Split], count: int) -> None:
    report = split(documents(count)).report
    assert list(report["labels"]) == LABELS
    for label in report["labels"].values():
        if label["groups"] >= 20:
            assert max(map(abs, label["deviation"].values())) <= 1
    assert [size / count for size in report["documents"].values()] == pytest.approx(
        SHARES, abs=1 / count
    )


def test_a_rare_language_is_on_every_split_in_its_share(split: Callable[..., Split]) -> None:
    records = documents(400)
    for number, record in enumerate(records):
        record.text = f"{record.source} {record.text}"
        record.meta["lang"] = "da" if number % 20 == 7 else "de"
    labels = split(records).report["labels"]
    assert list(labels) == [*LABELS, "meta.lang: da", "meta.lang: de"]
    assert max(map(abs, labels["meta.lang: da"]["deviation"].values())) <= 1  # of 14, 2 and 4


def test_one_language_balances_nothing(split: Callable[..., Split]) -> None:
    records = documents(100)
    alone = split(records)
    for record in records:
        record.meta["lang"] = "da"
    assert split(records).split_of == alone.split_of
    assert list(split(records).report["labels"]) == LABELS


def test_pages_of_different_sizes_are_balanced_too(split: Callable[..., Split]) -> None:
    records = documents(4000, pages=800)
    for record in records:
        record.text = f"{record.meta['base_path']} {record.source} {record.text}"
    report = split(records, group_by="meta.base_path").report
    assert report["groups"]["largest"] >= 8
    assert report["worst_deviation"] <= 2
    assert report["mean_deviation"] < 0.6


@pytest.mark.parametrize("groups", [3, 4, 5, 9])
def test_a_label_of_few_groups_is_on_every_split(split: Callable[..., Split], groups: int) -> None:
    rare = [document(f"rare {n}", ["RARE"], number=n) for n in range(groups)]
    common = [document(f"common {n}", ["COMMON"], number=100 + n) for n in range(200)]
    report = split(rare + common).report
    assert all(report["labels"]["RARE"]["documents"].values())
    assert report["missing"] == []


@pytest.mark.parametrize(("groups", "expected"), [(1, [1, 0, 0]), (2, [1, 0, 1])])
def test_what_cannot_be_everywhere_is_trained_on_first(
    split: Callable[..., Split], groups: int, expected: list[int]
) -> None:
    rare = [document(f"rare {n}", ["RARE"], number=n) for n in range(groups)]
    common = [document(f"common {n}", ["COMMON"], number=100 + n) for n in range(200)]
    report = split(rare + common).report
    assert list(report["labels"]["RARE"]["documents"].values()) == expected
    assert {one["split"] for one in report["missing"]} == {
        split for split, n in report["labels"]["RARE"]["documents"].items() if not n
    }


def test_one_huge_group_does_not_keep_a_label_from_a_split(split: Callable[..., Split]) -> None:
    huge = [document(f"h{n}", ["A"], {"page": "huge"}, number=n) for n in range(300)]
    small = [document(f"s{n}", ["A"], {"page": str(n)}, number=500 + n) for n in range(2)]
    other = [document(f"o{n}", ["B"], {"page": f"o{n}"}, number=600 + n) for n in range(700)]
    report = split(huge + small + other, group_by="meta.page").report
    assert all(report["labels"]["A"]["documents"].values())


@pytest.mark.parametrize("seed", range(6))
def test_a_page_as_large_as_a_side_leaves_the_others_balanced(
    split: Callable[..., Split], seed: int
) -> None:
    records = documents(1000, seed=seed, pages=250)
    for number, record in enumerate(records):
        record.text = f"{number} {record.text}"
        if number < 120:
            record.meta["base_path"] = "/huge"
    report = split(records, seed=seed, group_by="meta.base_path").report
    assert report["groups"]["largest"] == 120
    assert report["worst_deviation"] <= 4


kinds = st.lists(
    st.tuples(
        st.lists(st.integers(0, 4), min_size=3, max_size=3),
        st.lists(st.integers(0, 30), min_size=3, max_size=3),
        st.lists(st.integers(0, 5), min_size=3, max_size=3),
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None)
@given(kinds)
def test_groups_are_neither_lost_nor_made(
    rows: list[tuple[list[int], list[int], list[int]]],
) -> None:
    vectors, free, fixed = (np.array(column) for column in zip(*rows, strict=True))
    vectors = np.concatenate([vectors.sum(axis=1, keepdims=True) + 1, vectors], axis=1)
    before = free.copy()
    after = rebalance(vectors, free, fixed, SHARES)
    assert (after >= 0).all()
    assert (after.sum(axis=1) == before.sum(axis=1)).all()
    assert (free == before).all()

    def badness(free: np.ndarray) -> float:
        documents = vectors.T @ (free + fixed)
        off = documents - np.outer(documents.sum(axis=1), SHARES)
        return float((off[1:] ** 2).sum() + (off[0] ** 2).sum() / 25)

    has = (vectors > 0).T

    def lacking(free: np.ndarray) -> int:
        groups = has.astype(int) @ (free + fixed)
        return int(((groups == 0) & (groups.sum(axis=1, keepdims=True) >= 3)).sum())

    assert lacking(after) <= lacking(before)
    if lacking(after) == lacking(before) == 0:
        assert badness(after) <= badness(before) + 1


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(3, 500), min_size=1, max_size=6), st.integers(0, 2**32))
def test_single_label_documents_are_within_one_of_every_target(sizes: list[int], seed: int) -> None:
    """With documents that stand alone there is always an exact answer, and it is found."""
    vectors = np.concatenate([np.ones((len(sizes), 1), int), np.eye(len(sizes), dtype=int)], axis=1)
    rng = np.random.default_rng(seed)
    free = np.stack([rng.multinomial(size, SHARES) for size in sizes])
    after = rebalance(vectors, free, np.zeros_like(free), SHARES)
    deviation = after - np.outer(sizes, SHARES)
    assert (after > 0).all()
    enough = np.array(sizes) >= 10
    assert (np.abs(deviation[enough]) <= 1).all()
