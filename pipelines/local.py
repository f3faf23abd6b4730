"""The local runner: a compiled KFP pipeline spec as processes on this machine.

    result = run_spec(yaml.safe_load(text), out=Path("runs"), cwd=config.parent, name="sample")

Tasks start as soon as what they need is there, branches side by side; see `pipelines/cache.py` for
what is reused and `pipelines/runs.py` for what is left on disk.
"""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
import yaml

from components.errors import ConfigError, RemoteError
from components.files import writing
from pipelines.cache import Cache
from pipelines.cores import available_cores
from pipelines.execution import Executor, Outcome
from pipelines.interrupts import Interrupts
from pipelines.launchers import Launcher, ThisMachine
from pipelines.processes import Processes
from pipelines.runs import (
    RunRecord,
    State,
    TaskRecord,
    log_path,
    new_run,
    now,
    tail,
    write_record,
)
from pipelines.scopes import Ended, MissingInputError, Scope, Values, typed
from pipelines.spec import Container, Node, read_spec
from pipelines.tasks import progress_path

_TICK_SECONDS = 0.25
_TAIL_LINES = 20


class Listener(Protocol):
    """Who watches a run. All calls come from the thread that called `run_spec`."""

    def started(self, run: RunRecord) -> None:
        """The run begins; every task is pending."""

    def changed(self, task: TaskRecord) -> None:
        """A task has another state."""

    def noted(self, task: str, note: str) -> None:
        """A task waits, or tries again."""

    def tick(self, progress: Mapping[str, Mapping[str, Any]]) -> None:
        """Called a few times per second; `progress` has what running tasks last reported."""

    def ended(self) -> None:
        """The run has ended, or is broken off by an error."""


@dataclass(frozen=True)
class Failure:
    """A task that failed, and the last lines of its log."""

    task: TaskRecord
    log: Path
    tail: list[str]


@dataclass(frozen=True)
class RunResult:
    """A run that has ended; `record` is what run.json holds."""

    path: Path
    record: RunRecord
    failures: list[Failure]

    @property
    def run_id(self) -> str:
        return self.record.id

    @property
    def exit_code(self) -> int:
        """0; a failed stage's 2 to 5, or 1; 128 + the signal that stopped the run."""
        return self.record.exit_code or 0


def run_spec(
    spec: Mapping[str, Any],
    *,
    out: Path,
    cwd: Path,
    name: str,
    listener: Listener,
    parameters: Mapping[str, Any] | None = None,
    phases: Sequence[str] | None = None,
    workers: int | None = None,
    use_cache: bool = True,
    config: str = "",
    launcher: Launcher | None = None,
) -> RunResult:
    """Run a pipeline spec to its end.

    Args:
        spec: the compiled spec, parsed.
        out: folder of all runs; a folder for this one is made in it.
        cwd: folder that tasks run in: relative paths in the config are relative to it.
        name: what the run's id ends with.
        parameters: the pipeline's inputs, where they differ from the defaults.
        phases: names of the top-level branches to run; the others are left out. None: all.
        workers: how many tasks run at once; None: as many as there are cores.
        use_cache: False runs every task again (what they make is still kept for later runs).
        config: path of the config file, for the record.
        launcher: where commands run; None: here, as they are.

    Raises:
        ConfigError: the spec holds something that is not implemented, or an argument is wrong.
            Nothing was run.
    """
    root = read_spec(spec)
    inputs = _pipeline_inputs(root, parameters or {})
    chosen = _chosen(root, phases)
    cores = available_cores()
    workers = cores if workers is None else workers
    if workers < 1:
        raise ConfigError(f"workers must be 1 or more, not {workers}")
    text = yaml.safe_dump(dict(spec), sort_keys=True, allow_unicode=True)
    with new_run(out.resolve(), name) as folder:
        with writing(folder / "spec.yaml") as path:
            path.write_text(text, encoding="utf-8")
        record = RunRecord(
            id=folder.name,
            name=name,
            config=config,
            spec_digest=hashlib.sha256(text.encode()).hexdigest(),
            parameters=inputs.parameters,
            started=now(),
            pid=os.getpid(),
            workers=workers,
            # Threads beyond the cores make torch several times slower.
            threads=max(1, cores // min(workers, len(chosen))),
            tasks=_task_records(root, chosen),
        )
        run = _Run(folder, record, root, chosen, listener)
        run.execute(inputs, cwd.resolve(), use_cache, launcher or ThisMachine())
        failures = [
            _failure(folder, task) for task in record.tasks.values() if task.state == "failed"
        ]
    return RunResult(folder, record, failures)


def _pipeline_inputs(root: Node, parameters: Mapping[str, Any]) -> Values:
    declared = root.inputs.parameters
    unknown = sorted(parameters.keys() - declared.keys())
    if unknown:
        raise ConfigError(f"the pipeline has no parameter {unknown}; it has {sorted(declared)}")
    values = {}
    for name, definition in declared.items():
        value = parameters.get(name, definition.default_value)
        if value is None:
            raise ConfigError(f"the pipeline's parameter {name!r} has no value")
        values[name] = typed(value, definition.parameter_type, f"pipeline parameter {name!r}")
    return Values(values)


def _chosen(root: Node, phases: Sequence[str] | None) -> set[str]:
    """Keys of the top-level nodes to run."""
    nodes = Scope(root, None, Values()).nodes
    labels = {node.path: key for key, node in nodes.items()}
    unknown = [phase for phase in phases or () if phase not in labels]
    if unknown:
        raise ConfigError(f"no phase {unknown}; the phases are {sorted(labels)}")
    chosen = {labels[phase] for phase in phases} if phases is not None else set(nodes)
    for key in sorted(chosen):
        left_out = sorted(nodes[key].after - chosen)
        if left_out:
            raise ConfigError(f"{nodes[key].path} needs {left_out}, which would be left out")
    if not chosen:
        raise ConfigError("no phase to run")
    return chosen


def _task_records(root: Node, chosen: set[str]) -> dict[str, TaskRecord]:
    records = {}
    for key, node in Scope(root, None, Values()).nodes.items():
        state: State = "pending" if key in chosen else "not-run"
        note = "" if key in chosen else "left out"
        for leaf in node.leaves():
            records[leaf.path] = TaskRecord(leaf.path, state=state, note=note)
    return records


def _failure(folder: Path, task: TaskRecord) -> Failure:
    log = log_path(folder, task.task)
    lines = [line for line in tail(log, _TAIL_LINES) if not line.startswith("--- attempt ")]
    return Failure(task, log, lines)


class _Run:
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

    def execute(self, inputs: Values, cwd: Path, use_cache: bool, launcher: Launcher) -> None:
        """Run everything; the record tells how it went."""
        cache = Cache(self._folder.parent)
        with (
            ThreadPoolExecutor(self._record.workers) as self._pool,
            Processes() as processes,
            Interrupts(lambda: self._stop(processes), processes.kill) as interrupts,
        ):
            self._executor = Executor(
                folder=self._folder,
                cwd=cwd,
                threads=self._record.threads,
                cache=cache,
                use_cache=use_cache,
                processes=processes,
                launcher=launcher,
                stopped=self._stopped,
                report=lambda task, note: self._events.put(lambda: self._note(task, note)),
            )
            self._save()
            self._listener.started(self._record)
            try:
                self._drive(inputs)
                self._finish(interrupts.received)
            finally:
                self._stopped.set()
                self._listener.ended()

    def _stop(self, processes: Processes) -> None:
        self._stopped.set()
        processes.stop()

    def _drive(self, inputs: Values) -> None:
        root = Scope(self._root, None, inputs)
        root.begun |= root.nodes.keys() - self._chosen
        self._advance(root)
        while self._under_way:
            try:
                self._events.get(timeout=_TICK_SECONDS)()
            except queue.Empty:
                self._listener.tick(self._progress())

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
        if not all(condition.holds(inputs.parameters) for condition in node.conditions):
            self._end_unrun(scope, node, "skipped", node.spec.trigger_policy.condition)
        elif isinstance(node.body, Container):
            self._under_way += 1
            self._pool.submit(self._work, scope, node, inputs)
        else:
            group = Scope(node, scope, inputs)
            self._advance(group)
            if group.complete:
                scope.ended[node.key] = group.outcome()

    def _work(self, scope: Scope, node: Node, inputs: Values) -> None:
        """In a thread of the pool: run one task."""
        if self._stopped.is_set():
            outcome = Outcome("not-run", Values(), note="the run was stopped")
        else:
            self._events.put(lambda: self._started(node))
            outcome = self._executor.execute(node, inputs)
        self._events.put(lambda: self._worked(scope, node, outcome))

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
        task.ended = now() if task.started else None
        self._change(task)
        self._end(scope, node, Ended(outcome.state, outcome.outputs))

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
        self._listener.noted(task, note)

    def _change(self, task: TaskRecord) -> None:
        self._save()
        self._listener.changed(task)

    def _save(self) -> None:
        write_record(self._folder, self._record)

    def _progress(self) -> dict[str, dict[str, Any]]:
        """What running tasks last reported (see `components.progress`)."""
        found = {}
        for path, task in self._record.tasks.items():
            if task.state == "running":
                try:
                    text = progress_path(self._folder / path).read_bytes()
                    found[path] = msgspec.json.decode(text, type=dict[str, Any])
                except (OSError, msgspec.MsgspecError):
                    continue
        return found

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
