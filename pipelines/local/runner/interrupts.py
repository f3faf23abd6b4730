"""Ctrl-C, SIGTERM and SIGHUP while a run is on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Context in which signals are told to `handle(first)` instead of ending the process.

    Signals only reach a process's main thread: elsewhere (a server that runs specs) this does
    nothing. A signal that was ignored before (nohup) stays ignored.

    Attributes:
        received: the first signal, or None.
    """

    def __init__(self, handle: Callable[[bool], None]) -> None:
        self._tell = handle
        self.received: int | None = None

    def __enter__(self) -> Self:
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            self._before = {
                number: signal.signal(number, self._handle)
                for number in _SIGNALS
                if signal.getsignal(number) != signal.SIG_IGN
            }
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        first = self.received is None
        if first:
            self.received = number
        self._tell(first)
