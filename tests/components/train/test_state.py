"""Which weights of a run are kept."""

from __future__ import annotations

import pytest

from components.train.state import State

RESULTS = [(0.57, 108), (0.49, 162), (0.55, 378), (0.56, 432), (0.56, 486), (0.54, 533)]


@pytest.mark.parametrize(
    ("kept_from", "best"),
    [(0, (0.57, 108)), (109, (0.56, 486)), (433, (0.56, 486)), (500, (0.54, 533))],
)
def test_the_best_from_a_step_on_is_kept(kept_from: int, best: tuple[float, int]) -> None:
    state = State(kept_from=kept_from)
    kept = []
    for result in RESULTS:
        state.results.append(result)
        if state.just_improved:
            kept.append(result)
    assert state.best == kept[-1] == best
    assert all(step >= kept_from for _, step in kept)


def test_nothing_is_kept_before_any_evaluation() -> None:
    assert (State().best, State().just_improved) == ((0.0, 0), False)
    early = State(results=[(0.9, 5)], kept_from=6)
    assert (early.best, early.just_improved) == ((0.0, 0), False)


def test_patience_counts_from_the_best_of_all_as_spacy_does() -> None:
    assert State(results=RESULTS, kept_from=400).first_best_step == 108
