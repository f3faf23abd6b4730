"""Statuses learnt along with entities, beside entities alone: scores, and processor seconds.

    python -m bench.assertion FOLDER [--seeds 3]

FOLDER holds train.jsonl, dev.jsonl and test.jsonl, exports of Prodigy whose spans have `assertion`,
such as the findings of NegEx. A finding that is present but historical is Past. Each arm runs
ingest, convert, train and evaluate in a process of its own, on the same texts for as many steps;
only training is timed, from its config to the finished model.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.mixed import convert, run
from bench.run import alone

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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("ARM", "SEED"))
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measured(args.folder, ARMS[args.one[0]], int(args.one[1]))))
        return
    os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    figures: dict[str, list[dict[str, Any]]] = {arm: [] for arm in ARMS}
    for seed in range(args.seeds):
        for arm in ARMS:
            one = alone("bench.assertion", arm, seed, args.folder)
            figures[arm].append(one)
            print(f"seed {seed}  {arm:10}{one}", flush=True)
    both = figures["together"]
    for name in both[0]:
        values = [one[name] for one in both]
        print(f"{name}: {statistics.mean(values):.4f} ({min(values):.4f} to {max(values):.4f})")
    seconds = {arm: sum(one["seconds"] for one in figures[arm]) for arm in ARMS}
    print(f"cost of both against entities alone: {seconds['together'] / seconds['entities']:.2f}")


def measured(folder: Path, names: Sequence[str], seed: int) -> dict[str, float]:
    """Train on some of the tasks and test; scores, and the seconds."""
    import spacy_transformers  # noqa: F401 - and with it torch and spaCy, before the clock runs

    tasks = json.dumps([one for one in TASKS if one["name"] in names])
    with TemporaryDirectory() as text, redirect_stdout(StringIO()):
        work = Path(text)
        path = work / "rows.jsonl"
        path.write_text("".join(rows(folder)), encoding="utf-8")
        run(
            "ingest",
            work,
            tasks,
            sources=[{"path": str(path)}],
            settings={"required": [], "max_quarantined": 1, "max_moved": 1},
            store=work / "store",
        )
        convert(work, tasks)
        config = Path("pipelines/config/training/minilm-tasks.cfg").read_text(encoding="utf-8")
        changes = json.loads(os.environ.get("ASSERTION", "{}"))
        corpora = {f"{split}_corpus": work / f"{split}_corpus" for split in ("train", "dev")}
        started = time.process_time()
        run(
            "train",
            work,
            tasks,
            **corpora,
            config=config,
            overrides={**SETTINGS, "system.seed": seed, **changes},
            settings={"device": "cpu"},
        )
        seconds = time.process_time() - started
        run(
            "evaluate",
            work,
            tasks,
            model=work / "model",
            test_corpus=work / "test_corpus",
            **corpora,
            init="base",
            settings={},
        )
        blocks = json.loads((work / "scores").read_text(encoding="utf-8"))["tasks"]
    return {"seconds": seconds, **dict(scores_of(blocks))}


def scores_of(blocks: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """The figures of a run by name."""
    yield "entities F", blocks["entities"]["overall"]["f"]
    if status := blocks.get("status"):
        yield "macro F", status["macro"]["f"]
        yield from ((f"{name} F", status["labels"][name]["f"]) for name in STATUSES)
        yield "end to end F", status["end_to_end"]["overall"]["f"]
        yield "rules macro F", status["floor"]["macro"]["f"]


def rows(folder: Path) -> Iterator[str]:
    """All rows, each with the split that it is in."""
    for split in ("train", "dev", "test"):
        for line in (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            for span in row["spans"]:
                if span["assertion"] == "Present" and span.get("temporality") == "Historical":
                    span["assertion"] = "Past"
            yield json.dumps({**row, "meta": {"split": split}}) + "\n"


if __name__ == "__main__":
    main()
