"""What the gate decides of a first model, an equal, a better and a worse one, by the size of test.

    python -m bench.gate FOLDER

FOLDER is as for bench.entities. Four models of minilm-tokens.cfg are trained: three that differ by
their seed alone, and one that learns from a quarter of the texts for half as long. Of the three the
two that are nearest in F on all test texts are equal. Each predicts the test texts once; then test
sets of several sizes are drawn from these, and the gate decides by its rules on each, as in a run
whose annotations differ from those before. Predictions are kept in build/bench/gate/: remove it to
start anew.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.entities import splits
from bench.run import ONE_THREAD
from bench.stages import convert, ingest, labels_in, retrain
from components.gate.decide import decide
from components.gate.settings import GateSettings
from components.records.prediction import Prediction, read_predictions, write_predictions
from components.scoring.compare import compare
from components.scoring.counts import count
from components.tasks import tasks_of
from components.tasks.base import Task
from components.tasks.scores import block_of

KEPT = Path("build/bench/gate")
STEPS = {"training.max_steps": 200, "training.optimizer.learn_rate.total_steps": 200}
HALF = {"training.max_steps": 100, "training.optimizer.learn_rate.total_steps": 100}
LESS = "a quarter of the texts"
MODELS: dict[str, dict[str, Any]] = {
    **{f"seed {seed}": {"seed": seed, "set": STEPS} for seed in range(3)},
    LESS: {"seed": 0, "set": HALF, "every": 4},
}
Noted = dict[str, list[Prediction]]
Cases = dict[str, tuple[str, str]]  # the model, and the one in production
SIZES = (25, 50, 100, 200, 400)
DRAWS = 40
LIMITS = (0.2, 0.4, 1.0)
REPORT = {"records": {"in": 1, "quarantined": 0}}


def main() -> None:
    """Train what is not kept yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    os.environ |= ONE_THREAD
    described = json.dumps([{"name": "ner", "kind": "ner", "labels": labels_in(folder)}])
    [task] = tasks_of(described)
    noted = {name: predictions(folder, described, name) for name in MODELS}
    every = range(len(noted[LESS]))
    f = {name: scored(task, noted, name, "", every)["overall"]["f"] for name in MODELS}
    cases = cases_of(f)
    scores = ", ".join(f"{name} {100 * score:.1f}" for name, score in f.items())
    table = Table(title=f"{folder.name}: promoted, of {DRAWS} test sets; F of all: {scores}")
    for column in ("texts", "entities", "interval of F", "max_interval", *cases):
        table.add_column(column)
    for size in SIZES:
        for row in rows(task, noted, cases, size):
            table.add_row(*row)
    Console(width=150).print(table)


def cases_of(f: Mapping[str, float]) -> Cases:
    """Who meets whom, by F on all test texts."""
    by_score = sorted((name for name in f if name != LESS), key=lambda name: f[name])
    low, middle, high = by_score
    near = (low, middle) if f[middle] - f[low] < f[high] - f[middle] else (middle, high)
    return {
        "first": (high, ""),
        f"equal: {near[1]} after {near[0]}": (near[1], near[0]),
        f"equal: {near[0]} after {near[1]}": near,
        f"better: {high} after less": (high, LESS),
        f"worse: less after {high}": (LESS, high),
    }


def predictions(folder: Path, described: str, name: str) -> list[Prediction]:
    """What a model of ours says of every test text."""
    kept = KEPT / f"{folder.name} {name}.jsonl"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_predictions(kept, learnt(folder, described, MODELS[name]))
    return list(read_predictions(kept))


def learnt(folder: Path, described: str, model: dict[str, Any]) -> list[Prediction]:
    """Train a model, and let it predict."""
    from components.evaluate.run import load
    from components.evaluate.run import run as predict

    given = splits(folder)
    given["train"] = given["train"][:: model.get("every", 1)]
    with TemporaryDirectory() as text, redirect_stdout(StringIO()):
        work = Path(text)
        ingest(work, described, given, max_moved=1, max_quarantined=1)
        convert(work, described)
        arm = {"config": "minilm-tokens", "set": model["set"]}
        path, _, _ = retrain(work, described, "en", arm, model["seed"])
        done = predict(load(path), work / "test_corpus", tasks_of(described), 1024)
    return done.predictions["ner"]


def rows(task: Task, noted: Noted, cases: Cases, size: int) -> Iterator[list[str]]:
    """The decisions on test sets of so many texts, by how wide F's interval may be."""
    promoted = {limit: dict.fromkeys(cases, 0) for limit in LIMITS}
    entities, widths = [], []
    every = range(len(noted[LESS]))
    for draw in range(DRAWS):
        chosen = random.Random(draw).sample(every, min(size, len(every)))  # noqa: S311
        for case, (model, champion) in cases.items():
            block = scored(task, noted, model, champion, chosen)
            for limit in LIMITS:
                policy = GateSettings(max_interval=limit, min_f=0 if champion else 0.5)
                decided = decide({"ner": block}, REPORT, [task.described], policy)["decision"]
                promoted[limit][case] += decided == "promote"
            if case == "first":
                overall = block["overall"]
                entities.append(overall["support"])
                low, high = overall["interval"]["f"] or (0, 1)
                widths.append(100 * (high - low))
    for limit, counts in promoted.items():
        about = [f"{statistics.mean(entities):.0f}", f"{statistics.mean(widths):.0f}"]
        yield [str(size), *about, str(limit), *map(str, counts.values())]


def scored(
    task: Task,
    noted: Noted,
    model: str,
    champion: str,
    chosen: Sequence[int],
) -> dict[str, Any]:
    """The scores of a model on some texts, beside those of the one in production."""
    new = [noted[model][number] for number in chosen]
    block = block_of(task, new, slice_keys=[], resamples=1000, seed=0)
    block["champion"] = None
    if champion:
        old = [noted[champion][number] for number in chosen]
        labels = task.labels
        counts = count(new, labels), count(old, labels)
        comparison = compare(*counts, labels, resamples=1000, seed=0)
        block["champion"] = {"model_labels": labels, "comparison": comparison, "seen": 0}
    return block


if __name__ == "__main__":
    main()
