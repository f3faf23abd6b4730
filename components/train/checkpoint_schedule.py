"""When to write a checkpoint, so that it costs little and little is lost."""

from __future__ import annotations

import signal
import time
from types import FrameType, TracebackType
from typing import Self

from components.errors import RetrainError
from components.train.settings import TrainSettings


class StoppedError(RetrainError):
    """The run was asked to stop and left a checkpoint; a retry goes on from there."""


class CheckpointSchedule:
    """Says when a checkpoint is due."""

    def __init__(self, settings: TrainSettings) -> None:
        self.every = settings.checkpoint_every
        self.seconds = settings.checkpoint_minutes * 60
        self.fraction = settings.checkpoint_share
        self.step = 0
        self.time = time.monotonic()
        self.cost = 0.0

    def due(self, step: int) -> bool:
        """Whether steps or minutes enough have passed for what the last checkpoint cost."""
        passed = time.monotonic() - self.time
        wanted = (self.every and step - self.step >= self.every) or (
            self.seconds and passed >= self.seconds
        )
        return bool(wanted) and passed * self.fraction >= self.cost

    def written(self, step: int, cost: float) -> None:
        """Take note of a checkpoint that took `cost` seconds to write."""
        self.step, self.cost, self.time = step, cost, time.monotonic()


class Stop:
    """Inside `with`, SIGTERM and SIGINT only ask to stop, once; the second time they act."""

    def __init__(self) -> None:
        self.signal = ""

    def __enter__(self) -> Self:
        wanted = (signal.SIGTERM, signal.SIGINT)
        self.before = {number: signal.signal(number, self.ask) for number in wanted}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self.restore()

    def ask(self, number: int, _: FrameType | None) -> None:
        """The signal handler."""
        self.signal = signal.Signals(number).name
        self.restore()

    def restore(self) -> None:
        """Give the signals back to those who handled them before."""
        for number, handler in self.before.items():
            signal.signal(number, handler)
