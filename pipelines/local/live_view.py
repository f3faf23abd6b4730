"""What a person sees while a run is on: a live table, or plain lines where nobody watches."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pipelines.local.growing_log import GrowingLog
from pipelines.local.runner.listeners import Listener, Nobody
from pipelines.local.runs import RunRecord, State, TaskRecord, seconds_between

_PROGRESS_EVERY = 30.0
_STYLES: dict[State, str] = {
    "succeeded": "green",
    "reused": "cyan",
    "failed": "bold red",
    "cancelled": "yellow",
}
_MARKS: dict[State, str] = {
    "succeeded": "✓",
    "reused": "↻",
    "failed": "✗",
    "cancelled": "■",
    "skipped": "-",
    "not-run": "-",
}


Verbosity = Literal["quiet", "normal", "verbose"]


def listener(
    console: Console, verbosity: Verbosity = "normal", out: Path = Path("runs")
) -> Listener:
    """The view that suits the console: live on a terminal, plain lines elsewhere.

    Args:
        verbosity: quiet shows nothing, verbose every line that a task writes.
        out: folder of the runs, where the logs are.
    """
    if verbosity == "quiet":
        return Nobody()
    if verbosity == "verbose":
        return VerboseView(console, out)
    return LiveView(console) if console.is_terminal else PlainView(console)


class PlainView:
    """One line per change of state, and one per half minute for a task that takes long."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._spoke: dict[str, float] = {}

    def started(self, run: RunRecord) -> None:
        self._run = run
        self._say(f"run {run.id}")

    def changed(self, task: TaskRecord) -> None:
        self._spoke[task.task] = time.monotonic()
        # That a phase waits was said by the task that decided it; the rest of it need not say so.
        if task.state == "skipped" and task.branch in self._waiting():
            return
        self._say(f"{shown(task.task)}  {describe(task)}")

    def noted(self, task: str, note: str) -> None:
        self._say(f"{shown(task)}  {note}".lstrip())

    def tick(self, progress: Mapping[str, Mapping[str, Any]]) -> None:
        now = time.monotonic()
        for task in self._run.tasks.values():
            if task.state == "running" and now - self._spoke[task.task] >= _PROGRESS_EVERY:
                self._spoke[task.task] = now
                values = " ".join(figures(progress.get(task.task, {})))
                self._say(
                    f"{shown(task.task)}  running for {duration(task.seconds)}  {values}".rstrip()
                )

    def ended(self) -> None:
        run = self._run
        self._say(f"run {run.id} {run.state} in {duration(run.seconds)}")

    def _waiting(self) -> set[str]:
        return {task.branch for task in self._run.tasks.values() if task.waits}

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class VerboseView(PlainView):
    """What the tasks write, too, each line behind the name of its task."""

    def __init__(self, console: Console, out: Path) -> None:
        super().__init__(console)
        self._out = out
        self._logs: dict[str, GrowingLog] = {}

    def changed(self, task: TaskRecord) -> None:
        self._say_new(task, over=task.state != "running")
        super().changed(task)

    def tick(self, progress: Mapping[str, Mapping[str, Any]]) -> None:  # noqa: ARG002 - it is in the logs
        for task in self._run.tasks.values():
            if task.state == "running":
                self._say_new(task, over=False)

    def _say_new(self, task: TaskRecord, *, over: bool) -> None:
        path = self._out / task.log if task.log and not task.reused_from else None
        if path is None or not path.exists():
            return
        if task.task not in self._logs:
            self._logs[task.task] = GrowingLog(path)
        for line in self._logs[task.task].more(over):
            self._say(f"{shown(task.task)} | {line}")


class LiveView:
    """A row per branch: its stages so far, what runs now, for how long, and how training goes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False)
        self._progress: Mapping[str, Mapping[str, Any]] = {}

    def started(self, run: RunRecord) -> None:
        self._run = run
        self._console.print(f"run [bold]{run.id}[/bold]", highlight=False)
        self._live.start()

    def changed(self, task: TaskRecord) -> None:
        if task.state == "failed":
            self._live.console.print(
                Text(f"{shown(task.task)}  {describe(task)}", style="bold red")
            )
        self.tick(self._progress)

    def noted(self, task: str, note: str) -> None:
        self._live.console.print(Text(f"{shown(task)}  {note}".lstrip(), style="yellow"))

    def tick(self, progress: Mapping[str, Mapping[str, Any]]) -> None:
        self._progress = progress
        self._live.update(self._table(progress), refresh=True)

    def ended(self) -> None:
        self._live.update(self._table({}), refresh=True)
        self._live.stop()

    def _table(self, progress: Mapping[str, Mapping[str, Any]]) -> Table:
        table = Table(box=None, pad_edge=False, expand=True)
        table.add_column("branch")
        table.add_column("stages", ratio=1)
        for heading, width in (("now", 10), ("elapsed", 12)):
            table.add_column(heading, min_width=width)  # no jumping about as the texts change
        table.add_column("progress", min_width=34, ratio=1)
        for name, tasks in branches(self._run).items():
            running = [task for task in tasks if task.state == "running"]
            now = ", ".join(task.stage for task in running)
            figure = [text for task in running for text in figures(progress.get(task.task, {}))]
            figure += [f"WAITS: {task.waits}" for task in tasks if task.waits]
            table.add_row(
                name,
                _stages(tasks),
                now,
                duration(_elapsed(tasks)),
                "  ".join(figure),
            )
        return table


def branches(run: RunRecord) -> dict[str, list[TaskRecord]]:
    """Branch -> its tasks, in the order in which they began; a task on its own is a branch."""
    tasks_of = defaultdict(list)
    for task in run.tasks.values():
        tasks_of[task.branch or task.task].append(task)
    for tasks in tasks_of.values():
        tasks.sort(key=lambda task: task.started or "~")
    return dict(tasks_of)


def shown(task: str) -> str:
    """`phase-1 · train` for the path of a task."""
    return task.replace("/", " · ")


def describe(task: TaskRecord) -> str:
    """What has become of a task, in a few words."""
    why = f": {task.note}" if task.note else ""
    match task.state:
        case "running":
            return "started"
        case "reused":
            return f"reused from {task.reused_from}"
        case "succeeded" if task.waits:
            return f"WAITS: {task.waits} Nothing is trained."
        case "succeeded":
            return f"done in {duration(task.seconds)}"
        case "failed":
            code = "" if task.exit_code is None else f" with exit code {task.exit_code}"
            return f"failed{code} after {duration(task.seconds)}{why}"
        case _:
            return f"{task.state}{why}"


def duration(seconds: float | None) -> str:
    """`0.4 s`, `63 s`, `12 min 05 s` or `3 h 07 min`."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def figures(progress: Mapping[str, Any]) -> list[str]:
    """Reported progress as texts; of a training what its people watch, F in percent."""
    if "step" not in progress:
        return [f"{name} {value}" for name, value in progress.items()]
    # A task may report anything; what is no number must not end the run of whoever shows it.
    numbers = {name: value for name, value in progress.items() if isinstance(value, int | float)}
    limit = f"/{numbers['max_steps']}" if "max_steps" in numbers else ""
    texts = [f"step {progress['step']}{limit}"]
    if "epoch" in numbers:
        texts.append(f"epoch {numbers['epoch']}")
    if "loss" in numbers:
        texts.append(f"loss {numbers['loss']:.4g}")
    texts += [
        f"F {'of ' + name[:-2] + ' ' if len(name) > 1 else ''}{100 * value:.1f}"
        for name, value in numbers.items()
        if name == "f" or name.endswith(".f")  # of one of several tasks
    ]
    if "words_per_second" in numbers:
        texts.append(f"{numbers['words_per_second']:,.0f} words/s")
    if "gpu_gib" in numbers:
        busy = f" {numbers['gpu_percent']:.0f} %" if "gpu_percent" in numbers else ""
        texts.append(f"GPU {numbers['gpu_gib']:.1f} GiB{busy}")
    if "eta" in numbers:
        texts.append(f"{duration(numbers['eta'])} left{at_most(numbers)}")
    return texts


def at_most(numbers: Mapping[str, float]) -> str:
    """How long training takes if it goes on getting better, where that is longer."""
    longest = numbers.get("eta_max", 0)
    return f", {duration(longest)} at most" if longest > numbers["eta"] else ""


def _stages(tasks: list[TaskRecord]) -> Text:
    text = Text()
    for task in tasks:
        if task.state in ("pending", "running"):
            continue
        text.append(f"{_MARKS[task.state]} {task.stage}  ", style=_STYLES.get(task.state, "dim"))
    left = sum(task.state == "pending" for task in tasks)
    if left:
        text.append(f"+ {left} to come", style="dim")
    return text


def _elapsed(tasks: list[TaskRecord]) -> float | None:
    """From the first start in a branch to its last end."""
    begun = [task.started for task in tasks if task.started]
    if not begun:
        return None
    ended = [task.ended for task in tasks if task.ended]
    over = not any(task.state == "running" for task in tasks)
    return seconds_between(min(begun), max(ended) if over else None)
