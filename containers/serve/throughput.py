"""How fast texts are predicted, estimated from those that were lately."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from statistics import median

from components.answers.models import Question

ANY_TEXT = 200  # what the shortest text costs, in characters
# A sign between words is as much work as a word: texts of signs cost what words would.
WORD_OR_SIGN = re.compile(r"\w+|[^\w\s]")
CHARACTERS_OF_A_WORD = 5
# The beam that says how sure a model is copies all that it knows of a text at each word: part of
# its time grows with the square of the length, as much as the rest where a text is so long
# (measured: 0.27, 0.31, 0.46, 0.74 s per 1,000 words of 2,500, 5,000, 10,000, 20,000).
BEAM_DOUBLES_AT = 37_500
# What a batch costs at least, in characters. A short text alone takes nearly as long as sixteen:
# taken for slow it would be predicted by itself again, and so stay slow.
ANY_BATCH = 4_000
LATELY = 9  # batches; the median of so many, since a machine may stand still during one
# Seconds. A text of signs that took minutes must not have long texts refused for good: none would
# be predicted, and show that they are quick.
REMEMBERED = 300.0


class Lately:
    """The rates of the last few batches, none of them old."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._rates: deque[tuple[float, float]] = deque(maxlen=LATELY)

    def add(self, rate: float) -> None:
        self._rates.append((self._now(), rate))

    def median(self) -> float | None:
        """The rate that half of them reach; None where there is none."""
        oldest = self._now() - REMEMBERED
        rates = [rate for at, rate in self._rates if at >= oldest]
        return median(rates) if rates else None


class Rates:
    """How long a question has lately taken per unit of `weight`, in small batches and in others.

    What a small batch takes says nothing of long texts: a word alone would make them look fifty
    times as fast as they are, and stand in the lane of short ones.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.small, self.large = Lately(now), Lately(now)

    def learn(self, texts: Sequence[str], units: float, seconds: float) -> None:
        """Remember how long texts of so many units have taken, together."""
        if units >= ANY_BATCH:
            self.large.add(seconds / units)
            return
        self.small.add(seconds / ANY_BATCH)
        # No character takes longer than a few and all else together: so a machine that was slow,
        # and refuses long texts, learns that it is not any more.
        most, known = seconds / max(1, sum(map(len, texts))), self.large.median()
        if known is not None and most < known:
            self.large.add(most)


class Throughput:
    """How fast each question is answered.

    Args:
        now: a clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._rates: dict[Question, Rates] = {}
        self._first: dict[bool, float] = {}

    def learn(self, texts: Sequence[str], question: Question, seconds: float) -> None:
        """Remember how long texts have taken, together; the first ones for good."""
        units = sum(weight(text, question) for text in texts)
        self._rates.setdefault(question, Rates(self._now)).learn(texts, units, seconds)
        self._first.setdefault(question.confidence, seconds / units)

    def seconds(self, text: str, question: Question) -> float:
        """How long a question will take of a text, about.

        One that nobody has asked lately is taken for another that was as thorough.
        """
        asked = [self._rates[question]] if question in self._rates else []
        alike = [rates for q, rates in self._rates.items() if q.confidence == question.confidence]
        known = [*asked, *alike]
        large = [rates.large.median() for rates in known]
        small = [rates.small.median() for rates in known]
        first = self._first.get(question.confidence, 0.0)
        order: list[float | None] = [*(small[:1] if len(text) <= ANY_TEXT else ()), *large, first]
        return weight(text, question) * next(rate for rate in order if rate is not None)


def weight(text: str, question: Question) -> float:
    """What a question about a text costs, in characters of prose."""
    size = max(len(text), CHARACTERS_OF_A_WORD * len(WORD_OR_SIGN.findall(text)))
    return ANY_TEXT + size * (1 + size / BEAM_DOUBLES_AT if question.confidence else 1)
