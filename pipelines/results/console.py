"""What the terminal shows of a run that has ended: tables, what became of it, what to do next."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.custom_code import how_to_load
from components.registry.outcome import IN_PRODUCTION
from pipelines.local.live_view import duration
from pipelines.results.summary import summary

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from pipelines.local.run import Failure

UNDEFINED = "\N{EN DASH}"
# Files with which annotators are asked.
ASKING = (("review", "to_review"), ("queue", "queue"))


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
    lines = [
        f"Run {data['run']}: {data['state']} in {duration(data['seconds'])}; "
        f"{tasks['succeeded']} tasks run, {tasks['reused']} reused",
        f"  outputs  {shown(data['folder'])}",
        f"  logs     {shown(data['logs'])}",
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
    lines = [f"{name}: {phase['message']}"]
    rows = [("because", reason) for reason in phase["reasons"]]
    if failed := phase.get("failed"):
        code = "" if failed["exit_code"] is None else f", exit code {failed['exit_code']}"
        # The runner's own reason need not be in the log: an output that an old image lacks.
        rows = [("because", f"{failed['message'] or 'its log says why'}{code}")]
        rows += [("log", shown(failed["log"]))] if failed["log"] else []
    if "version" in phase:
        rows.append(("model", shown(phase.get("model_uri") or phase.get("model", "gone"))))
    for row, key in (("report", "report"), ("data", "data_report"), *ASKING):
        rows += [(row, shown(phase[key]))] if key in phase else []
    rows += [("missing", message) for message in phase.get("missing", ())]
    return "\n".join([*lines, *(f"  {row:<8} {text}" for row, text in rows)])


def shown(path: str) -> str:
    """A path as one would type it here."""
    with suppress(ValueError):
        return str(Path(path).relative_to(Path.cwd()))
    return path


def answers_of(phase: dict[str, Any]) -> str:
    """What to print of a doc, so as to see all that a phase's model says of it."""
    # Scores of before there were classes do not say their place.
    places = {block.get("place", "ents") for block in phase.get("tasks", {}).values()}
    return ", ".join(f"doc.{place}" for place in sorted(places or {"ents"}))


def next_steps(data: dict[str, Any]) -> list[str]:
    """What a person would do now."""
    phases = data["phases"]
    steps = [step for name, phase in phases.items() for step in step_of(data["run"], name, phase)]
    if data["state"] in ("cancelled", "interrupted"):
        steps.append("run the same command again: what was finished is reused")
    return ["Next:", *(f"  {step}" for step in dict.fromkeys(steps))] if steps else []


def step_of(run: str, name: str, phase: dict[str, Any]) -> Iterator[str]:
    """What a person would do about a phase."""
    end, version = phase["outcome"], phase.get("version", "")
    if end in IN_PRODUCTION and (model := phase.get("model_uri")):
        yield (
            f'{name}: python -c "import spacy; {how_to_load(shown(model))}; '
            f"doc = nlp('Apply by 5 April 2024.'); print({answers_of(phase)})\""
        )
    elif end == "failed":
        yield f"{name}: retrain runs logs {run} {phase['failed']['task']}"
        yield "fix what it says, and run the same command again: what was finished is reused"
    elif end == "waits":
        yield f"{name}: nothing to do; without `--param when=due` it is trained anyway"
    elif version:
        if "report" in phase:
            yield f"{name}: read {shown(phase['report'])}"
        if "registered" in phase:
            command = promotion(phase["registered"], version)
            yield f"{name}: in production all the same: {command}"


def promotion(registered: dict[str, str], version: str) -> str:
    """The command that promotes a version."""
    words = ["retrain", "models", "promote", registered["name"], version]
    if registered["alias"] != "champion":
        words += ["--alias", registered["alias"]]
    if shown(registered["registry"]) != "models":
        words += ["--registry", shown(registered["registry"])]
    return shlex.join(words)
