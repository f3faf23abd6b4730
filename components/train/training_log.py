"""What a person sees of a training run: the table, the history, and signs of life in between."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from spacy.language import Language

from components import progress
from components.train.gpu import gpu_figures
from components.train.heartbeat import LINE_SECONDS, Heartbeat
from components.train.state import State
from components.train.tensorboard import TensorBoardWriter

REPORT_SECONDS = 2


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
        ends = [
            steps for steps in (self.to_max(state), self.to_patience(state)) if steps is not None
        ]
        return min(ends) if ends else None

    def to_max(self, state: State) -> int | None:
        """Steps until max_steps; None without."""
        return max(0, self.max_steps - state.step) if self.max_steps else None

    def to_patience(self, state: State) -> int | None:
        """Steps until patience ends if nothing improves any more; None without."""
        return max(0, state.first_best_step + self.patience - state.step) if self.patience else None


@dataclass
class TrainingLog:
    """Writes training.log (spaCy's table), history.jsonl and TensorBoard's events into a folder.

    Attributes:
        folder: where they go; a run that resumes continues them.
        logger: the `training.logger` of the config, resolved.
        heartbeat: says how training goes when the table does not.
        learn_rate: gives the optimiser's present rate.
    """

    folder: Path
    logger: Callable[..., Any]
    limits: Limits
    heartbeat: Heartbeat
    learn_rate: Callable[[], float]
    scores: dict[str, float] = field(default_factory=dict)
    last_report: float = 0.0

    def __enter__(self) -> Self:
        self.table = (self.folder / "training.log").open("a", encoding="utf-8")
        self.out = Tee(sys.stdout, self.table)
        self.tensorboard = TensorBoardWriter(self.folder)
        history = self.folder / "history.jsonl"
        self.history = history.open("a", encoding="utf-8")
        for line in history.read_text(encoding="utf-8").splitlines():
            self.tensorboard.add(json.loads(line))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self.table.close()
        self.history.close()
        self.tensorboard.close()

    def open_table(self, nlp: Language) -> None:
        """Write the head of the table."""
        self.log_step, self.close_table = self.logger(nlp, self.out, sys.stderr)

    def say(self, text: str) -> None:
        """Write a line to the log and to stdout."""
        self.out.write(f"{text}\n")

    def step(self, state: State) -> None:
        """Note a step without evaluation."""
        self.log_step(None)
        self.noted(state)
        if self.since - self.last_report >= REPORT_SECONDS:
            self.last_report = self.since
            progress.report(**self.status(state))

    def noted(self, state: State) -> None:
        """Let the heartbeat report this step from now on."""
        self.since = self.heartbeat.clock()
        self.heartbeat.message = lambda: self.line(state)

    def evaluation(self, state: State, info: dict[str, Any], scores: dict[str, float]) -> None:
        """Note an evaluation: a row of the table and a line of the history.

        Args:
            info: what spaCy's loggers expect, see spacy.training.loop.train_while_improving.
            scores: the task's scores, fractions from 0 to 1.
        """
        self.log_step(info)
        self.scores = scores
        self.noted(state)
        self.heartbeat.note_output()
        self.last_report = self.since
        status = self.status(state)
        entry = {
            **{key: status[key] for key in ("step", "epoch", "loss", "words_per_second")},
            "losses": state.loss_per_step,
            "steps": state.steps_summed,
            "learn_rate": float(self.learn_rate()),
            "score": info["score"],
            **scores,
            "seconds": round(state.seconds, 1),
            "evaluation_seconds": round(state.evaluation_seconds, 1),
            "kept": state.just_improved,
        }
        self.history.write(json.dumps(entry) + "\n")
        self.history.flush()
        self.tensorboard.add(entry)
        progress.report(**status)

    def status(self, state: State) -> dict[str, str | int | float]:
        """How far the run is, as the live view shows it; the loss is the mean of a step."""
        status: dict[str, str | int | float] = {
            "step": state.step,
            "epoch": state.epoch,
            "loss": round(sum(state.loss_per_step.values()), 4),
            "max_steps": self.limits.max_steps,
            "words_per_second": round(state.words_per_second),
            **self.scores,
            **gpu_figures(),
        }
        if state.splits:
            status["out_of_memory"] = state.splits
        ends = {"eta": self.limits.steps_left(state), "eta_max": self.limits.to_max(state)}
        for name, steps in ends.items():
            if steps is not None and state.step > 0:
                status[name] = round(steps * state.seconds / state.step)
        return status

    def line(self, state: State) -> str:
        """One line that says that the run is alive and how long it may take."""
        status = self.status(state)
        parts = [f"step {state.step}", f"epoch {state.epoch}", f"loss {status['loss']}"]
        parts.append(f"{status['words_per_second']:,} words/s")
        if "gpu_gib" in status:
            parts.append(f"GPU {status['gpu_gib']} GiB, {status.get('gpu_percent', '?')} %")
        if "eta" in status:
            parts.append(f"at most {int(status['eta']) // 60 + 1} min left unless it improves")
        silent = self.heartbeat.clock() - self.since
        if silent >= LINE_SECONDS:
            parts.append(f"{silent:.0f} s in this step or its evaluation")
        return "   " + ", ".join(parts)
