"""How many steps a corpus is given, and how the learning rate runs over them."""

from __future__ import annotations

from itertools import islice

import pytest
from thinc.schedules import warmup_linear

from components.train.length import create_over_corpus


@pytest.mark.parametrize(
    ("batches", "steps"),
    [(3, 100), (50, 200), (5_000, 1_000)],
)
def test_passes_over_the_corpus_within_a_least_and_a_most(batches: int, steps: int) -> None:
    rates = create_over_corpus(0.1, warmup=0.2, epochs=4, least_steps=100, most_steps=1_000)
    next(rates)  # an optimiser asks for the first before anyone has counted
    rates.fit(batches, max_steps=0)
    assert rates.steps == steps


def test_a_corpus_of_which_half_is_known_is_gone_over_twice_as_often() -> None:
    rates = create_over_corpus(0.1, warmup=0.2, epochs=4, least_steps=100, most_steps=1_000)
    rates.fit(50, max_steps=0, known=0.5)
    assert rates.steps == 400
    rates.fit(50, max_steps=300, known=0.5)
    assert rates.steps == 300


@pytest.mark.parametrize(
    ("batches", "steps"), [(3, 160), (40, 400), (231, 1_490), (3_000, 10_194), (40_000, 20_000)]
)
def test_a_larger_corpus_gets_more_steps_and_fewer_passes(batches: int, steps: int) -> None:
    rates = create_over_corpus(
        0.1, warmup=0.2, epochs=10, least_steps=160, most_steps=20_000, growth=0.75
    )
    rates.fit(batches, max_steps=0)
    assert rates.steps == steps


@pytest.mark.parametrize(
    ("cost", "every"), [(1.0, 100), (10.0, 100), (20.0, 200), (300.0, 250), (0.0, 100)]
)
def test_dev_is_looked_at_as_often_as_a_tenth_of_the_time_allows(cost: float, every: int) -> None:
    rates = create_over_corpus(0.1, warmup=0.2, epochs=1, least_steps=1_000, most_steps=1_000)
    rates.fit(1, max_steps=0)
    assert rates.evaluate_every(20, cost) == every
    assert rates.evaluate_every(400, cost) == 400


def test_a_number_of_steps_may_be_given_as_before() -> None:
    """Configs that an earlier `retrain init` wrote, over warmup_linear.v1."""
    rates = create_over_corpus(
        0.1,
        warmup=0.5,
        epochs=10,
        least_steps=160,
        most_steps=20_000,
        growth=0.75,
        total_steps=120,
        warmup_steps=20,
    )
    first = next(rates)
    rates.fit(5_000, max_steps=20_000)
    assert rates.steps == 120
    assert [first, *islice(rates, 124)] == list(islice(warmup_linear(0.1, 20, 120), 125))


def test_the_rate_rises_and_is_nothing_at_the_last_step() -> None:
    rates = create_over_corpus(0.1, warmup=0.2, epochs=1, least_steps=1, most_steps=100)
    first = next(rates)
    rates.fit(10, max_steps=0)
    drawn = [first, *islice(rates, 12)]
    assert drawn[:4] == pytest.approx([0.0, 0.05, 0.1, 0.1 * 7 / 8])
    assert drawn[9] == pytest.approx(0.1 / 8)
    assert drawn[10:] == [0.0, 0.0, 0.0]


def test_weights_are_kept_once_the_rate_has_fallen_by_most() -> None:
    rates = create_over_corpus(0.1, warmup=0.1, epochs=1, least_steps=100, most_steps=100)
    rates.fit(1, max_steps=0)
    assert rates.kept_from == 67
    assert list(islice(rates, 67))[-1] < 0.04


def test_max_steps_is_kept_to() -> None:
    rates = create_over_corpus(0.1, warmup=0.5, epochs=1, least_steps=100, most_steps=200)
    first = next(rates)
    rates.fit(1, max_steps=4)
    assert [first, *islice(rates, 4)] == pytest.approx([0.0, 0.05, 0.1, 0.05, 0.0])


def test_where_nobody_counts_it_takes_the_most() -> None:
    rates = create_over_corpus(0.1, warmup=0.5, epochs=1, least_steps=1, most_steps=4)
    assert list(islice(rates, 5)) == pytest.approx([0.0, 0.05, 0.1, 0.05, 0.0])


def test_what_makes_no_schedule_is_refused() -> None:
    with pytest.raises(ValueError, match="warmup: 0 to below 1, not 1"):
        create_over_corpus(0.1, warmup=1, epochs=1, least_steps=1, most_steps=4)
    with pytest.raises(ValueError, match="growth: 0 to 1, not 2"):
        create_over_corpus(0.1, warmup=0, epochs=1, least_steps=1, most_steps=4, growth=2)
    with pytest.raises(ValueError, match="most_steps: 1 or more, not 0"):
        create_over_corpus(0.1, warmup=0, epochs=1, least_steps=1, most_steps=0)
