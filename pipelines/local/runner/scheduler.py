"""Starts tasks as soon as what they need is there, and keeps the record of the run."""

from __future__ import annotations

import functools
import queue
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from components.errors import ConfigError, RemoteError, WriteError
from pipelines.local.runner.cache import Cache, Key
from pipelines.local.runner.execution import Executor, Outcome
from pipelines.local.runner.graph import Elsewhere, Node
from pipelines.local.runner.interrupts import Interrupts
from pipelines.local.runner.launchers import Launcher
from pipelines.local.runner.listeners import Listener, Nobody
from pipelines.local.runner.processes import GRACE, Processes
from pipelines.local.runner.scopes import Ended, MissingInputError, Scope, Values
from pipelines.local.runner.spec import Container, Importer
from pipelines.local.runner.tasks import imported, progress_path
from pipelines.local.runs import (
    RunRecord,
    State,
    TaskRecord,
    log_path,
    now,
    release_reserve,
    write_record,
)

NOT_RUN = Outcome("not-run", Values())
_TICK_SECONDS = 0.25


class Scheduler:
    """One run under way. Only `_work` runs in other threads; what it finds out comes as events."""

    def __init__(
        self,
        folder: Path,
        record: RunRecord,
        root: Node,
        chosen: set[str],
        listener: Listener,
    ) -> None:
        self._folder = folder
        self._record = record
        self._root = root
        self._chosen = chosen
        self._listener = listener
        self._events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._under_way = 0
        self._lost: int | None = None

    def execute(
        self, inputs: Values, cwd: Path, use_cache: bool, launcher: Launcher, key: Key
    ) -> None:
        """Run everything; the record tells how it went."""
        cache = Cache(self._folder.parent)
        self._cwd = cwd
        with (
            Interrupts(self._on_signal) as interrupts,
            ThreadPoolExecutor(self._record.workers) as self._pool,
            Processes() as self._processes,
        ):
            self._executor = Executor(
                folder=self._folder,
                cwd=cwd,
                threads=self._record.threads,
                cache=cache,
                use_cache=use_cache,
                processes=self._processes,
                launcher=launcher,
                key=key,
                stopped=self._stopped,
                begun=lambda node: self._events.put(lambda: self._started(node)),
                report=lambda task, note: self._events.put(lambda: self._note(task, note)),
            )
            self._save()
            try:
                self._tell(self._listener.started, self._record)
                self._drive(inputs)
                self._finish(interrupts.received or self._lost)
            finally:
                self._stopped.set()
                self._tell(self._listener.ended)

    def _on_signal(self, first: bool) -> None:
        """Called between any two lines of this thread: leave the work to the loop."""
        self._events.put(self._interrupted if first else self._kill)

    def _kill(self) -> None:
        self._processes.kill()

    def _interrupted(self) -> None:
        self._stop()
        note = f"stopping: running tasks have {GRACE:g} s to end; once more kills them at once"
        self._tell(self._listener.noted, "", note)

    def _stop(self) -> None:
        self._stopped.set()
        self._processes.stop()

    def _tell(self, event: Callable[..., None], *what: object) -> None:
        """Tell the listener; when its terminal or pipe is gone, end the run as SIGHUP would."""
        try:
            event(*what)
        except (OSError, SystemExit):  # rich leaves by SystemExit when its pipe breaks
            self._listener = Nobody()
            self._lost = signal.SIGPIPE
            self._stop()

    def _drive(self, inputs: Values) -> None:
        root = Scope(self._root, None, inputs)
        left_out = root.nodes.keys() - self._chosen
        root.begun |= left_out
        root.ended |= {key: Ended("not-run") for key in left_out}
        self._advance(root)
        while self._under_way:
            try:
                self._events.get(timeout=_TICK_SECONDS)()
            except queue.Empty:
                self._tell(self._listener.tick, self._progress())

    def _advance(self, scope: Scope) -> None:
        """Begin whatever is ready in a group."""
        while ready := scope.ready():
            for node in ready:
                scope.begun.add(node.key)
                self._begin(scope, node)

    def _begin(self, scope: Scope, node: Node) -> None:
        blocked = "not-run" if self._stopped.is_set() else scope.blocked(node)
        if blocked:
            self._end_unrun(scope, node, blocked, "")
            return
        try:
            inputs = scope.inputs_of(node)
        except MissingInputError as error:
            self._end_unrun(scope, node, "skipped", str(error))
            return
        except ConfigError as error:
            self._end_unrun(scope, node, "failed", str(error))
            return
        if not all(condition.holds(inputs.parameters) for condition in node.conditions):
            self._end_unrun(scope, node, "skipped", "its condition does not hold")
        elif isinstance(node.body, Elsewhere):
            self._end_unrun(scope, node, "skipped", node.body.why)
        elif isinstance(node.body, Container | Importer):
            self._under_way += 1
            work = self._work if isinstance(node.body, Container) else self._import
            self._pool.submit(work, scope, node, inputs)
        else:
            group = Scope(node, scope, inputs)
            self._advance(group)
            if group.complete:
                scope.ended[node.key] = group.outcome()

    def _work(self, scope: Scope, node: Node, inputs: Values) -> None:
        """In a thread of the pool: run one task."""
        try:
            stopped = self._stopped.is_set()
            outcome = NOT_RUN if stopped else self._executor.execute(node, inputs)
        except BaseException as error:  # it would be lost in this thread, and the run wait forever
            self._events.put(functools.partial(_raise, error))
        else:
            self._events.put(lambda: self._worked(scope, node, outcome))

    def _import(self, scope: Scope, node: Node, inputs: Values) -> None:
        """In a thread of the pool: look at what an importer imports. It is no task of the run."""
        try:
            ended = Ended("succeeded", imported(node, inputs, self._cwd))
        except OSError as error:
            ended = Ended("failed", error=f"{node.path}: {error}")
        self._events.put(lambda: self._imported(scope, node, ended))

    def _imported(self, scope: Scope, node: Node, ended: Ended) -> None:
        self._under_way -= 1
        self._end(scope, node, ended)

    def _started(self, node: Node) -> None:
        task = self._record.tasks[node.path]
        task.state, task.started = "running", now()
        task.log = f"{self._folder.name}/{log_path(Path(), node.path).as_posix()}"
        self._change(task)

    def _worked(self, scope: Scope, node: Node, outcome: Outcome) -> None:
        self._under_way -= 1
        task = self._record.tasks[node.path]
        task.state, task.exit_code = outcome.state, outcome.exit_code
        task.attempts = outcome.attempts
        task.parameters, task.artifacts = outcome.outputs.parameters, outcome.outputs.artifacts
        task.reused_from, task.log = outcome.reused_from, outcome.log or task.log
        task.note = outcome.note
        if outcome is not NOT_RUN:
            task.ended = now()
            task.started = task.started or task.ended
        self._change(task)
        error = f"{node.path}: {outcome.note}" if outcome.state == "failed" else ""
        self._end(scope, node, Ended(outcome.state, outcome.outputs, error))

    def _end(self, scope: Scope, node: Node, ended: Ended) -> None:
        """Note how a node ended, and go on with what waited for it, up through the groups."""
        scope.ended[node.key] = ended
        self._advance(scope)
        if scope.parent and scope.complete:
            self._end(scope.parent, scope.node, scope.outcome())

    def _end_unrun(self, scope: Scope, node: Node, state: State, note: str) -> None:
        scope.ended[node.key] = Ended(state)
        for leaf in node.leaves():
            task = self._record.tasks[leaf.path]
            task.state, task.note = state, note
            self._change(task)

    def _note(self, task: str, note: str) -> None:
        self._record.tasks[task].note = note
        self._tell(self._listener.noted, task, note)

    def _change(self, task: TaskRecord) -> None:
        self._save()
        self._tell(self._listener.changed, task)

    def _save(self) -> None:
        write_record(self._folder, self._record)

    def _progress(self) -> dict[str, dict[str, Any]]:
        """What running tasks last reported (see `components.progress`)."""
        reports = {}
        for path, task in self._record.tasks.items():
            if task.state == "running":
                try:
                    text = progress_path(self._folder / path).read_bytes()
                    reports[path] = msgspec.json.decode(text, type=dict[str, Any])
                except (OSError, msgspec.MsgspecError):
                    continue
        return reports

    def _finish(self, signal_number: int | None) -> None:
        record = self._record
        failed = [task for task in record.tasks.values() if task.state == "failed"]
        record.ended = now()
        if signal_number is not None:
            record.state, record.exit_code = "cancelled", 128 + signal_number
        elif failed:
            code = failed[0].exit_code or 1
            record.state = "failed"
            record.exit_code = code if 1 < code <= RemoteError.exit_code else 1
        else:
            record.state, record.exit_code = "succeeded", 0
        self._save()

    def abandon(self) -> None:
        """Note as far as possible that the run has failed: its folder could not be written."""
        record = self._record
        for task in record.tasks.values():
            if task.state in ("pending", "running"):
                task.state = "cancelled" if task.state == "running" else "not-run"
        record.state, record.exit_code, record.ended = "failed", WriteError.exit_code, now()
        release_reserve(self._folder)
        with suppress(OSError, WriteError):
            self._save()


def _raise(error: BaseException) -> None:
    raise error
