"""What `retrain runs` prints about the runs of this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.cli.options import print_json


@dataclass(frozen=True)
class LocalRuns:
    """The runs in a folder."""

    out: Path

    def list(self, as_json: bool) -> None:
        """All of them, newest first."""
        from rich.console import Console
        from rich.table import Table

        from pipelines.local.runs import list_runs
        from pipelines.results.summary import phases_of

        records = list_runs(self.out)
        if as_json:
            print_json([overview(record) for record in records])
            return
        if not records:
            print(f"No runs in {self.out}. Start one: retrain run CONFIG")
            return
        table = Table()
        for heading in ("run", "state", "took", "phases", "config"):
            table.add_column(heading, no_wrap=heading in ("run", "state"))
        for record in records:
            took = f"{record.seconds:.0f} s" if record.seconds is not None else ""
            waiting = {task.branch for task in record.tasks.values() if task.waits}
            phases = ", ".join(
                f"{phase} (waits)" if phase in waiting else phase for phase in phases_of(record)
            )
            table.add_row(record.id, record.state, took, phases, record.config)
        Console().print(table)

    def show(self, reference: str, as_json: bool) -> None:
        """One run: its tasks, its scores, and where everything lies."""
        from rich.console import Console
        from rich.table import Table

        from pipelines.local.runs import find_run, read_record
        from pipelines.results.summary import print_summary, summary

        folder = find_run(self.out, reference)
        if as_json:
            import msgspec

            tasks = msgspec.to_builtins(read_record(folder).tasks)
            print_json({**summary(folder), "tasks": tasks})
            return
        table = Table()
        for heading in ("task", "state", "took", "attempts", "note"):
            table.add_column(heading)
        for task in read_record(folder).tasks.values():
            took = f"{task.seconds:.1f} s" if task.seconds is not None else ""
            note = f"from {task.reused_from}" if task.reused_from else task.note
            table.add_row(task.task, task.state, took, str(task.attempts or ""), note)
        console = Console()
        console.print(table)
        print_summary(folder, console)

    def logs(self, reference: str, wanted: str | None, lines: int | None) -> None:
        """The logs of a run, or of one of its tasks."""
        from pipelines.local.runs import find_run, find_task, read_record, tail

        record = read_record(find_run(self.out, reference))
        tasks = [find_task(record, wanted)] if wanted else [*record.tasks.values()]
        for chosen in tasks:
            if chosen.log is None:
                continue
            path = self.out / chosen.log
            if len(tasks) > 1:
                print(f"==> {path} <==")
            if not path.exists():
                print(f"{path} is gone: the run that did the work was deleted.")
                continue
            text = tail(path, lines) if lines else path.read_text(errors="replace").splitlines()
            print("\n".join(text))


def overview(record: Any) -> dict[str, Any]:
    """A run without its tasks, as JSON."""
    import msgspec

    fields: dict[str, Any] = msgspec.to_builtins(record)
    del fields["tasks"]
    return fields
