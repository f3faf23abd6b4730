"""The cores of the machine, divided between predictions on several threads."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Python runs one thread at a time: beyond this, predictions wait for each other's Python.
MOST_THREADS = 4


def cores() -> int:
    """The cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Share:
    """Divides the cores between the predictions that are under way.

    A lonely prediction gets all of them. PyTorch's threads are those of the thread that asks.
    """

    def __init__(self) -> None:
        self._busy = 0
        self._lock = threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take a share for as long as a prediction takes."""
        with self._lock:
            self._busy += 1
            share = max(1, cores() // self._busy)
        # A pipeline without a transformer has not imported it, and must not wait for it.
        if torch := sys.modules.get("torch"):
            torch.set_num_threads(share)
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
