"""The evaluating stages, run as the pipeline runs them: by their arguments, on files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from components.__main__ import main
from tests.support.records import ner_tasks
from tests.support.tiny_ner import LABELS


def run_stage(name: str, arguments: dict[str, Any]) -> int:
    """Run a stage; return its exit code."""
    return main(
        [name, *(part for key, one in arguments.items() for part in (f"--{key}", str(one)))]
    )


def evaluate(
    folder: Path,
    model: Path,
    corpus: Path,
    champion: Path | None,
    labels: list[str] | None = None,
    *,
    metadata: Path | None = None,
    init: str = "base",
) -> None:
    """Score a model into a folder: scores, predictions, metrics, confusion."""
    outputs = {name: folder / name for name in ("scores", "predictions", "metrics", "confusion")}
    code = run_stage(
        "evaluate",
        {
            "tasks": ner_tasks(labels or LABELS),
            "model": model,
            "test-corpus": corpus,
            "champion": champion or "",
            "champion-assignment": metadata / "assignment.json" if metadata else "",
            "init": init,
            "settings": '{"resamples": 200}',
            **outputs,
        },
    )
    assert code == 0


def gate(
    folder: Path,
    data_report: dict[str, Any],
    *,
    labels: list[str] | None = None,
    context: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
) -> int:
    """Judge the scores in a folder into it: decision and summary.

    "champion-metadata" in it is the champion's.
    """
    (folder / "data-report").write_text(json.dumps(data_report), encoding="utf-8")
    executor = {"outputs": {"outputFile": str(folder / "gate.json")}}
    return run_stage(
        "gate",
        {
            "executor-input": json.dumps(executor),
            "tasks": ner_tasks(labels or LABELS),
            "context": json.dumps(context or {}),
            "settings": json.dumps(settings or {}),
            **{name: folder / name for name in ("scores", "data-report", "champion-metadata")},
            **{name: folder / name for name in ("gate-decision", "summary")},
        },
    )


def gate_decision_in(folder: Path) -> dict[str, Any]:
    """The decision that `gate` left."""
    return dict(json.loads((folder / "gate-decision").read_text(encoding="utf-8")))
