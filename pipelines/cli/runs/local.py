"""What `retrain runs` prints about the runs of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import DataError
from pipelines.cli.options import print_json
from pipelines.cli.tables import print_table

if TYPE_CHECKING:
    from pipelines.local.runs import RunRecord

FOLLOWED_LINES = 10


@dataclass(frozen=True)
class LocalRuns:
    """The runs in a folder."""

    out: Path

    def list(self, as_json: bool) -> None:
        """All of them, newest first."""
        from pipelines.local.runs import list_runs

        records = list_runs(self.out)
        if as_json:
            print_json([overview(self.out / record.id, record) for record in records])
        elif records:
            rows = [row for record in records for row in rows_of(self.out / record.id, record)]
            print_table(["run", "took>", "phase", "what came of it", "F>"], rows)
        else:
            print(f"No runs in {self.out}. Start one: retrain run CONFIG")

    def show(self, reference: str, as_json: bool) -> None:
        """One run: its tasks, its scores, and where everything lies."""
        import msgspec
        from rich.console import Console

        from pipelines.local.live_view import duration
        from pipelines.local.runs import find_run, read_record
        from pipelines.results.console import print_summary
        from pipelines.results.summary import summary

        folder = find_run(self.out, reference)
        record = read_record(folder)
        if as_json:
            print_json({**summary(folder), "tasks": msgspec.to_builtins(record.tasks)})
            return
        print_table(
            ["task", "state", "took>", "attempts>", "note"],
            [
                [
                    task.task,
                    task.state,
                    duration(task.seconds),
                    str(task.attempts or ""),
                    f"from {task.reused_from}" if task.reused_from else task.note,
                ]
                for task in record.tasks.values()
            ],
        )
        print()
        print_summary(folder, Console())

    def logs(
        self, reference: str, wanted: str | None, lines: int | None, *, follow: bool, failed: bool
    ) -> None:
        """The logs of a run: of what failed, of one task, or of all."""
        from pipelines.local.logs import tasks_to_show
        from pipelines.local.runs import find_run, read_record, tail

        folder = find_run(self.out, reference)
        record = read_record(folder)
        if follow and record.state == "running":
            self.follow(folder, wanted, lines)
            return
        tasks = tasks_to_show(record, wanted, failed=failed)
        for chosen in tasks:
            if chosen.log is None:
                print(f"{chosen.task} has no log: {chosen.state}. {chosen.note}".rstrip())
                continue
            path = self.out / chosen.log
            if len(tasks) > 1 or not wanted:
                print(f"==> {path} <==")
            if not path.exists():
                print(f"{path} is gone: the run that did the work was deleted.")
                continue
            text = tail(path, lines) if lines else path.read_text(errors="replace").splitlines()
            print("\n".join(text))
        others = sum(bool(task.log) for task in record.tasks.values()) - len(tasks)
        if not wanted and others:
            print(f"These failed. Of {others} more: retrain runs logs {record.id} TASK")

    def follow(self, folder: Path, wanted: str | None, lines: int | None) -> None:
        """The logs of a run as they grow, until it ends."""
        from pipelines.local.logs import follow

        for task, line in follow(folder, wanted, lines or FOLLOWED_LINES):
            print(line if wanted else f"{task} | {line}", flush=True)


def rows_of(run: Path, record: RunRecord) -> Iterator[list[str]]:
    """The lines of a run in the list, one for each of its phases that were to run."""
    from pipelines.local.live_view import duration
    from pipelines.results.outcome import outcomes

    took = duration(record.seconds)
    if record.is_curve:
        yield [record.id, took, "", f"learning curve, {record.state}", ""]
        return
    chosen = {name: each for name, each in outcomes(run, record).items() if each.end != "not-run"}
    for phase, outcome in chosen.items():
        yield [record.id, took, phase, outcome.short, overall_f(record, phase)]
    if not chosen:
        yield [record.id, took, "", record.state, ""]


def overall_f(record: RunRecord, phase: str) -> str:
    """Overall F in percent, of each task; "" where nothing was scored."""
    from components.html.format import percent
    from components.scoring.document import read_scores
    from pipelines.local.runs import output_of

    task = record.tasks.get(f"{phase}/evaluate")
    if task is None or "scores" not in task.artifacts:
        return ""
    if (only := task.artifacts["metrics"].metadata.get("f1")) is not None:
        return percent(only)
    try:
        blocks = read_scores(output_of(record, task, "scores"))
    except DataError:
        return ""
    return " ".join(percent(block["overall"]["f"]) for block in blocks.values())


def overview(run: Path, record: RunRecord) -> dict[str, Any]:
    """A run without its tasks, as JSON."""
    import msgspec

    from pipelines.results.outcome import outcomes

    fields: dict[str, Any] = msgspec.to_builtins(record)
    del fields["tasks"]
    fields["kind"] = "curve" if record.is_curve else "retrain"
    fields["phases"] = {
        phase: {
            "outcome": outcome.end,
            "message": outcome.message,
            "in_production": outcome.in_production,
            "version": outcome.version,
        }
        for phase, outcome in outcomes(run, record).items()
    }
    return fields
