"""Compare, history and learning curve of a phase with two tasks: each by its own predictions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from components.evaluate.settings import EvaluateSettings
from components.records.prediction import Prediction, write_predictions
from components.records.record import Item, Span
from components.scoring.document import VERSION, Blocks
from components.tasks import task_of
from components.tasks.base import TaskSettings
from components.tasks.scores import block_of
from pipelines.local.runs import Artifact, RunRecord, TaskRecord, write_record
from pipelines.results.compare import compare_phase
from pipelines.results.history import entries, write_history
from pipelines.results.learning_curve import Point, advise

PHASE = "letters"
SETTINGS = EvaluateSettings(resamples=100)
TASKS = {
    "names": task_of(TaskSettings(name="names", kind="ner", labels=["ORG"])),
    "topic": task_of(TaskSettings(name="topic", kind="textcat", labels=["tax", "visa"])),
}


def predictions(right: Mapping[str, int]) -> list[Prediction]:
    """A hundred documents, of which the first so many are right in each task."""
    made = []
    for number in range(100):
        gold: dict[str, Item] = {"names": Span(0, 3, "ORG"), "topic": ["tax", "visa"][number % 2]}
        wrong: dict[str, list[Item]] = {"names": [], "topic": [["visa", "tax"][number % 2]]}
        for task in TASKS:
            answer = [gold[task]] if number < right[task] else wrong[task]
            scores = {label: float(label in answer) for label in TASKS[task].labels}
            made.append(
                Prediction(
                    *(f"{number}", f"BBC {number}", 2, [gold[task]], answer),
                    scores=scores if task == "topic" else {},
                    task=task,
                )
            )
    return made


def blocks_of(said: list[Prediction]) -> Blocks:
    return {
        name: {
            **block_of(
                task,
                [one for one in said if one.task == name],
                slice_keys=[],
                resamples=SETTINGS.resamples,
                seed=SETTINGS.seed,
            ),
            "model_labels": list(task.labels),
            "settings": SETTINGS.model_dump(),
            "champion": None,
        }
        for name, task in TASKS.items()
    }


def make_run(out: Path, day: int, right: Mapping[str, int]) -> Path:
    """A run of one phase as the runner leaves it, with what `evaluate` and `upload` wrote."""
    folder = out / f"2026010{day}-000000-run"
    (folder / "log").mkdir(parents=True)
    (folder / "log/history.jsonl").write_text("", encoding="utf-8")
    said = predictions(right)
    write_predictions(folder / "predictions", said)
    documents = {
        "scores": {"version": VERSION, "tasks": blocks_of(said)},
        "facts": {},
        "data_report": {"records": {"kept": 100}, "digest": "d" * 64},
    }
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document), encoding="utf-8")
    outputs = {
        "ingest": ["data_report"],
        "train": ["log"],
        "evaluate": ["scores", "predictions"],
        "upload": ["facts"],
    }
    tasks = {}
    for stage, names in outputs.items():
        artifacts = {
            name: Artifact(name, str(folder / name), "system.Artifact", "0.0.1") for name in names
        }
        task = TaskRecord(f"{PHASE}/{stage}", "succeeded", artifacts=artifacts)
        tasks[task.task] = task
    tasks[f"{PHASE}/upload"].parameters = {"outcome": "promoted", "version": f"{day}"}
    record = RunRecord(
        id=folder.name, name="letters", config="letters.yaml", spec_digest="", parameters={},
        started=f"2026-01-0{day}T00:00:00+00:00", ended=f"2026-01-0{day}T00:01:00+00:00", pid=1,
        workers=1, threads=1, tasks=tasks, state="succeeded", exit_code=0,
    )  # fmt: skip
    write_record(folder, record)
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The names get better from one run to the next, and the topics worse."""
    out = tmp_path_factory.mktemp("runs")
    return [
        make_run(out, 1, {"names": 50, "topic": 90}),
        make_run(out, 2, {"names": 90, "topic": 60}),
    ]


def test_compare_sets_each_task_against_itself(runs: list[Path]) -> None:
    compared = {one.name: one for one in compare_phase(runs[0], runs[1], PHASE)}
    assert compared.keys() == {f"{PHASE}-names", f"{PHASE}-topic"}
    names, topic = compared[f"{PHASE}-names"], compared[f"{PHASE}-topic"]
    assert (names.shared, topic.shared) == (100, 100)
    assert (names.outcome, topic.outcome) == ("better", "worse")
    # Recall of 0.9 and 0.5 without a false positive; of a topic, F is the fraction that is right.
    expected = 2 * 0.9 / 1.9 - 2 * 0.5 / 1.5
    assert names.contrast["overall"]["difference"] == pytest.approx(expected)
    assert topic.contrast["overall"]["difference"] == pytest.approx(0.6 - 0.9)
    assert names.contrast["per_label"].keys() == {"ORG"}
    assert topic.contrast["per_label"].keys() == {"tax", "visa"}


def test_history_shows_how_each_task_moved(runs: list[Path]) -> None:
    first, second = entries(runs[0].parent)
    assert first.tasks.keys() == second.tasks.keys() == {"names", "topic"}
    assert second.tasks["topic"]["overall"]["f"] == pytest.approx(0.6)
    html = write_history(runs[0].parent).read_text(encoding="utf-8")
    assert "letters, names. F on test went from 66.7 to 94.7 in 2 runs" in html
    assert "letters, topic. F on test went from 90.0 to 60.0 in 2 runs" in html


def test_a_curve_says_for_each_task_whether_more_would_help() -> None:
    curve = [
        Point(percent, percent, blocks_of(said), said)
        for percent, right in (
            (50, {"names": 50, "topic": 100}),
            (100, {"names": 90, "topic": 100}),
        )
        if (said := predictions(right))
    ]
    answers = {one.label: one.answer for one in advise(curve)}
    assert answers == {
        "names: overall": "yes",
        "names: ORG": "yes",
        "topic: overall": "hardly",
        "topic: tax": "hardly",
        "topic: visa": "hardly",
    }
