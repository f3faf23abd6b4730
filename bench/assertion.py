"""Statuses learnt along with entities, beside entities alone: scores, and processor seconds.

    python -m bench.assertion FOLDER [--seeds 3]

FOLDER holds train.jsonl, dev.jsonl and test.jsonl, exports of Prodigy whose spans have `assertion`,
such as the findings of NegEx. A finding that is present but historical is Past. Each arm runs
ingest, convert, train and evaluate in a process of its own, on the same texts for as many steps;
only training is timed, from its config to the finished model.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.run import every_seed
from bench.stages import SPLITS, Row, convert, evaluate, ingest, rows, train

STEPS = 300
ARMS = {"entities": ("entities",), "together": ("entities", "status")}
SETTINGS = {
    "training.max_steps": STEPS,
    "training.patience": 0,
    "training.eval_frequency": 60,
    "training.optimizer.learn_rate.total_steps": STEPS,
    "training.optimizer.learn_rate.warmup_steps": 30,
}
STATUSES = ["Present", "Absent", "Past"]
TASKS: list[dict[str, Any]] = [
    {"name": "entities", "kind": "ner", "labels": ["FINDING"]},
    {"name": "status", "kind": "assertion", "of": "entities", "labels": STATUSES},
]


def main() -> None:
    """Run every arm with every seed, and compare."""
    figures = every_seed("bench.assertion", __doc__, ARMS, measured)
    both = figures["together"]
    for name in both[0]:
        values = [one[name] for one in both]
        print(f"{name}: {statistics.mean(values):.4f} ({min(values):.4f} to {max(values):.4f})")
    seconds = {arm: sum(one["seconds"] for one in figures[arm]) for arm in ARMS}
    print(f"cost of both against entities alone: {seconds['together'] / seconds['entities']:.2f}")


def measured(folder: Path, arm: str, seed: int) -> dict[str, Any]:
    """Train on some of the tasks and test; scores, and the seconds."""
    tasks = json.dumps([one for one in TASKS if one["name"] in ARMS[arm]])
    changes = {**SETTINGS, "system.seed": seed, **json.loads(os.environ.get("ASSERTION", "{}"))}
    with TemporaryDirectory() as text, redirect_stdout(StringIO()):
        work = Path(text)
        given = {split: map(with_past, rows(folder, split)) for split in SPLITS}
        ingest(work, tasks, given, max_quarantined=1, max_moved=1)
        convert(work, tasks)
        seconds = train(work, tasks, "minilm-tasks", changes)
        blocks = evaluate(work, tasks, work / "model")
    return {"seconds": seconds, **dict(scores_of(blocks))}


def scores_of(blocks: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """The figures of a run by name."""
    yield "entities F", blocks["entities"]["overall"]["f"]
    if status := blocks.get("status"):
        yield "macro F", status["macro"]["f"]
        yield from ((f"{name} F", status["labels"][name]["f"]) for name in STATUSES)
        yield "end to end F", status["end_to_end"]["overall"]["f"]
        yield "rules macro F", status["floor"]["macro"]["f"]


def with_past(row: Row) -> Row:
    """The row, with the status of what is present but historical."""
    for span in row["spans"]:
        if span["assertion"] == "Present" and span.get("temporality") == "Historical":
            span["assertion"] = "Past"
    return row


if __name__ == "__main__":
    main()
