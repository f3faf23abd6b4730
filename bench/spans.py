"""Overlapping spans: retrain beside what `spacy init config --pipeline spancat` trains.

    python -m bench.spans FOLDER [--language es] [--seeds 3] [--arms ARM …]

FOLDER holds train.jsonl, dev.jsonl and test.jsonl, exports of Prodigy's spans.manual, such as the
NUBes corpus of negation. All arms learn from the same corpora in a process of their own with one
thread. `s` are processor seconds of training, from reading config and corpora to the model on disk,
evaluations on dev included; F is that of retrain's `evaluate`, which spaCy's scorer agrees with.
"""

from __future__ import annotations

import json
import time
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.run import every_arm
from bench.stages import SPLITS, convert, evaluate, ingest, labels_in, retrain, rows, stock

STOCK = "spacy train, as init config writes it"
FIRST = {"training.max_steps": 200, "training.eval_frequency": 200}
SIZES = "components.sc.suggester.sizes"
SHORT = {"training.max_steps": 80, "training.eval_frequency": 80}
ARMS: dict[str, dict[str, Any]] = {
    STOCK: {"pipeline": "spancat"},
    "retrain, cnn-tasks": {"config": "cnn-tasks"},
    "the same, sizes 1 to 3": {"config": "cnn-tasks", "set": {SIZES: [1, 2, 3]}},
    # What half a minute is enough for.
    f"{STOCK}, 200 steps": {"pipeline": "spancat", "set": FIRST},
    "retrain, 80 steps": {"config": "cnn-tasks", "set": SHORT},
}


def main() -> None:
    """Run every arm with every seed, and compare."""
    every_arm("bench.spans", __doc__, ARMS, measured, language="es")


def measured(folder: Path, language: str, arm: dict[str, Any], seed: int) -> dict[str, Any]:
    """Learn and test; scores, steps and seconds."""
    labels = labels_in(folder)
    tasks = json.dumps([{"name": "sc", "kind": "spans", "labels": labels, **arm.get("task", {})}])
    with TemporaryDirectory() as text, redirect_stdout(StringIO()):
        work = Path(text)
        given = {split: rows(folder, split) for split in SPLITS}
        ingest(work, tasks, given, language=language, max_moved=1, max_quarantined=1)
        convert(work, tasks, language)
        learn = retrain if "config" in arm else stock
        before = time.process_time()
        model, steps, _ = learn(work, tasks, language, arm, seed)
        seconds = time.process_time() - before
        [block] = evaluate(work, tasks, model).values()
    return {
        "seconds": seconds,
        "steps": steps,
        "labels": {name: one["f"] for name, one in block["labels"].items()},
        "words_per_second": block["words_per_second"],
        **{key: block["overall"][key] for key in "fpr"},
    }


if __name__ == "__main__":
    main()
