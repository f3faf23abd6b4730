"""What became of damaged input."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import NoReturn


class HangError(BaseException):
    """It took too long. No Exception: what catches everything must not catch this."""


@dataclass
class Outcome:
    """How much was tried, what was made of it, and what must not have happened."""

    tried: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = ", ".join(f"{count:,} {what}" for what, count in sorted(self.counts.items()))
        faults = "".join(f"\n  FAULT {fault}" for fault in self.faults[:20])
        return f"{self.tried:,} tried, {len(self.faults)} faults: {counts}{faults}"


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise HangError in a block that takes longer; only in the main thread."""

    def stop(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise HangError

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
