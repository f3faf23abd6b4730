"""Who watches a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from pipelines.local.runs import RunRecord, TaskRecord


class Listener(Protocol):
    """Watches a run. All calls come from the thread that called `run_spec`.

    An OSError means that nobody can watch any more (a closed terminal): it ends the run.
    """

    def started(self, run: RunRecord) -> None:
        """The run begins; every task is pending."""

    def changed(self, task: TaskRecord) -> None:
        """A task has another state."""

    def noted(self, task: str, note: str) -> None:
        """A task waits or tries again; "" for the run as a whole."""

    def tick(self, progress: Mapping[str, Mapping[str, Any]]) -> None:
        """Called a few times per second; `progress` has what running tasks last reported."""

    def ended(self) -> None:
        """The run has ended, or is broken off by an error."""


class Nobody:
    """Listens in place of one that cannot any more."""

    def started(self, run: RunRecord) -> None: ...

    def changed(self, task: TaskRecord) -> None: ...

    def noted(self, task: str, note: str) -> None: ...

    def tick(self, progress: Mapping[str, Mapping[str, Any]]) -> None: ...

    def ended(self) -> None: ...
