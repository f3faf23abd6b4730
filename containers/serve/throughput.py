"""How fast texts are predicted, estimated from those that were lately."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from statistics import median

from containers.serve.models import Question

ANY_TEXT = 200  # what the shortest text costs, in characters
# What a batch costs at least, in characters. A short text alone takes nearly as long as sixteen:
# taken for slow it would be predicted by itself again, and so stay slow.
ANY_BATCH = 4_000
LATELY = 9  # batches; the median of so many, since a machine may stand still during one


class Rates:
    """How long a question has lately taken per unit of `weight`, in small batches and in others.

    What a small batch takes says nothing of long texts: a word alone would make them look fifty
    times as fast as they are, and stand in the lane of short ones.
    """

    def __init__(self) -> None:
        self.small: deque[float] = deque(maxlen=LATELY)
        self.large: deque[float] = deque(maxlen=LATELY)

    def learn(self, texts: Sequence[str], seconds: float) -> None:
        """Remember how long texts have taken, together."""
        units = sum(map(weight, texts))
        if units >= ANY_BATCH:
            self.large.append(seconds / units)
            return
        self.small.append(seconds / ANY_BATCH)
        # No character takes longer than a few and all else together: so a machine that was slow,
        # and refuses long texts, learns that it is not any more.
        most = seconds / max(1, sum(map(len, texts)))
        if self.large and most < median(self.large):
            self.large.append(most)


class Throughput:
    """How fast each question is answered."""

    def __init__(self) -> None:
        self._rates: dict[Question, Rates] = {}

    def learn(self, texts: Sequence[str], question: Question, seconds: float) -> None:
        """Remember how long texts have taken, together."""
        self._rates.setdefault(question, Rates()).learn(texts, seconds)

    def seconds(self, text: str, question: Question) -> float:
        """How long a question will take of a text, about.

        One that nobody has asked yet is taken for the first that was as thorough.
        """
        asked = [self._rates[question]] if question in self._rates else []
        alike = [rates for q, rates in self._rates.items() if q.confidence == question.confidence]
        known = [*asked, *alike]
        large, small = [rates.large for rates in known], [rates.small for rates in known]
        order = large + small if len(text) > ANY_TEXT else small[:1] + large + small
        return weight(text) * median(next(filter(None, order), (0.0,)))


def weight(text: str) -> int:
    """What a text costs, in characters."""
    return ANY_TEXT + len(text)
