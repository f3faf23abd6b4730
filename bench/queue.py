"""How many labels `retrain queue` saves: annotating a pool in its order, and at random.

    python -m bench.queue DATA [--seeds 5] [--pool 1500] [--steps 400]

DATA is a name of DATASETS, whose folder lies beside the project (../shared/data). A pool of so many
annotated texts is labelled in rounds of a tenth, by what `retrain queue` chooses with the model of
the round before, or at random; the first tenth is random for both. Each round trains a small
network (cnn) from scratch and is scored on the same test texts. The goal is the F that a random
order has with 80 % of the pool: how many labels does each order need for it? Half of the pool is
labelled round by round, and the random order goes on at 80 %. In the third round the errors of the
model in what it chose are counted, and in as many random texts. What has run is kept in
build/bench/queue/ and is not run again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import stages
from bench.run import ONE_THREAD, kept_or_new

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
KEPT = ROOT / "build" / "bench" / "queue"
ROUNDS = 5  # of a tenth of the pool each
GOAL = 8  # tenths that a random order has for the F that is the goal
COUNTED = 3  # round in which errors are counted
DEV, TEST = 300, 1000
ORDERS = ("random", "queue")
Row = dict[str, Any]


@dataclass(frozen=True)
class Dataset:
    """Annotated rows as Prodigy's exports have them.

    Attributes:
        kind: of the task; statuses of spans are learnt beside their entities.
        score: what counts: "overall" F, or the "macro" one.
    """

    folder: str
    kind: str
    config: str
    score: str = "overall"
    language: str = "en"
    settings: dict[str, Any] = field(default_factory=dict)


DATASETS = {
    "wnut17": Dataset("wnut17", "ner", "cnn"),
    "re3d": Dataset("re3d", "ner", "cnn"),
    "healthsea": Dataset("prodigy_textcat_choice_healthsea", "textcat", "cnn-classes", "macro"),
    "banking77": Dataset("cls_en_banking77", "textcat", "cnn-classes", "macro"),
    "nubes": Dataset("spans_es_nubes", "spans", "cnn-tasks", language="es"),
    "context": Dataset("assert_en_context", "assertion", "cnn-tasks", "macro"),
}


def main() -> None:
    """Run what has not been run yet, and say how many labels each order needed."""
    if sys.argv[1:2] == ["--one"]:
        name, order, seed, pool, steps = sys.argv[2:]
        print(json.dumps(simulate(DATASETS[name], order, int(seed), int(pool), int(steps))))
        return
    parser = argparse.ArgumentParser(prog="bench.queue")
    parser.add_argument("data", choices=list(DATASETS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--pool", type=int, default=1500)
    parser.add_argument("--steps", type=int, default=400)
    args = parser.parse_args()
    if not (DATA / DATASETS[args.data].folder).is_dir():
        parser.error(f"{DATA} is not there")
    os.environ |= ONE_THREAD
    needed: dict[str, list[int]] = {order: [] for order in ORDERS}
    ahead: list[float] = []
    for seed in range(args.seeds):
        curves = {o: kept(args.data, o, seed, args.pool, args.steps) for o in ORDERS}
        goal = curves["random"]["f"][-1]
        for order, curve in curves.items():
            enough = (n for n, f in zip(curve["labels"], curve["f"], strict=True) if f >= goal)
            needed[order].append(next(enough, 10**9))
            shown = "  ".join(f"{f:.3f}" for f in curve["f"])
            print(f"{args.data} seed {seed} {order:7} needs {needed[order][-1]:>5}: {shown}")
        ahead.append(lead(curves["random"]["f"], curves["queue"]["f"]))
        print(f"{args.data} seed {seed} texts with errors: {curves['queue']['errors']}")
    for order, each in needed.items():
        never = sum(n == 10**9 for n in each)
        print(f"{order}: median {statistics.median(each):g} labels, {never} of {len(each)} never")
    print(f"F ahead of random, mean of the rounds, by seed: {[round(each, 3) for each in ahead]}")


def lead(random_order: Sequence[float], queue: Sequence[float]) -> float:
    """How far the queue is ahead in F with as many labels, the mean over the rounds."""
    return statistics.mean(
        b - a for a, b in zip(random_order[1 : len(queue)], queue[1:], strict=True)
    )


def kept(name: str, order: str, seed: int, pool: int, steps: int) -> dict[str, list[float]]:
    """The curve of an order: the one that is kept, or a new one."""
    path = KEPT / f"{name}-{order}-{seed}-{pool}-{steps}.json"
    return kept_or_new(path, "bench.queue", name, order, seed, pool, steps)


def simulate(data: Dataset, order: str, seed: int, size: int, steps: int) -> dict[str, Any]:
    """Label a pool round by round; how many labels there were, and the F with them."""
    pool, dev, test = splits(data, size, seed)
    tasks = tasks_of(data, [*pool, *dev, *test])
    step = len(pool) // 10
    shuffled = random.Random(seed).sample(pool, len(pool))  # noqa: S311
    labelled, rest = shuffled[:step], shuffled[step:]
    labels, scores, wrong = [], [], {}
    rounds = [*range(1, ROUNDS + 1), *([GOAL] if order == "random" else [])]
    for number in rounds:
        labelled, rest = (labelled, rest) if number < GOAL else (shuffled[: GOAL * step], [])
        with TemporaryDirectory() as folder:
            given = {"train": labelled, "dev": dev, "test": test}
            model, score = trained(Path(folder), data, tasks, given, steps, seed)
            labels.append(len(labelled))
            scores.append(score)
            print(order, seed, len(labelled), round(score, 4), file=sys.stderr, flush=True)
            if number < ROUNDS:
                chosen = rest[:step]
                if order == "queue":
                    chosen = queued(model, tasks, labelled, rest, test, step, seed)
                    if number == COUNTED:
                        found = {"queue": chosen, "random": rest[:step]}
                        wrong = {
                            name: errors(data, tasks, model, each, given)
                            for name, each in found.items()
                        }
                labelled = [*labelled, *chosen]
                taken = {id(row) for row in chosen}
                rest = [row for row in rest if id(row) not in taken]
    return {"labels": labels, "f": scores, "errors": wrong}


def errors(
    data: Dataset, tasks: str, model: Path, rows: list[Row], given: dict[str, list[Row]]
) -> int:
    """In how many texts a model says otherwise than annotators."""
    from components.records.prediction import read_predictions

    with TemporaryDirectory() as folder, redirect_stdout(StringIO()):
        work = Path(folder)
        stages.ingest(work, tasks, {**given, "test": rows}, language=data.language)
        stages.convert(work, tasks, data.language)
        evaluated(work, tasks, model)
        said = [*read_predictions(work / "predictions")]
    return len({one.id for one in said if sorted(one.gold) != sorted(one.predicted)})


def splits(data: Dataset, size: int, seed: int) -> tuple[list[Row], list[Row], list[Row]]:
    """A pool, dev and test; the test texts are the same for every seed."""
    folder = DATA / data.folder
    files = {name: stages.rows(folder, name) for name in ("train", "dev", "test") if
             (folder / f"{name}.jsonl").is_file()}  # fmt: skip
    rows = unique(row for row in files["train"] if row.get("answer", "accept") == "accept")
    random.Random(0).shuffle(rows)  # noqa: S311
    test = unique(files["test"])[:TEST] if "test" in files else rows[-TEST:]
    dev = unique(files["dev"])[:DEV] if "dev" in files else rows[-TEST - DEV : -TEST]
    others = {row["text"] for row in (*test, *dev)}
    rows = [row for row in rows if row["text"] not in others]
    return random.Random(seed).sample(rows, min(size, len(rows))), dev, test  # noqa: S311


def unique(rows: Iterable[Row]) -> list[Row]:
    """One row of each text that is not blank."""
    return [*{row["text"]: row for row in rows if row.get("text", "").strip()}.values()]


def tasks_of(data: Dataset, rows: list[Row]) -> str:
    """The tasks, with every label that occurs."""
    spans = sorted({one["label"] for row in rows for one in row.get("spans") or ()})
    if data.kind == "textcat":
        classes = sorted({label for row in rows for label in row.get("accept", ())})
        return json.dumps([{"name": "task", "kind": "textcat", "labels": classes}])
    if data.kind == "assertion":
        said = {one["assertion"] for row in rows for one in row.get("spans") or ()}
        entities = {"name": "ner", "kind": "ner", "labels": spans}
        status = {"name": "task", "kind": "assertion", "of": "ner", "labels": sorted(said)}
        return json.dumps([entities, status])
    return json.dumps([{"name": "task", "kind": data.kind, "labels": spans}])


def trained(
    work: Path, data: Dataset, tasks: str, given: dict[str, list[Row]], steps: int, seed: int
) -> tuple[Path, float]:
    """A model of these rows, and its score on test."""
    with redirect_stdout(StringIO()):
        stages.ingest(work, tasks, given, language=data.language)
        stages.convert(work, tasks, data.language)
        changes = {"training.max_steps": steps, "training.eval_frequency": max(1, steps // 4)}
        arm = {"config": data.config, "set": changes}
        model, _, _ = stages.retrain(work, tasks, data.language, arm, seed)
        score = evaluated(work, tasks, model)["task"][data.score]["f"]
    return model, float(score or 0.0)


def evaluated(work: Path, tasks: str, model: Path) -> dict[str, Any]:
    """The scores by task, without what costs more than the rest: the floor, and fine intervals."""
    test = work / "test_corpus"
    few = {"resamples": 100}
    stages.run("evaluate", work, tasks, model=model, test_corpus=test, init="base", settings=few)
    scores: dict[str, Any] = json.loads((work / "scores").read_text(encoding="utf-8"))["tasks"]
    return scores


def queued(
    model: Path, tasks: str, labelled: list[Row], rest: list[Row], test: list[Row], count: int,
    seed: int,
) -> list[Row]:  # fmt: skip
    """What `retrain queue` takes of the rest."""
    from components.answers.models import Source, load
    from components.queue.candidates import candidates
    from components.queue.doubt import Reader
    from components.queue.known import Known
    from components.queue.making import chosen_of
    from components.records.keys import normalised
    from components.records.texts import Text
    from components.tasks import tasks_of as tasks_in

    tested = [normalised(row["text"]) for row in test]
    known = Known(texts=[*(normalised(row["text"]) for row in labelled), *tested], test=tested)
    for row in labelled:
        known.labels.update({one["label"] for one in row.get("spans") or ()})
        known.labels.update(row.get("accept", ()))
        known.labels.update({one.get("assertion", "") for one in row.get("spans") or ()})
    left = candidates([Text(str(n), row["text"]) for n, row in enumerate(rest)], known).texts
    loaded = load([Source("model", model)])
    reader = Reader(loaded.phases["model"].nlp, loaded.vocabulary)
    _, chosen = chosen_of(reader, tasks_in(tasks), left, known.labels, count, seed)
    return [rest[int(left[one.place].place)] for one in chosen]


if __name__ == "__main__":
    main()
