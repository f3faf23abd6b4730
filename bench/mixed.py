"""Several tasks learnt by one model, beside one model for each: scores, and processor seconds.

    python -m bench.mixed FOLDER [--seeds 3]

FOLDER holds train.jsonl, dev.jsonl and test.jsonl, exports of Prodigy whose rows have `spans` and
`accept`, such as the banking part of NLU++. Each arm runs ingest, convert, train and evaluate in a
process of its own, on the same texts; only training is timed, from its config to the calibrated
model. The one model takes some more steps than each of the two: together they may take longer.
"""

from __future__ import annotations

import json
import statistics
from collections import Counter
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.run import every_seed
from bench.stages import SPLITS, convert, evaluate, ingest, rows, train

ARMS = {"apart": ("entities",), "apart too": ("intents",), "together": ("entities", "intents")}
STEPS = {"apart": 450, "apart too": 450, "together": 510}  # 450: ten epochs of 1,244 short texts
EVALUATIONS = 5


def settings(steps: int) -> dict[str, Any]:
    """Keys of the training config for so many steps."""
    return {
        "training.max_steps": steps,
        "training.patience": 0,
        "training.eval_frequency": steps // EVALUATIONS,
        "training.optimizer.learn_rate.total_steps": steps,
        "training.optimizer.learn_rate.warmup_steps": steps // 10,
    }


def main() -> None:
    """Run every arm with every seed, and compare."""
    figures = every_seed("bench.mixed", __doc__, ARMS, measured)
    both = figures["together"]
    for arm, tasks in list(ARMS.items())[:2]:
        [task] = tasks
        changes = [two[task] - one[task] for one, two in zip(figures[arm], both, strict=True)]
        print(f"{task}: together against apart {100 * statistics.mean(changes):+.2f} points")
    apart = sum(one["seconds"] for arm in ("apart", "apart too") for one in figures[arm])
    print(f"time of the one against that of two: {sum(o['seconds'] for o in both) / apart:.2f}")


def measured(folder: Path, arm: str, seed: int) -> dict[str, Any]:
    """Train on some of the tasks and test; micro F of each, and the seconds."""
    tasks = json.dumps([one for one in tasks_in(folder) if one["name"] in ARMS[arm]])
    changes = {**settings(STEPS[arm]), "system.seed": seed}
    with TemporaryDirectory() as text, redirect_stdout(StringIO()):
        work = Path(text)
        ingest(work, tasks, {split: rows(folder, split) for split in SPLITS})
        convert(work, tasks)
        seconds = train(work, tasks, "minilm-tasks", changes)
        blocks = evaluate(work, tasks, work / "model")
    return {"seconds": seconds, **{name: block["overall"]["f"] for name, block in blocks.items()}}


def tasks_in(folder: Path) -> list[dict[str, Any]]:
    """The two tasks, with the labels that occur in training."""
    spans: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    for row in rows(folder, "train"):
        spans.update(span["label"] for span in row["spans"])
        classes.update(row["accept"])
    return [
        {"name": "entities", "kind": "ner", "labels": sorted(spans)},
        {"name": "intents", "kind": "textcat", "exclusive": False, "labels": sorted(classes)},
    ]


if __name__ == "__main__":
    main()
