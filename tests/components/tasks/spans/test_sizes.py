"""Lengths of spans that a model looks at: enough of them, and no more than are needed."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.tasks.spans.sizes import Lengths, ranges, remarks


def test_as_few_as_hold_enough() -> None:
    lengths = Lengths(Counter({1: 50, 2: 30, 3: 15, 9: 5}), Counter({20: 100}))
    assert lengths.chosen(0.95) == [1, 2, 3]
    assert lengths.chosen(0.5) == [1]
    assert lengths.chosen(1) == [1, 2, 3, 9]
    assert lengths.cost([1, 2, 3]) == (20 + 19 + 18) / 20


def test_a_length_that_costs_less_comes_first() -> None:
    """Few texts are so long that they have a run of 30 words at all."""
    lengths = Lengths(Counter({1: 80, 2: 10, 30: 10}), Counter({10: 99, 31: 1}))
    assert lengths.chosen(0.9) == [1, 30]


@given(
    st.dictionaries(st.integers(1, 6), st.integers(1, 30), min_size=1),
    st.floats(0.01, 1),
)
def test_none_can_be_left_out(spans: dict[int, int], recall: float) -> None:
    lengths = Lengths(Counter(spans), Counter({8: 10}))
    sizes = lengths.chosen(recall)
    assert sizes == sorted(set(sizes))
    assert lengths.held(sizes) >= recall * lengths.spans.total()
    for fewer in combinations(sizes, len(sizes) - 1):
        assert lengths.held(fewer) < recall * lengths.spans.total()


@pytest.mark.parametrize(
    ("sizes", "words"), [([1], "1"), ([1, 2, 3, 7], "1-3, 7"), ([2, 4, 5], "2, 4-5")]
)
def test_in_words(sizes: list[int], words: str) -> None:
    assert ranges(sizes) == words


def test_what_is_said_of_the_data() -> None:
    assert remarks(Counter(), Counter(), 0.95) == []
    assert remarks(Counter({1: 3, 2: 1}), Counter({4: 1}), 0.95) == [
        "The model considers runs of 1-2 words, which 100.0% of the spans are: 1.8 for each "
        "word of a text."
    ]
    long = remarks(Counter(range(1, 60)), Counter({100: 1}), 1)
    assert "a lower `recall`" in long[1]
