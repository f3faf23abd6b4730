"""A line every half minute, whatever the run is busy with: nobody should wonder if it hangs."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

LINE_SECONDS = 30.0
CHECK_SECONDS = 1.0


class Heartbeat:
    """Inside `with`, a thread of its own says what is going on when nothing else was said.

    Args:
        clock: seconds, from anywhere.
        wait: waits so many seconds; true when it was asked to end.

    Attributes:
        message: makes the line to print.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        self.clock = clock
        self.out = sys.stdout  # also while others gather what a library prints
        self.ended = threading.Event()
        self.wait = wait or self.ended.wait
        self.message: Callable[[], str] = lambda: "   working"
        self.note_output()
        self.thread = threading.Thread(target=self.report, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self.ended.set()
        self.thread.join()

    def doing(self, what: str) -> None:
        """From now on say this, and for how long."""
        began = self.clock()
        self.message = lambda: f"   {what}, {self.clock() - began:.0f} s so far"

    def note_output(self) -> None:
        """Take note that something was printed."""
        self.last_output = self.clock()

    def report(self) -> None:
        """What the thread does."""
        while not self.wait(CHECK_SECONDS):
            if self.clock() - self.last_output >= LINE_SECONDS:
                self.note_output()
                # In one piece, so that the main thread's lines stay whole.
                self.out.write(f"{self.message()}\n")
                self.out.flush()
