"""The local runner: a compiled KFP pipeline spec as processes on this machine.

    result = run_spec(yaml.safe_load(text), out=Path("runs"), cwd=config.parent, name="sample")

Tasks start as soon as what they need is there, branches side by side. What is reused stands in
`pipelines/local/runner/cache.py`, what is left on disk in `pipelines/local/runs.py`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.cores import available_cores
from components.errors import ConfigError, WriteError
from components.files import writing
from components.registry.settings import ModelSettings
from pipelines.local.production import asked, declared, location_of
from pipelines.local.runner.cache import Key, content_key
from pipelines.local.runner.graph import Node
from pipelines.local.runner.launchers import Launcher, ThisMachine
from pipelines.local.runner.listeners import Listener
from pipelines.local.runner.reading import read_spec
from pipelines.local.runner.scheduler import Scheduler
from pipelines.local.runner.scopes import Scope, Values, typed
from pipelines.local.runs import (
    ATTEMPT,
    RunRecord,
    State,
    TaskRecord,
    log_path,
    new_run,
    now,
    tail,
    write_record,
)

_TAIL_LINES = 20


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
    command: str = "",
    launcher: Launcher | None = None,
    key: Key = content_key,
    models: Mapping[str, ModelSettings] | None = None,
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
        command: what started it, for the record.
        launcher: where commands run; None: here, as they are.
        key: what makes two tasks the same to the cache.
        models: phase -> its model, which is kept in the registry that the pipeline's parameter of
            that name says. The record says what is in production of each in the end.

    Raises:
        ConfigError: the spec holds something that is not implemented, or an argument is wrong.
            Nothing was run.
        WriteError: the folder of the runs cannot be written, or is full; the run has failed.
    """
    root = read_spec(spec)
    inputs = _pipeline_inputs(root, parameters or {})
    chosen = _chosen(root, phases)
    cores = available_cores()
    workers = cores if workers is None else workers
    if workers < 1:
        raise ConfigError(f"workers must be 1 or more, not {workers}")
    text = yaml.safe_dump(dict(spec), sort_keys=True, allow_unicode=True)
    try:
        with new_run(out.resolve(), name) as folder:
            with writing(folder / "spec.yaml") as path:
                path.write_text(text, encoding="utf-8")
            record = RunRecord(
                id=folder.name,
                name=name,
                config=config,
                command=command,
                spec_digest=hashlib.sha256(text.encode()).hexdigest(),
                parameters=inputs.parameters,
                started=now(),
                pid=os.getpid(),
                workers=workers,
                # Threads beyond the cores make torch several times slower.
                threads=max(1, cores // min(workers, _side_by_side(root, chosen))),
                tasks=_task_records(root, chosen),
            )
            if models:
                registry = location_of(str(inputs.parameters["registry"]), cwd.resolve(), folder)
                record.production = declared(record, models, registry)
            run = Scheduler(folder, record, root, chosen, listener)
            try:
                run.execute(inputs, cwd.resolve(), use_cache, launcher or ThisMachine(), key)
                record.production = asked(record, folder)
                write_record(folder, record)
            except (OSError, WriteError):
                run.abandon()
                raise
    except OSError as error:
        raise WriteError(
            f"{error.filename or out}: {error.strerror}. The folder of the runs must be writable "
            "and have room; run the same command again once it is."
        ) from error
    tasks = record.tasks.values()
    failures = [_failure(folder, task) for task in tasks if task.state == "failed"]
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
    """Keys of the top-level nodes to run: the phases, and what tells how they ended."""
    nodes = Scope(root, None, Values()).nodes
    labels = {node.path: key for key, node in nodes.items()}
    unknown = [phase for phase in phases or () if phase not in labels]
    if unknown:
        raise ConfigError(f"no phase {unknown}; the phases are {sorted(labels)}")
    chosen = {labels[phase] for phase in phases} if phases is not None else set(nodes)
    for key, node in nodes.items():
        if node.takes_final_status and node.after <= chosen:
            chosen.add(key)
        left_out = sorted(node.after - chosen)
        if key in chosen and left_out and not node.only_ordered:
            raise ConfigError(f"{node.path} needs {left_out}, which would be left out")
    if not chosen:
        raise ConfigError("no phase to run")
    return chosen


def _side_by_side(root: Node, chosen: set[str]) -> int:
    """How many of the top-level nodes can run at the same time, as far as the spec says."""
    nodes = Scope(root, None, Values()).nodes
    return max(1, sum(not nodes[key].after for key in chosen))


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
    lines = [line for line in tail(log, _TAIL_LINES) if not line.startswith(ATTEMPT)]
    return Failure(task, log, lines)
