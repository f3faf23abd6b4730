"""What a training run remembers from step to step, beside weights and optimiser."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class State:
    """Where a run stands.

    Attributes:
        step: the last step done; -1 before the first, as spaCy counts from 0.
        losses: loss per component since the last evaluation.
        results: (score, step) of every evaluation.
        words: words trained on so far.
        seconds: time spent so far, evaluation included, over all attempts.
        splits: how often a batch was split because memory did not suffice.
        evaluation_seconds: the part of it spent on evaluation.
        kept_from: the first step whose weights may be kept; see `OverCorpus.kept_from`.
    """

    step: int = -1
    epoch: int = 0
    losses: dict[str, float] = field(default_factory=dict)
    results: list[tuple[float, int]] = field(default_factory=list)
    words: int = 0
    seconds: float = 0.0
    evaluation_seconds: float = 0.0
    splits: int = 0
    kept_from: int = 0

    @property
    def words_per_second(self) -> float:
        """Words trained on per second of training, evaluation left out."""
        return self.words / max(self.seconds - self.evaluation_seconds, 1e-9)

    @property
    def steps_summed(self) -> int:
        """How many steps `losses` is the sum of; at least 1."""
        before = next((step for _, step in reversed(self.results) if step < self.step), -1)
        return max(1, self.step - before)

    @property
    def loss_per_step(self) -> dict[str, float]:
        """Mean loss of a step per component since the last evaluation."""
        return {name: loss / self.steps_summed for name, loss in self.losses.items()}

    @property
    def measured(self) -> bool:
        """Whether the last step done was evaluated; True before any."""
        return self.step < 0 or (bool(self.results) and self.results[-1][1] == self.step)

    @property
    def best(self) -> tuple[float, int]:
        """Score and step of the weights that are kept: the latest with the best score; or zeros."""
        return max((one for one in self.results if one[1] >= self.kept_from), default=(0.0, 0))

    @property
    def first_best_step(self) -> int:
        """The earliest step with the best score, from which spaCy counts patience; 0 before any."""
        return -max(((score, -step) for score, step in self.results), default=(0.0, 0))[1]

    @property
    def just_improved(self) -> bool:
        """Whether the weights of the last evaluation are to be kept."""
        return bool(self.results) and self.results[-1] == self.best
