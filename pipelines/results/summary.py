"""How a run ended, as plain data: what became of each phase, its scores, where its files lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.errors import DataError
from components.files import read_json
from components.registry.base import numbered
from components.registry.open import open_registry
from components.scoring.document import read_scores
from pipelines.local.production import address_of
from pipelines.local.runs import RunRecord, TaskRecord, output_of, read_record
from pipelines.results.outcome import PhaseOutcome, finished, outcomes

# What a phase hands on: name in the summary -> (stages that may write it, output). Gate and
# report were tasks of their own once.
FILES = {
    "model": (("train",), "model"),
    "report": (("upload", "report"), "report"),
    "data_report": (("ingest",), "report"),
    "quarantine": (("ingest",), "quarantine"),
    "to_review": (("label",), "review"),
    "queue": (("queue",), "queue"),
}
PARAMETERS = ("decision", "headline", "version", "model_uri")


def summary(run: Path) -> dict[str, Any]:
    """The end of a run as JSON.

    Returns:
        `run`, `state`, `seconds`, `folder`, `logs` and `phases`: per phase its `state`,
        `outcome` (see `components.registry.outcome`), `message` (a sentence that says what is in
        production), `in_production` (number of that version, "" for none, null for unknown),
        `reasons`, `decision` and `headline` of the gate, `version`, `model_uri`, `registered` (the
        model's name, alias and registry), `tasks` (per task the scores overall and per label;
        fractions or null), `scores` (the same of the task, where there is but one), the paths of
        FILES that exist, the `missing` files, `why` it waits, and the `failed` task with its
        `message` and log.
    """
    run = run.absolute()  # the same whoever asks, and from wherever
    record = read_record(run)
    return {
        "run": record.id,
        "state": record.state,
        "seconds": record.seconds,
        "folder": str(run),
        "logs": str(run / "logs"),
        "tasks": {state: count_state(record, state) for state in ("reused", "succeeded", "failed")},
        "phases": {
            phase: phase_summary(run, record, outcome)
            for phase, outcome in outcomes(run, record).items()
        },
    }


def count_state(record: RunRecord, state: str) -> int:
    """How many tasks ended so."""
    return sum(task.state == state for task in record.tasks.values())


def phase_summary(run: Path, record: RunRecord, outcome: PhaseOutcome) -> dict[str, Any]:
    """One phase of `summary`."""
    tasks = {task.stage: task for task in record.tasks.values() if task.branch == outcome.phase}
    ended = {stage: task for stage, task in tasks.items() if finished(task)}
    missing: list[str] = []
    model = record.production.get(outcome.phase)
    result: dict[str, Any] = {
        "state": outcome.state,
        "outcome": outcome.end,
        "message": outcome.message,
        "in_production": outcome.in_production,
        "reasons": list(outcome.reasons),
    }
    if model:
        address = address_of(model, run)
        result["registered"] = {"name": model.name, "alias": model.alias, "registry": address}
    for name, (stages, output) in FILES.items():
        for stage in stages:
            if stage in ended and output in ended[stage].artifacts:
                with noting(missing):
                    result[name] = str(output_of(record, ended[stage], output))
    for stage in ("gate", "upload"):
        if stage in ended:
            given = ended[stage].parameters
            result.update({name: given[name] for name in PARAMETERS if name in given})
    if "version" in result:
        with noting(missing):
            result["model_uri"] = kept_model(run, record, outcome, result.get("model_uri", ""))
        with noting(missing):
            result["reasons"] = gate_reasons(record, ended) or result["reasons"]
    if "evaluate" in ended:
        with noting(missing):
            result["tasks"] = read_scores(output_of(record, ended["evaluate"], "scores"))
            if len(result["tasks"]) == 1:
                [result["scores"]] = result["tasks"].values()
    if outcome.end == "waits":
        [result["why"]] = outcome.reasons
    if missing:
        result["missing"] = missing
    if failed := outcome.failed:
        result["failed"] = {
            "task": failed.task,
            "exit_code": failed.exit_code,
            "log": str(run.parent / failed.log) if failed.log else None,
            "message": failed.note,
        }
    return result


@contextmanager
def noting(missing: list[str]) -> Iterator[None]:
    """Note a file that was deleted since, and go on."""
    try:
        yield
    except DataError as error:
        missing.append(str(error))


def kept_model(run: Path, record: RunRecord, outcome: PhaseOutcome, uri: str) -> str:
    """Where the model of a phase lies in its registry, which may have been moved.

    Raises:
        DataError: the version is gone.
    """
    if not uri or "://" in uri or Path(uri).is_dir():
        return uri
    model = record.production.get(outcome.phase)
    if model:
        versions = open_registry(address_of(model, run)).versions(model.name, damaged=True)
        if version := numbered(versions, outcome.version):
            return version.uri
    raise DataError(f"run {record.id}: version {outcome.version} of {outcome.phase} is gone: {uri}")


def gate_reasons(record: RunRecord, ended: Mapping[str, TaskRecord]) -> list[str]:
    """What the gate had against a model, a sentence each; empty if nothing.

    Raises:
        DataError: its decision was deleted.
    """
    # The gate was a task of its own once, and its decision had another name.
    for stage, output in (("upload", "gate_decision"), ("gate", "gate_decision")):
        if stage in ended and output in ended[stage].artifacts:
            decision = read_json(output_of(record, ended[stage], output))
            return list(decision["reasons"]) if decision["decision"] == "hold" else []
    return []
