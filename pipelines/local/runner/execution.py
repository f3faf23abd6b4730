"""Running one task to its end: from the cache, or as a process with its retries."""

from __future__ import annotations

import os
import re
import signal
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from components.errors import ConfigError, DataError, GateError, RetrainError
from components.files import remove
from pipelines.local.runner.cache import Cache, Entry, Key, Output
from pipelines.local.runner.graph import Node
from pipelines.local.runner.launchers import Command, Launcher
from pipelines.local.runner.processes import CancelledError, Processes
from pipelines.local.runner.scopes import Values
from pipelines.local.runner.spec import Container
from pipelines.local.runner.tasks import command, executor_input, progress_path, read_outputs
from pipelines.local.runs import ATTEMPT, Artifact, State, log_path, now, tail

# Trying again changes nothing about these: a person must act.
_FINAL_CODES = (ConfigError.exit_code, DataError.exit_code, GateError.exit_code)
# Colours and the like, which a task may print whoever reads them.
_CONTROLS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x1f\x7f]")
_REASON_LENGTH = 300


@dataclass(frozen=True)
class Outcome:
    """How a task ended; see `pipelines.local.runs.TaskRecord` for the fields."""

    state: State
    outputs: Values
    exit_code: int | None = None
    attempts: int = 0
    reused_from: str | None = None
    log: str | None = None
    note: str = ""


class Executor:
    """Runs tasks of one run; `execute` is called from several threads.

    Args:
        folder: the run's folder.
        stopped: set when the run is to end.
        begun: called with a task when it is not reused but really starts.
        report: called with a task's path and a line on what it is waiting for or doing again.
    """

    def __init__(
        self,
        *,
        folder: Path,
        cwd: Path,
        threads: int,
        cache: Cache,
        use_cache: bool,
        processes: Processes,
        launcher: Launcher,
        key: Key,
        stopped: threading.Event,
        begun: Callable[[Node], None],
        report: Callable[[str, str], None],
    ) -> None:
        self._folder = folder
        self._cwd = cwd
        self._threads = threads
        self._cache = cache
        self._use_cache = use_cache
        self._processes = processes
        self._launcher = launcher
        self._key_of = key
        self._stopped = stopped
        self._begun = begun
        self._report = report

    def execute(self, node: Node, inputs: Values) -> Outcome:
        """Run a task to its end; every fault ends in an outcome, never in an exception."""
        try:
            outcome = self._reuse_or_run(node, inputs)
        except CancelledError as error:
            outcome = Outcome("cancelled", Values(), note=str(error))
        except RetrainError as error:
            outcome = Outcome("failed", Values(), exit_code=1, note=str(error))
        except Exception as error:  # a full disk, a program that is missing: the task's, not ours
            with log_path(self._folder, node.path).open("a", encoding="utf-8") as log:
                traceback.print_exc(file=log)
            outcome = Outcome("failed", Values(), exit_code=1, note=f"could not be run: {error}")
        refused = outcome.exit_code in (DataError.exit_code, GateError.exit_code)
        # A stage that refuses its input has written what it wrote whole: it says what to fix.
        if outcome.state in ("failed", "cancelled") and not refused:
            remove(self._folder / node.path)
        return outcome

    def _reuse_or_run(self, node: Node, inputs: Values) -> Outcome:
        key = self._key(node, inputs)
        if key is None:
            return self._run(node, inputs)
        if not self._use_cache:
            return self._run_and_store(key, node, inputs)
        waiting = f"waiting: another task does the same work (cache key {key[:12]})"
        with self._cache.lock(key, self._stopped, lambda: self._report(node.path, waiting)):
            entry, complaint = self._cache.find(key)
            if entry:
                return self._reuse(node, entry)
            if complaint:
                self._report(node.path, complaint)
            outcome = self._run_and_store(key, node, inputs)
            return replace(outcome, note=outcome.note or complaint)

    def _key(self, node: Node, inputs: Values) -> str | None:
        assert isinstance(node.body, Container)
        if not node.cached:
            return None
        kinds = [task["kind"] for task in inputs.parameters.get("tasks", ())]
        identity = self._launcher.identity(node.body, kinds)
        return self._key_of(node, inputs.parameters, inputs.artifacts, identity)

    def _reuse(self, node: Node, entry: Entry) -> Outcome:
        """Link the outputs of the older run into this one's folder."""
        folder = self._folder / node.path
        folder.mkdir(parents=True)
        artifacts: dict[str, Artifact] = {}
        for name, output in entry.outputs.items():
            artifacts[name] = output.artifact
            if output.path:
                link = folder / Path(output.path).name
                # Relative, so that the folder of all runs can be moved.
                link.symlink_to(os.path.relpath(self._cache.location(output), folder))
                artifacts[name] = msgspec.structs.replace(output.artifact, uri=str(link))
        return Outcome(
            "reused",
            Values(entry.parameters, artifacts),
            reused_from=entry.run,
            log=entry.log,
        )

    def _run_and_store(self, key: str, node: Node, inputs: Values) -> Outcome:
        outcome = self._run(node, inputs)
        # Code that was edited meanwhile may or may not be what ran: then nobody can know the key.
        unchanged = self._key(node, inputs) == key
        known = all(artifact.digest for artifact in outcome.outputs.artifacts.values())
        if outcome.state == "succeeded" and unchanged and known:
            self._cache.store(self._entry(key, node, outcome))
        return outcome

    def _entry(self, key: str, node: Node, outcome: Outcome) -> Entry:
        runs = self._folder.parent
        own = self._folder / node.path
        outputs = {}
        for name, artifact in outcome.outputs.artifacts.items():
            path = Path(artifact.uri)
            inside = path.is_relative_to(own)
            outputs[name] = Output(
                artifact=artifact,
                path=path.relative_to(runs).as_posix() if inside else None,
            )
        return Entry(
            key=key,
            run=self._folder.name,
            task=node.path,
            log=log_path(self._folder, node.path).relative_to(runs).as_posix(),
            parameters=outcome.outputs.parameters,
            outputs=outputs,
        )

    def _run(self, node: Node, inputs: Values) -> Outcome:
        """Run the command until it succeeds or no retry is left."""
        self._begun(node)
        folder = self._folder / node.path
        folder.mkdir(parents=True)
        run_values = self._run_values(node)
        document = executor_input(node, inputs, folder, run_values)
        prepared = command(
            node,
            document,
            run_values,
            folder=folder,
            cwd=self._cwd,
            log=log_path(self._folder, node.path),
            threads=self._threads,
        )
        policy = node.spec.retry_policy
        attempt = 1
        while code := self._attempt(prepared, attempt):
            final = code in _FINAL_CODES or attempt > policy.max_retry_count
            if not final and not self._stopped.is_set():
                pause = policy.pause(attempt)
                why = f"attempt {attempt} failed ({_reason(code, prepared.log)})"
                self._report(node.path, f"{why}; again in {pause:g} s")
                self._stopped.wait(pause)
            if final or self._stopped.is_set():
                state: State = "cancelled" if self._stopped.is_set() else "failed"
                note = _reason(code, prepared.log) if state == "failed" else ""
                return Outcome(state, Values(), exit_code=code, attempts=attempt, note=note)
            attempt += 1
        outputs = read_outputs(node, document, self._cwd)
        progress_path(folder).unlink(missing_ok=True)
        return Outcome("succeeded", outputs, exit_code=0, attempts=attempt)

    def _attempt(self, prepared: Command, attempt: int) -> int:
        with self._launcher.launch(prepared) as launched:
            # A file of its own: a training's holds its whole config.
            script = prepared.log.with_suffix(".sh")
            script.write_text(f"{launched.by_hand()}\n", encoding="utf-8")
            with prepared.log.open("a", encoding="utf-8") as log:
                log.write(f"{ATTEMPT} {attempt}, {now()}: {script.name}\n")
            return self._processes.run(launched)

    def _run_values(self, node: Node) -> dict[str, str]:
        name = self._folder.name
        return {
            ".pipeline_job_name": name,
            ".pipeline_job_resource_name": name,
            ".pipeline_job_uuid": name,
            # As on Vertex AI: the same for all runs, so a place for what outlives one of them.
            ".pipeline_root": str(self._folder.parent),
            ".pipeline_task_name": node.path,
            ".pipeline_task_uuid": f"{name}/{node.path}",
        }


def _reason(code: int, log: Path) -> str:
    """Why an attempt failed, in a line: the signal that ended it, or what it said last."""
    if code == 128 + signal.SIGKILL:
        return "killed, as happens when the machine's memory runs out"
    if code > 128:
        with suppress(ValueError):
            return f"ended by {signal.Signals(code - 128).name}"
    said = tail(log, 1)
    if not said or said[0].startswith(ATTEMPT):
        return f"exit code {code}"
    return _CONTROLS.sub("", said[0])[:_REASON_LENGTH]
