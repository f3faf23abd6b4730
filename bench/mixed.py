"""Several tasks learnt by one model, beside one model for each: scores, and processor seconds.

    python -m bench.mixed FOLDER [--seeds 3]

FOLDER holds train.jsonl, dev.jsonl and test.jsonl, exports of Prodigy whose rows have `spans` and
`accept`, such as the banking part of NLU++. Each arm runs ingest, convert, train and evaluate in a
process of its own, on the same texts for as many steps; only training is timed, from its config to
the calibrated model.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.run import alone

STEPS = 450  # about ten epochs of 1,244 short texts
ARMS = {"apart": ("entities",), "apart too": ("intents",), "together": ("entities", "intents")}
SETTINGS = {
    "training.max_steps": STEPS,
    "training.patience": 0,
    "training.eval_frequency": 90,
    "training.optimizer.learn_rate.total_steps": STEPS,
    "training.optimizer.learn_rate.warmup_steps": 45,
}


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
        for arm, tasks in ARMS.items():
            one = alone("bench.mixed", arm, seed, args.folder)
            figures[arm].append(one)
            scores = "  ".join(f"{task} {one[task]:.4f}" for task in tasks)
            print(f"seed {seed}  {arm:10}{one['seconds']:7.1f} s  {scores}", flush=True)
    both = figures["together"]
    for arm, tasks in list(ARMS.items())[:2]:
        [task] = tasks
        changes = [two[task] - one[task] for one, two in zip(figures[arm], both, strict=True)]
        print(f"{task}: together against apart {100 * statistics.mean(changes):+.2f} points")
    apart = sum(one["seconds"] for arm in ("apart", "apart too") for one in figures[arm])
    print(f"time of the one against that of two: {sum(o['seconds'] for o in both) / apart:.2f}")


def measured(folder: Path, names: Sequence[str], seed: int) -> dict[str, Any]:
    """Train on some of the tasks and test; micro F of each, and the seconds."""
    import spacy_transformers  # noqa: F401 - and with it torch and spaCy, before the clock runs

    tasks = json.dumps([one for one in tasks_in(folder) if one["name"] in names])
    with TemporaryDirectory() as text, redirect_stdout(StringIO()):
        work = Path(text)
        sources = [{"path": str(tagged(folder, work))}]
        run("ingest", work, tasks, sources=sources, settings={"required": []}, store=work / "store")
        convert(work, tasks)
        config = Path("pipelines/config/training/minilm-tasks.cfg").read_text(encoding="utf-8")
        started = time.process_time()
        run(
            "train",
            work,
            tasks,
            train_corpus=work / "train_corpus",
            dev_corpus=work / "dev_corpus",
            config=config,
            overrides={
                **SETTINGS,
                "system.seed": seed,
                **json.loads(os.environ.get("MIXED", "{}")),
            },
            settings={"device": "cpu"},
        )
        seconds = time.process_time() - started
        corpus = work / "test_corpus"
        run(
            "evaluate",
            work,
            tasks,
            model=work / "model",
            test_corpus=corpus,
            init="base",
            settings={},
        )
        blocks = json.loads((work / "scores").read_text(encoding="utf-8"))["tasks"]
    return {"seconds": seconds, **{name: block["overall"]["f"] for name, block in blocks.items()}}


def convert(work: Path, tasks: str, language: str = "en") -> None:
    """The records in the splits that they name, as corpora."""
    [annotations] = (work / "store").glob("*/annotations.jsonl")
    lines = annotations.read_text(encoding="utf-8").splitlines()
    for split in ("train", "dev", "test"):
        mine = [line for line in lines if json.loads(line)["split"] == split]
        (work / f"{split}_set").write_text("\n".join(mine) + "\n", encoding="utf-8")
    sets = {f"{split}_set": work / f"{split}_set" for split in ("train", "dev", "test")}
    run("convert", work, tasks, **sets, settings={"language": language})


def run(stage: str, work: Path, tasks: str, **inputs: Any) -> None:
    """Run a stage; its outputs lie in the folder under their names."""
    import importlib

    from components.__main__ import STAGES, main
    from components.interface import Output

    values = {name: str(one) if isinstance(one, Path) else one for name, one in inputs.items()}
    command = importlib.import_module(STAGES[stage])
    outputs = [port.name for port in command.INTERFACE if isinstance(port, Output)]
    options = {"tasks": tasks, **values, **{name: str(work / name) for name in outputs}}
    words = [
        f"--{name.replace('_', '-')}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in options.items()
    ]
    if main([stage, *words]):
        raise SystemExit(f"{stage} failed")


def tagged(folder: Path, work: Path) -> Path:
    """All rows as one file, each with the split that it is in."""
    path = work / "rows.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for split in ("train", "dev", "test"):
            for row in rows(folder, split):
                file.write(json.dumps({**row, "meta": {"split": split}}) + "\n")
    return path


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


def rows(folder: Path, split: str) -> list[dict[str, Any]]:
    """The rows of a file."""
    lines = (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


if __name__ == "__main__":
    main()
