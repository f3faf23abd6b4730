"""What stands in a bucket, asked for on a thread of its own.

The clients wait for minutes for a network that is away, and the rest can be said without it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from components.errors import RemoteError, RetrainError

# For buckets, all together; and what they have at least once nothing else is left to do.
PATIENCE_SECONDS = 4.0
LAST_SECONDS = 1.0
T = TypeVar("T")


class Listing(Generic[T]):
    """The files that patterns stand for."""

    def __init__(self, patterns: Sequence[str], listed: Callable[[], list[T]], what: str) -> None:
        """Begin to ask, where a pattern is an address.

        Args:
            what: the files hold, in the plural.
        """
        self._listed, self._what = listed, what
        self._files: list[T] | RetrainError | None = None
        self._asking: threading.Thread | None = None
        self._remote = [pattern for pattern in patterns if "://" in pattern]
        if self._remote:
            self._asking = threading.Thread(target=self._ask, daemon=True)
            self._asking.start()

    def _ask(self) -> None:
        try:
            self._files = self._listed()
        except RetrainError as error:
            self._files = error

    def files(self, until: float) -> list[T]:
        """The files.

        Args:
            until: when to give up on a bucket, by `time.monotonic`.

        Raises:
            RemoteError: the bucket cannot be reached, or not in time.
        """
        if self._asking is None:
            return self._listed()
        self._asking.join(max(0.0, until - time.monotonic()))
        if isinstance(self._files, RetrainError):
            raise self._files
        if self._files is None:
            raise RemoteError(
                f"{self._remote[0]}: no answer within {PATIENCE_SECONDS:g} s: whether the "
                f"{self._what} are there cannot be seen from here."
            )
        return self._files
