"""How long to train, from the corpus: passes over it, within a least and a most of steps.

A few hundred texts have to be gone over many times, many thousands a few times; who gives a number
of steps has to know which. A config says instead

    [training.optimizer.learn_rate]
    @schedules = "retrain.over_corpus.v1"
    initial_rate = 2e-4
    warmup = 0.15  # of the steps; then the rate falls to nothing at the last one
    epochs = 10
    growth = 0.75
    least_steps = 160
    most_steps = 20000

A corpus of up to 40 batches is gone over `epochs` times; one that is ten times as large gets
10 ** growth times the steps (growth 1: as many passes). training.max_steps is kept to as well.

Dev is looked at ten times, or less often where that would take more than a tenth of the time, but
four times at least; not at the first step, and always at the last. training.patience has no say:
the rate falls until the last step, so that the best ones are still to come when a curve is flat.
The best weights from two thirds of the steps on are kept: those of a rate that is still high are
the best on a small dev by luck.

`spacy train`, which tells a schedule nothing of the corpus, goes to most_steps.
"""

from __future__ import annotations

import math
from typing import Self

from spacy.util import registry

SMALL = 40  # batches
MOST_EVALUATIONS, LEAST_EVALUATIONS = 10, 4
# Of the time, and how many times as fast as training an evaluation goes over a word: 3.2 to 4 times
# by docs/performance.md.
FOR_EVALUATIONS, TIMES_AS_FAST = 0.1, 4
SETTLED = 2 / 3  # of the steps


class OverCorpus:
    """A learning rate that rises, then falls to nothing over as many steps as a corpus needs.

    Attributes:
        steps: how many there are.
        is_fixed: whether that is so whatever the corpus.
    """

    def __init__(
        self,
        initial_rate: float,
        warmup: float,
        epochs: float,
        least_steps: int,
        most_steps: int,
        *,
        growth: float,
        total_steps: int,
        warmup_steps: int,
    ) -> None:
        if not 0 <= warmup < 1:
            raise ValueError(f"training.optimizer.learn_rate.warmup: 0 to below 1, not {warmup}")
        if most_steps < 1:
            raise ValueError(
                f"training.optimizer.learn_rate.most_steps: 1 or more, not {most_steps}"
            )
        if not 0 <= growth <= 1:
            raise ValueError(f"training.optimizer.learn_rate.growth: 0 to 1, not {growth}")
        self.rate, self.warmup = initial_rate, warmup
        self.epochs, self.growth = epochs, growth
        self.least, self.most = total_steps or least_steps, total_steps or most_steps
        self.is_fixed, self.warmup_steps = total_steps > 0, warmup_steps
        self.steps = self.most
        self.step = 0

    def fit(self, batches: int, max_steps: int, known: float = 1.0) -> None:
        """Set the steps for a corpus of so many batches; before the second rate is asked for.

        Args:
            max_steps: a limit besides; 0 is none.
            known: how much of what the corpus could tell is known, above 0 to 1: so much more
                often it is gone over.
        """
        most = min(self.most, max_steps or self.most)
        wanted = self.epochs * batches * (SMALL / max(SMALL, batches)) ** (1 - self.growth) / known
        self.steps = min(most, max(self.least, round(wanted)))

    def evaluate_every(self, steps: int, cost: float) -> int:
        """Steps between two evaluations.

        Args:
            steps: so many at least.
            cost: what an evaluation takes, in steps.
        """
        paid = int(FOR_EVALUATIONS * self.steps / max(cost, 1e-9))
        number = max(LEAST_EVALUATIONS, min(MOST_EVALUATIONS, paid))
        return max(steps, -(-self.steps // number))

    @property
    def kept_from(self) -> int:
        """The first step whose weights may be kept."""
        return math.ceil(SETTLED * self.steps)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> float:
        """The rate of the next step; never ends."""
        rising = self.warmup_steps or self.warmup * self.steps
        if self.step < rising:
            part = self.step / rising
        else:
            part = max(0.0, (self.steps - self.step) / max(1.0, self.steps - rising))
        self.step += 1
        return part * self.rate


@registry.schedules("retrain.over_corpus.v1")
def create_over_corpus(
    initial_rate: float,
    warmup: float,
    epochs: float,
    least_steps: int,
    most_steps: int,
    growth: float = 1.0,
    total_steps: int = 0,
    warmup_steps: int = 0,
) -> OverCorpus:
    """Make a learning rate that fits a corpus; see `OverCorpus`.

    Args:
        total_steps, warmup_steps: so many instead, whatever the corpus; 0: as the others say. They
            are what `warmup_linear.v1` takes, which configs had in this place.
    """
    return OverCorpus(
        initial_rate,
        warmup,
        epochs,
        least_steps,
        most_steps,
        growth=growth,
        total_steps=total_steps,
        warmup_steps=warmup_steps,
    )
