"""The cores of the machine, divided between predictions on several threads."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from components.cores import available_cores

# Python runs one thread at a time: beyond this, predictions wait for each other's Python.
MOST_THREADS = 4


class Share:
    """Divides the cores between predictions: each its part, and all to a text that is alone.

    PyTorch's threads are those of the thread that asks, so each sets its own number.

    Args:
        threads: predictions that may be under way at once.
    """

    def __init__(self, threads: int) -> None:
        self._all = available_cores()
        self._part = max(1, self._all // threads)
        self._busy = 0
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, texts: int) -> Iterator[None]:
        """Take a share for as long as a prediction of so many texts takes."""
        with self._lock:
            self._busy += 1
            alone = texts == 1 and self._busy == 1
        # A pipeline without a transformer has not imported it, and must not wait for it.
        if torch := sys.modules.get("torch"):
            torch.set_num_threads(self._all if alone else self._part)
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
