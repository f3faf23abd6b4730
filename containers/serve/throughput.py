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


class Throughput:
    """How fast each question is answered."""

    def __init__(self) -> None:
        self._rates: dict[Question, deque[float]] = {}

    def learn(self, texts: Sequence[str], question: Question, seconds: float) -> None:
        """Remember how long texts have taken, together."""
        rates = self._rates.setdefault(question, deque(maxlen=LATELY))
        rates.append(seconds / max(ANY_BATCH, sum(map(weight, texts))))

    def rate(self, question: Question) -> float:
        """Seconds that a question takes per unit of `weight`.

        One that nobody has asked yet is taken for the first that was as thorough.
        """
        alike = (q for q in self._rates if q.confidence == question.confidence)
        rates = self._rates.get(question) or self._rates.get(next(alike, question))
        return median(rates) if rates else 0.0


def weight(text: str) -> int:
    """What a text costs, in characters."""
    return ANY_TEXT + len(text)
