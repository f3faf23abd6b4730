"""How a run ended: a table per phase, and where everything lies."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.custom_code import how_to_load
from components.files import read_json
from components.scoring.document import read_scores
from pipelines.local.runs import RunRecord, TaskRecord, read_record

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from pipelines.local.run import Failure

# What a phase hands on: name in the summary -> (stages that may write it, output). Gate and
# report were tasks of their own once.
FILES = {
    "model": (("train",), "model"),
    "report": (("upload", "report"), "report"),
    "data_report": (("ingest",), "report"),
    "quarantine": (("ingest",), "quarantine"),
}
# What became of a model -> in words.
OUTCOMES = {
    "promoted": "PROMOTED",
    "in-production": "IN PRODUCTION as before",
    "held": "HELD BACK",
    "withdrawn": "NOT PROMOTED: it was in production before, and was withdrawn",
    "overtaken": "NOT PROMOTED: what it was compared with is no longer in production",
    "not-kept": "HELD BACK",
}
IN_PRODUCTION = ("promoted", "in-production")
PARAMETERS = ("decision", "version", "model_uri")
UNDEFINED = "\N{EN DASH}"


def summary(run: Path) -> dict[str, Any]:
    """The end of a run as JSON.

    Returns:
        `run`, `state`, `seconds`, `folder`, `logs` and `phases`: per phase its `state`,
        `decision` of the gate, `outcome` (what became of the model, see
        `components.registry.promotion`), `headline`, `version`, `model_uri`, `tasks` (per task the
        scores overall and per label; fractions or null), `scores` (the same of the task, where
        there is but one), the paths of FILES that exist, `why` it waits, and the `failed` task with
        its log.
    """
    record = read_record(run)
    return {
        "run": record.id,
        "state": record.state,
        "seconds": record.seconds,
        "folder": str(run),
        "logs": str(run / "logs"),
        "tasks": {state: count_state(record, state) for state in ("reused", "succeeded", "failed")},
        "phases": {phase: phase_summary(run, record, phase) for phase in phases_of(record)},
    }


def phases_of(record: RunRecord) -> list[str]:
    """The phases of a run, in their order."""
    return list(dict.fromkeys(task.branch for task in record.tasks.values() if task.branch))


def count_state(record: RunRecord, state: str) -> int:
    """How many tasks ended so."""
    return sum(task.state == state for task in record.tasks.values())


def phase_summary(run: Path, record: RunRecord, phase: str) -> dict[str, Any]:
    """One phase of `summary`."""
    tasks = {task.stage: task for task in record.tasks.values() if task.branch == phase}
    result: dict[str, Any] = {"state": phase_state(list(tasks.values()))}
    ended = {stage: task for stage, task in tasks.items() if finished(task)}
    for name, (stages, output) in FILES.items():
        for stage in stages:
            if stage in ended and output in ended[stage].artifacts:
                result[name] = ended[stage].artifacts[output].uri
    for stage in ("gate", "upload"):
        if stage in ended:
            given = ended[stage].parameters
            result.update({name: given[name] for name in PARAMETERS if name in given})
            if gate_decision := ended[stage].artifacts.get("gate_decision"):
                result["headline"] = read_json(Path(gate_decision.uri))["headline"]
    if finished(tasks.get("evaluate")):
        path = tasks["evaluate"].artifacts["scores"].uri
        result["tasks"] = read_scores(Path(path))
        if len(result["tasks"]) == 1:
            [result["scores"]] = result["tasks"].values()
    if result["state"] == "waits":
        result["why"] = next(task.waits for task in tasks.values() if task.waits)
    if "decision" in result and "version" in result:
        # Runs of before there were outcomes.
        result["outcome"] = tasks["upload"].parameters.get("outcome") or (
            "promoted" if result["decision"] == "promote" else "held"
        )
    failed = next((task for task in tasks.values() if task.state == "failed"), None)
    if failed:
        result["failed"] = {
            "task": failed.task,
            "exit_code": failed.exit_code,
            "log": str(run.parent / failed.log) if failed.log else None,
            "why": failed.note,
        }
    return result


def finished(task: TaskRecord | None) -> bool:
    """Whether the task's outputs are there."""
    return task is not None and task.state in ("succeeded", "reused")


def phase_state(tasks: list[TaskRecord]) -> str:
    """One word for a phase: failed, cancelled, waits, succeeded or not-run."""
    states = {task.state for task in tasks}
    for state in ("failed", "cancelled"):
        if state in states:
            return state
    if any(task.waits for task in tasks):
        return "waits"
    if states <= {"skipped", "not-run", "pending"}:
        return "not-run"
    return "succeeded"


def print_failures(failures: Sequence[Failure]) -> None:
    """Print the last lines of each failed task's log, on stderr."""
    for failure in failures:
        print(f"\n{failure.task.task} failed; the end of {failure.log}:", file=sys.stderr)
        for line in failure.tail:
            print(f"  {line}", file=sys.stderr)


def print_summary(run: Path, console: Console) -> None:
    """Print a table per phase, what became of the model, and what to do next."""
    data = summary(run)
    for name, phase in data["phases"].items():
        for task, block in phase.get("tasks", {}).items():
            title = f"{name}: {block['unit']} of the test set"
            if len(phase["tasks"]) > 1:
                title = f"{name}, {task}: {block['unit']} of the test set"
            console.print(score_table(title, block))
        console.print(outcome(name, phase), highlight=False, markup=False, soft_wrap=True)
        console.print()
    tasks = data["tasks"]
    took = f"{data['seconds']:.0f} s" if data["seconds"] is not None else "unknown time"
    lines = [
        f"Run {data['run']}: {data['state']} in {took}; "
        f"{tasks['succeeded']} tasks run, {tasks['reused']} reused",
        f"  outputs  {data['folder']}",
        f"  logs     {data['logs']}",
        *next_steps(data),
    ]
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)


def score_table(title: str, scores: dict[str, Any]) -> Table:
    """Precision, recall, F and support per label on the test set, the overall row last."""
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column("label")
    for heading in ("precision", "recall", "F", "support"):
        table.add_column(heading, justify="right")
    for label, row in scores["labels"].items():
        table.add_row(label, *score_cells(row))
    table.add_section()
    if "macro" in scores and scores["macro"]["labels"] > 1:
        macro = {**scores["macro"], "support": scores["overall"]["support"]}
        table.add_row(f"mean of {scores['macro']['labels']} labels", *score_cells(macro))
    if scores.get("floor"):
        table.add_row("overall, the floor", *score_cells(scores["floor"]["overall"]))
    if "end_to_end" in scores:
        table.add_row("overall, end to end", *score_cells(scores["end_to_end"]["overall"]))
    table.add_row("overall", *score_cells(scores["overall"]), style="bold")
    return table


def score_cells(row: dict[str, Any]) -> list[str]:
    """Scores in percent as spaCy prints them; an undefined one is a dash."""
    cells = [UNDEFINED if row[key] is None else f"{100 * row[key]:.2f}" for key in ("p", "r", "f")]
    return [*cells, str(row["support"])]


def outcome(name: str, phase: dict[str, Any]) -> str:
    """What became of a phase, in a few lines."""
    if "failed" in phase:
        failed = phase["failed"]
        code = failed["exit_code"]
        said = f"{name}: {failed['task']} FAILED with exit code {code}, see {failed['log']}"
        # The runner's own reason need not be in the log: an output that an old image lacks.
        return f"{said}\n  why      {failed['why']}" if failed["why"] else said
    if phase["state"] == "waits":
        return f"{name}: WAITS, nothing was trained\n  why      {phase['why']}"
    if "version" not in phase:
        return f"{name}: {phase['state']}"
    version = f"version {phase['version']}" if phase["version"] else "not uploaded"
    lines = [
        f"{name}: {OUTCOMES[phase['outcome']]}, {version}",
        f"  gate     {phase['headline']}",
        f"  model    {phase['model_uri'] or phase['model']}",
        f"  report   {phase['report']}",
        f"  data     {phase['data_report']}",
    ]
    return "\n".join(lines)


def answers_of(phase: dict[str, Any]) -> str:
    """What to print of a doc, so as to see all that a phase's model says of it."""
    # Scores of before there were classes do not say their place.
    places = {block.get("place", "ents") for block in phase.get("tasks", {}).values()}
    return ", ".join(f"doc.{place}" for place in sorted(places or {"ents"}))


def next_steps(data: dict[str, Any]) -> list[str]:
    """What a person would do now."""
    if data["state"] == "succeeded":
        phases = data["phases"].values()
        models = [(one.get("model_uri") or one.get("model"), one) for one in phases]
        model, phase = next((pair for pair in models if pair[0]), (None, {}))
        if model is None:
            return ["Next: nothing to do. Without `--param when=due` it would be trained anyway."]
        return [
            "Next: open a report in your browser, or use a model:",
            f'  python -c "import spacy; {how_to_load(model)}; '
            f"doc = nlp('Apply by 5 April 2024.'); print({answers_of(phase)})\"",
            "  your own annotations: retrain init annotations.jsonl -o my.yaml",
        ]
    if data["state"] in ("cancelled", "interrupted"):
        return ["Next: run the same command again; what was finished is reused."]
    return ["Next: read the log of the failed task, fix its cause, run the same command again."]
