"""What a person sees of a training run: the table, the history, and signs of life in between."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from spacy.language import Language

from components import progress
from components.train.state import State

REPORT_SECONDS = 2
LINE_SECONDS = 30


class Tee:
    """A text stream that writes to two."""

    def __init__(self, first: IO[str], second: IO[str]) -> None:
        self.streams = (first, second)

    def write(self, text: str) -> int:
        for stream in self.streams:
            stream.write(text)
        self.flush()
        return len(text)

    def flush(self) -> None:
        for stream in self.streams:
            stream.flush()


@dataclass
class Limits:
    """When training ends: after max_steps, or patience steps after the best (0: no limit)."""

    max_steps: int
    patience: int

    def steps_left(self, state: State) -> int | None:
        """Steps until the end if nothing improves any more; None if there is no end in sight."""
        ends = [self.max_steps - state.step] if self.max_steps else []
        if self.patience:
            ends.append(state.best_step + self.patience - state.step)
        return max(0, min(ends)) if ends else None


@dataclass
class Journal:
    """Writes training.log (spaCy's table) and history.jsonl into a folder, and reports progress.

    Attributes:
        folder: where the two files go; a run that resumes continues them.
        logger: the `training.logger` of the config, resolved.
    """

    folder: Path
    logger: Callable[..., Any]
    limits: Limits
    scores: dict[str, float] = field(default_factory=dict)
    last_report: float = 0.0
    last_line: float = 0.0

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.table = (self.folder / "training.log").open("a", encoding="utf-8")
        self.history = (self.folder / "history.jsonl").open("a", encoding="utf-8")
        self.out = Tee(sys.stdout, self.table)
        self.last_line = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self.table.close()
        self.history.close()

    def open_table(self, nlp: Language) -> None:
        """Write the head of the table."""
        self.log_step, self.close_table = self.logger(nlp, self.out, sys.stderr)

    def say(self, text: str) -> None:
        """Write a line to the log and to stdout."""
        self.out.write(f"{text}\n")

    def step(self, state: State) -> None:
        """Note a step without evaluation."""
        self.log_step(None)
        now = time.monotonic()
        if now - self.last_report >= REPORT_SECONDS:
            self.last_report = now
            progress.report(**self.status(state))
        if now - self.last_line >= LINE_SECONDS:
            self.last_line = now
            print(self.line(state), flush=True)

    def evaluation(self, state: State, info: dict[str, Any], scores: dict[str, float]) -> None:
        """Note an evaluation: a row of the table and a line of the history.

        Args:
            info: what spaCy's loggers expect, see spacy.training.loop.train_while_improving.
            scores: the task's scores, fractions from 0 to 1.
        """
        self.log_step(info)
        self.scores = scores
        self.last_report = self.last_line = time.monotonic()
        status = self.status(state)
        entry = {
            **{key: status[key] for key in ("step", "epoch", "loss", "words_per_second")},
            "losses": state.losses,
            "score": info["score"],
            **scores,
            "seconds": round(state.seconds, 1),
            "evaluation_seconds": round(state.evaluation_seconds, 1),
        }
        self.history.write(json.dumps(entry) + "\n")
        self.history.flush()
        progress.report(**status)

    def status(self, state: State) -> dict[str, str | int | float]:
        """How far the run is, as the live view shows it."""
        status: dict[str, str | int | float] = {
            "step": state.step,
            "epoch": state.epoch,
            "loss": round(sum(state.losses.values()), 4),
            "max_steps": self.limits.max_steps,
            "words_per_second": round(state.words_per_second),
            **self.scores,
        }
        if state.splits:
            status["out_of_memory"] = state.splits
        steps_left = self.limits.steps_left(state)
        if steps_left is not None and state.step:
            status["eta"] = round(steps_left * state.seconds / state.step)
        return status

    def line(self, state: State) -> str:
        """One line that says that the run is alive and how long it may take."""
        status = self.status(state)
        parts = [f"step {state.step}", f"epoch {state.epoch}", f"loss {status['loss']}"]
        parts.append(f"{status['words_per_second']:,} words/s")
        if "eta" in status:
            parts.append(f"at most {int(status['eta']) // 60 + 1} min left unless it improves")
        return "   " + ", ".join(parts)
