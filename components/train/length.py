"""How long to train, from the corpus: passes over it, within a least and a most of steps.

A few hundred texts have to be gone over many times, thousands a few times; who gives a number of
steps has to know which. A config says instead

    [training.optimizer.learn_rate]
    @schedules = "retrain.over_corpus.v1"
    initial_rate = 2e-4
    warmup = 0.15  # of the steps; then the rate falls to nothing at the last one
    epochs = 4
    least_steps = 160
    most_steps = 2000

training.max_steps is kept to as well. Such a run is evaluated at most four times, and not at its
first step. `spacy train`, which tells a schedule nothing of the corpus, goes to most_steps.
"""

from __future__ import annotations

from typing import Self

from spacy.util import registry

MOST_EVALUATIONS = 4


class OverCorpus:
    """A learning rate that rises, then falls to nothing over as many steps as a corpus needs.

    Attributes:
        steps: how many there are.
    """

    def __init__(
        self, initial_rate: float, warmup: float, epochs: float, least_steps: int, most_steps: int
    ) -> None:
        if not 0 <= warmup < 1:
            raise ValueError(f"training.optimizer.learn_rate.warmup: 0 to below 1, not {warmup}")
        if most_steps < 1:
            raise ValueError(
                f"training.optimizer.learn_rate.most_steps: 1 or more, not {most_steps}"
            )
        self.rate, self.warmup = initial_rate, warmup
        self.epochs, self.least, self.most = epochs, least_steps, most_steps
        self.steps = most_steps
        self.step = 0

    def fit(self, batches: int, max_steps: int) -> None:
        """Set the steps for a corpus of so many batches; before the second rate is asked for.

        Args:
            max_steps: a limit besides; 0 is none.
        """
        most = min(self.most, max_steps or self.most)
        self.steps = min(most, max(self.least, round(self.epochs * batches)))

    def evaluate_every(self, steps: int) -> int:
        """So many steps, or more where there would be too many evaluations."""
        return max(steps, -(-self.steps // MOST_EVALUATIONS))

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> float:
        """The rate of the next step; never ends."""
        rising = self.warmup * self.steps
        if self.step < rising:
            part = self.step / rising
        else:
            part = max(0.0, (self.steps - self.step) / max(1.0, self.steps - rising))
        self.step += 1
        return part * self.rate


@registry.schedules("retrain.over_corpus.v1")
def create_over_corpus(
    initial_rate: float, warmup: float, epochs: float, least_steps: int, most_steps: int
) -> OverCorpus:
    """Make a learning rate that fits a corpus; see `OverCorpus`."""
    return OverCorpus(initial_rate, warmup, epochs, least_steps, most_steps)
