"""Looks at annotations again and again, and starts a retrain of a phase once enough are new.

A look is cheap and happens often. After a change the annotations are left alone until nothing has
changed for `quiet`, or for `LONGEST` times as long in all; then they are read and counted, task by
task. One retrain runs at a time: what comes meanwhile is counted after it, against what it had.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import chdir, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from components.errors import ConfigError, DataError, RetrainError
from components.html.format import count
from components.registry import documents, examples
from components.registry.base import numbered
from components.registry.open import VOLUME_SCHEME, open_registry
from pipelines.config.load import Loaded
from pipelines.config.schema import Due, Phase, seconds
from pipelines.local.runs import find_run, read_record
from pipelines.watching.annotations import Annotated, Keys, annotated, keys_in, new_of, state_of
from pipelines.watching.events import Event, Tell
from pipelines.watching.memory import Memory, as_keys, listed, locked, memorise, recall

LONGEST = 12  # times `quiet` that changes may go on before they are counted
AGAIN_SECONDS = 600.0  # before a retrain that failed, though its data was fit, is tried again
LEAST_SECONDS = 1.0  # between two looks, however many events there are
FINAL = (ConfigError.exit_code, DataError.exit_code)  # of runs that need other input to succeed


@dataclass
class Watched:
    """A phase that is watched.

    Attributes:
        state: of its sources when they were last looked at.
        changed, first: when a change was last seen that is not counted yet, and the first of these,
            by `time.monotonic`; None if all is counted.
        problem: what was last said to be wrong.
    """

    name: str
    phase: Phase
    due: Due
    file: Path
    state: str = ""
    changed: float | None = None
    first: float | None = None
    problem: str = ""

    def look(self, now: float) -> bool:
        """Look at the sources; whether it is time to count what is new."""
        state = state_of(self.phase)
        if state != self.state:
            # At its start a watch can't know for how long nothing has changed, and need not wait.
            self.changed = now if self.state else -float("inf")
            self.first = self.changed if self.first is None else self.first
            self.state = state
        if self.changed is None or self.first is None:
            return False
        quiet = seconds(self.due.quiet)
        return now - self.changed >= quiet or now - self.first >= LONGEST * quiet

    def counted_in(self, now: float) -> float:
        """Seconds until what has changed is counted, if nothing else changes."""
        if self.changed is None:
            return float("inf")
        return self.changed + seconds(self.due.quiet) - now

    def wait_until(self, when: float | None) -> None:
        """Count again at a time, or (None) after the next change."""
        self.changed = self.first = when


@dataclass
class Watcher:
    """Watches the phases of a config that say when they are due.

    Args:
        out: folder of the runs on this machine.
        tell: told what happens.
    """

    loaded: Loaded
    out: Path
    tell: Tell
    phases: list[str]
    event: threading.Event = field(default_factory=threading.Event)

    def watched(self) -> list[Watched]:
        """The phases to watch.

        Raises:
            ConfigError: one of them does not say when it is due, or none does.
        """
        there = self.loaded.pipeline.phases
        due = {name: phase.due for name, phase in there.items() if phase.due}
        silent = [name for name in self.phases or there if name not in due]
        if silent and (self.phases or not due):
            raise ConfigError(
                f"{self.loaded.path}: {', '.join(silent)}: not said when a retrain is due. Write, "
                "under the phase or under `defaults`, e.g. due: {new_annotations: 50}."
            )
        return [
            Watched(name, there[name], settings, self.folder / f"{name}.json")
            for name, settings in due.items()
            if not self.phases or name in self.phases
        ]

    @property
    def folder(self) -> Path:
        """Where it remembers."""
        return self.out.resolve() / "watch" / self.loaded.pipeline.name

    def run(self, every: float) -> None:
        """Watch for ever.

        Args:
            every: seconds between two looks, unless an event comes.
        """
        watched = self.watched()
        for one in watched:
            if recall(one.file).started is not None:
                message = "a retrain was interrupted: takes it up"
                self.tell(Event("taken-up", message, one.name))
                self.attempt(one, self.retrain)
        while True:
            for one in watched:
                self.attempt(one, self.step)
            counting = [one.counted_in(time.monotonic()) for one in watched]
            if self.event.wait(max(LEAST_SECONDS, min([every, *counting]))):
                self.event.clear()
                time.sleep(LEAST_SECONDS)

    def attempt(self, one: Watched, what: Callable[[Watched], None]) -> None:
        """Do something that may fail; a watch goes on, and says a problem once."""
        try:
            what(one)
            one.problem = ""
        except RetrainError as error:
            if str(error) != one.problem:
                self.tell(Event("problem", str(error), one.name))
            one.problem = str(error)

    def step(self, one: Watched) -> None:
        """Look, count if it is time to, and retrain if enough is new."""
        with chdir(self.loaded.folder):
            if not one.look(time.monotonic()):
                return
            try:
                now = annotated(one.phase, self.out.resolve() / "store")
            except DataError:
                one.wait_until(None)  # the same would be as unfit
                raise
            one.wait_until(None)
            memory = recall(one.file)
            new = new_of(now.tasks, as_keys(memory.known)) if memory.known else self.since(one, now)
        most = max(new.values(), default=0)
        told = ", ".join(f"{task} {count(number)}" for task, number in sorted(new.items()))
        told = f"{told or 'nothing'} new of {one.due.new_annotations}"
        if most < one.due.new_annotations:
            self.tell(Event("waits", f"{told}: waits", one.name, new))
            return
        self.tell(Event("retrains", f"{told}: retrains", one.name, new))
        memorise(one.file, Memory(memory.known, listed(now.tasks)))
        self.retrain(one, again=memory.failed)

    def since(self, one: Watched, now: Annotated) -> dict[str, int]:
        """What is new since the model in production; all of it where there is none.

        Nothing where the registry can't be looked at from here: what comes from now on is.
        """
        address = self.loaded.pipeline.registry_url
        if address.startswith(VOLUME_SCHEME):
            memorise(one.file, Memory(listed(now.tasks)))
            return dict.fromkeys(now.tasks, 0)
        registry = open_registry(address)
        model = one.phase.model
        champion = numbered(
            registry.versions(model.name), registry.pointed(model.name, model.alias)
        )
        kept = champion and registry.document(champion, documents.EXAMPLES)
        where = f"{documents.EXAMPLES} of {model.name}"
        known = frozenset(examples.read_keys(kept, where)) if kept else frozenset()
        return new_of(now.whole, dict.fromkeys(now.whole, known))

    def retrain(self, one: Watched, *, again: bool = False) -> None:
        """Start what was written down, wait for its end, and write that down.

        Args:
            again: the last one failed: where it was submitted, it is not to be found.
        """
        started = recall(one.file).started
        assert started is not None
        lock = self.folder / "run.lock"
        with locked(lock, block=False) as free:
            if free is None:
                message = "a run that was started before goes on: waits for its end"
                self.tell(Event("taken-up", message, one.name))
        with locked(lock) as held:
            assert held is not None
            code, run = self.launch(one, held, again=again)
        if code:
            passing = code not in FINAL
            one.wait_until(time.monotonic() + AGAIN_SECONDS if passing else None)
            # It is started again when it is due again: it may be for good that it failed.
            memorise(one.file, Memory(recall(one.file).known, failed=True))
            when = (
                f"tries again in {AGAIN_SECONDS / 60:.0f} min" if passing else "waits for a change"
            )
            message = f"the retrain failed with exit code {code}: {when}"
            self.tell(Event("failed", message, one.name, exit_code=code))
            return
        had = self.keys_of(one, run) if run else as_keys(started)
        memorise(one.file, Memory(listed(had)))
        shown = f": retrain runs show {run}" if run else ""
        self.tell(Event("ended", f"the retrain has ended{shown}", one.name, run=run))

    def launch(self, one: Watched, lock: int, *, again: bool) -> tuple[int, str]:
        """Run or submit the phase, as the config's target says; its exit code, and the run here."""
        command = [sys.executable, "-m", "pipelines"]
        target = [str(self.loaded.path), "--phase", one.name]
        if self.loaded.pipeline.target != "local":
            force = ["--force"] if again else []
            return waited([*command, "submit", *target, "--wait", *force], lock, None), ""
        answer = one.file.with_suffix(".run")
        run = [*command, "run", *target, "--out", str(self.out), "--json"]
        code = waited(run, lock, answer)
        try:
            return code, str(json.loads(answer.read_bytes())["run"])
        except (ValueError, KeyError):
            return code or 1, ""

    def keys_of(self, one: Watched, run: str) -> Keys:
        """The annotations that a run here has read, which may be more than those counted before."""
        record = read_record(find_run(self.out, run))
        uri = record.tasks[f"{one.name}/ingest"].parameters["annotations_uri"]
        return keys_in(self.loaded.folder / str(uri)).tasks


def waited(command: list[str], lock: int, answer: Path | None) -> int:
    """Run a command to its end; its exit code. It goes on where this process is ended.

    Args:
        lock: what it holds as long as it lives.
        answer: the file that it prints to; None: stderr, since stdout is for what is told.
    """
    with answer.open("wb") if answer else nullcontext() as file:
        process = subprocess.Popen(command, pass_fds=[lock], stdout=file or sys.stderr)
    return process.wait()
