"""Checkpoints of a training run: written whole, checked when read, and never used for another run.

A run has its own folder under the root that the pipeline gives, named after its inputs, so that
every attempt at the same work finds it, on any machine:

    LATEST            JSON: the two newest checkpoints, newest first, with a SHA-256 per file
    ckpt-<step>/      arrays.safetensors (see snapshot), state.json, training.log, history.jsonl
    best-<step>/      the best pipeline so far, as spaCy saves it

LATEST is replaced after the files that it names are complete, so a run that is killed at any moment
leaves a folder to resume from. Nothing is pickled.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from safetensors.numpy import load_file, save_file

from components.files import copy, filling, remove, sha256, writing
from components.train.inputs import digest
from components.train.snapshot import Arrays, Counts
from components.train.state import State

KEPT = 2
LOGS = ("training.log", "history.jsonl")


class Entry(msgspec.Struct):
    """A checkpoint in LATEST.

    Attributes:
        name: its folder.
        best: the folder of the best pipeline at that time.
        files: path in the run's folder -> SHA-256, of both folders.
    """

    name: str
    best: str
    files: dict[str, str]


class Latest(msgspec.Struct):
    """The content of LATEST: what the run is of, and its newest checkpoints."""

    inputs: dict[str, str]
    checkpoints: list[Entry]


class Saved(msgspec.Struct):
    """The content of state.json."""

    state: State
    counts: Counts


class Checkpoints:
    """The checkpoints of one run.

    Args:
        root: folder for the checkpoints of all runs.
        inputs: what the run depends on (see `components.train.inputs`); config and data name the
            run's folder, and a checkpoint of other inputs is not used.
    """

    def __init__(self, root: Path, inputs: dict[str, str]) -> None:
        self.folder = root / digest(inputs["config"], inputs["data"])[:16]
        self.inputs = inputs
        self.entries: list[Entry] = []
        self.best = ""
        self.best_files: dict[str, str] = {}

    @contextmanager
    def keeping_best(self, step: int) -> Iterator[Path]:
        """Yield a folder for the pipeline that is the best at a step; forget those before it."""
        name = f"best-{step}"
        with self.fresh(name) as folder:
            yield folder
            self.best, self.best_files = name, hashes(folder, name)
        self.sweep()

    @contextmanager
    def fresh(self, name: str) -> Iterator[Path]:
        """Yield a new folder of the run; what an attempt that died has left there is removed."""
        remove(self.folder / name)
        with filling(self.folder / name) as folder:
            yield folder

    def save(self, arrays: Arrays, counts: Counts, state: State, log: Path) -> None:
        """Write a checkpoint; afterwards keep the newest two and forget the others.

        Args:
            log: folder of the run's log so far, which goes along.
        """
        name = f"ckpt-{state.step}"
        with self.fresh(name) as folder:
            save_file(arrays, folder / "arrays.safetensors")
            (folder / "state.json").write_bytes(msgspec.json.encode(Saved(state, counts)))
            for file in LOGS:
                copy(log / file, folder / file)
            entry = Entry(name, self.best, {**hashes(folder, name), **self.best_files})
        older = [kept for kept in self.entries if kept.name != name]
        self.entries = [entry, *older][:KEPT]
        with writing(self.folder / "LATEST") as path:
            path.write_bytes(msgspec.json.encode(Latest(self.inputs, self.entries)))
        self.sweep()

    def sweep(self) -> None:
        """Remove what no kept checkpoint needs."""
        needed = {"LATEST", self.best}
        for entry in self.entries:
            needed |= {entry.name, entry.best}
        for path in self.folder.iterdir():
            if path.name not in needed:
                remove(path)

    def load(self, log: Path) -> tuple[Arrays, Saved] | None:
        """Read the newest checkpoint that is whole, and bring its log back.

        Returns:
            None where there is nothing to resume from; stdout says why.
        """
        for entry in self.usable():
            damaged = self.damaged(entry)
            if damaged:
                print(f"Checkpoint {self.folder / entry.name} is not used: {damaged}.")
                continue
            self.entries = [entry]
            self.best = entry.best
            self.best_files = {
                name: sha for name, sha in entry.files.items() if name.startswith(f"{entry.best}/")
            }
            folder = self.folder / entry.name
            log.mkdir(parents=True, exist_ok=True)
            for file in LOGS:
                copy(folder / file, log / file)
            saved = msgspec.json.decode((folder / "state.json").read_bytes(), type=Saved)
            return load_file(folder / "arrays.safetensors"), saved
        return None

    def usable(self) -> list[Entry]:
        """The checkpoints of LATEST, newest first, if they are of this run's inputs."""
        try:
            latest = msgspec.json.decode((self.folder / "LATEST").read_bytes(), type=Latest)
        except FileNotFoundError:
            return []
        except msgspec.DecodeError as error:
            print(f"Training starts anew: {self.folder / 'LATEST'} can't be read: {error}.")
            return []
        for name in sorted(self.inputs.keys() | latest.inputs.keys()):
            then, now = latest.inputs.get(name, "none"), self.inputs.get(name, "none")
            if then != now:
                print(
                    f"Training starts anew: the checkpoints in {self.folder} are of another run. "
                    f"{name} differs: {then[:16]} then, {now[:16]} now."
                )
                return []
        return latest.checkpoints

    def damaged(self, entry: Entry) -> str:
        """What is wrong with the files of a checkpoint; '' if nothing is."""
        for name, expected in entry.files.items():
            path = self.folder / name
            if not path.is_file():
                return f"{name} is missing"
            if sha256(path) != expected:
                return f"{name} does not have the SHA-256 that LATEST gives"
        return ""

    def finish(self, model: Path, beside: dict[str, str]) -> None:
        """Copy the best pipeline to where it belongs and remove the run's folder.

        Args:
            beside: name -> text of further files that belong to the model.
        """
        with writing(model) as folder:
            copy(self.folder / self.best, folder)
            for name, text in beside.items():
                (folder / name).write_text(text, encoding="utf-8")
        remove(self.folder)


def hashes(folder: Path, name: str) -> dict[str, str]:
    """SHA-256 of every file in a folder, by its path in the run's folder, where it is `name`."""
    return {
        f"{name}/{path.relative_to(folder).as_posix()}": sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
