"""How many labels `retrain queue` saves: annotating a pool in its order, and at random.

    python -m bench.queue DATA [DATA …] [--seeds 5]

DATA is a name of DATASETS, whose folder lies beside the project (../shared/data). A pool of
annotated texts is labelled in rounds, up to the ROUNDS of it, by what `retrain queue` chooses with
the model of the round before, or at random; the first part is random, and the same, for both. Each
round trains a small network (MiniLM cut to LAYERS layers; a cnn where the texts are not English)
for so many steps and is scored on the same test texts. The goal is the F that the random order has
with 80 % of the pool: how many labels does each order need for it, between two rounds by a straight
line? Once the errors of the model in what it chose are counted, and in as many random texts. What
has run is kept in build/bench/queue/ and is not run again; the first seed of each collection comes
first.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

from bench import stages
from bench.run import ONE_THREAD, kept_or_new

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
KEPT = ROOT / "build" / "bench" / "queue"
ROUNDS = (0.2, 0.4, 0.6)  # of the pool that is labelled
GOAL = 0.8  # of the pool: what a random order has then is the goal
COUNTED = 0.4  # of the pool: the round in which errors are counted
DEV, TEST = 150, 500
LAYERS = 2
ORDERS = ("random", "queue")
NEVER = 10**9
Row = dict[str, Any]
Rows = Mapping[str, list[Row]]


CUT: dict[str, Any] = {
    "components.transformer.model.transformer_config": {"num_hidden_layers": LAYERS}
}


@dataclass(frozen=True)
class Dataset:
    """Annotated rows as Prodigy's exports have them.

    Attributes:
        kind: of the task; statuses of spans are learnt beside their entities.
        pool: texts of it at most.
        score: what counts: "overall" F, or the "macro" one.
        set: what is changed in the training config.
    """

    folder: str
    kind: str
    config: str
    pool: int
    steps: int
    score: str = "overall"
    language: str = "en"
    set: Mapping[str, Any] = field(default_factory=lambda: CUT)


SMALL = CUT | {"training.batcher.size": 240}
DATASETS = {
    "wnut17": Dataset("wnut17", "ner", "minilm-tokens", 400, 120, set=SMALL),
    "re3d": Dataset("re3d", "ner", "minilm-tokens", 300, 120, set=SMALL),
    "healthsea": Dataset(
        "prodigy_textcat_choice_healthsea", "textcat", "minilm-classes", 500, 60, score="macro"
    ),
    "banking77": Dataset("cls_en_banking77", "textcat", "minilm-classes", 700, 80, score="macro"),
    "nubes": Dataset("spans_es_nubes", "spans", "cnn-tasks", 400, 120, language="es", set={}),
    "context": Dataset("assert_en_context", "assertion", "minilm-tasks", 250, 60, score="macro"),
}


def main() -> None:
    """Run what has not been run yet, and say how many labels each order needed."""
    if sys.argv[1:2] == ["--one"]:
        collection, number = sys.argv[2:]
        print(json.dumps(simulate(DATASETS[collection], int(number))))
        return
    parser = argparse.ArgumentParser(prog="bench.queue")
    parser.add_argument("data", choices=list(DATASETS), nargs="+")
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    for name in args.data:
        if not (DATA / DATASETS[name].folder).is_dir():
            parser.error(f"{DATA / DATASETS[name].folder} is not there")
    os.environ |= ONE_THREAD
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in args.data}
    for seed in range(args.seeds):
        for name, each in found.items():
            path = KEPT / f"{name}-{seed}.json"
            each.append(kept_or_new(path, "bench.queue", name, seed))
            print(line(f"{name} seed {seed}", each[-1]), flush=True)
    for name, each in found.items():
        print(f"{name}: {summary(each)}")


def line(name: str, one: Mapping[str, Any]) -> str:
    """The two curves of a seed."""
    curves = "; ".join(
        f"{order} needs {needed(one, order):.0f}: " + " ".join(f"{f:.3f}" for f in one[order])
        for order in ORDERS
    )
    return f"{name} ({one['seconds']:.0f} s): {curves}; texts with errors {one['errors']}"


def summary(found: Sequence[Mapping[str, Any]]) -> str:
    """Over all seeds: the labels that each order needs, and how far the queue is ahead."""
    needs = {order: [needed(one, order) for one in found] for order in ORDERS}
    each = "; ".join(
        f"{order} median {statistics.median(counts):.0f} of "
        f"{[round(one) if one < NEVER else 'more' for one in counts]}"
        for order, counts in needs.items()
    )
    ahead = [lead(one["random"], one["queue"]) for one in found]
    times = [one["errors"]["queue"] / max(1, one["errors"]["random"]) for one in found]
    return (
        f"{each}; F ahead {statistics.mean(ahead):.3f} of {[round(one, 3) for one in ahead]}; "
        f"errors, times those of random {[round(one, 2) for one in times]}"
    )


def needed(one: Mapping[str, Any], order: str) -> float:
    """Labels until an order has the F that is the goal, between two rounds by a straight line."""
    goal, curve = one["random"][-1], one[order]
    points = [*zip(one["labels"], curve, strict=False)]
    if points[0][1] >= goal:
        return float(points[0][0])
    for (fewer, low), (more, high) in pairwise(points):
        if high >= goal:
            return float(fewer + (more - fewer) * (goal - low) / (high - low))
    return NEVER


def lead(random_order: Sequence[float], queue: Sequence[float]) -> float:
    """How far the queue is ahead in F with as many labels, the mean over the rounds."""
    return statistics.mean(
        b - a for a, b in zip(random_order[1 : len(queue)], queue[1:], strict=True)
    )


def simulate(data: Dataset, seed: int) -> dict[str, Any]:
    """Label a pool round by round in both orders.

    Returns:
        labels: how many there were in each round, and at the goal; random, queue: F with them;
        errors: order -> texts with errors among as many; seconds: of the processor.
    """
    pool, dev, test = splits(data, data.pool, seed)
    tasks = tasks_of(data, [*pool, *dev, *test])
    shuffled = random.Random(seed).sample(pool, len(pool))  # noqa: S311
    sizes = [round(part * len(pool)) for part in ROUNDS]
    goal = round(GOAL * len(pool))
    found: dict[str, Any] = {"labels": [*sizes, goal], "random": [], "queue": [], "errors": {}}
    with TemporaryDirectory() as folder:
        work = Path(folder)

        def learn(order: str, labelled: list[Row], name: str) -> Path:
            given = {"train": labelled, "dev": dev, "test": test}
            model, score = trained(work / name, data, tasks, given, seed)
            found[order].append(score)
            said = (order, seed, len(labelled), round(score, 4), round(process_time()))
            print(*said, file=sys.stderr, flush=True)
            return model

        model = learn("random", shuffled[: sizes[0]], "first")
        found["queue"] += found["random"]
        for size in (*sizes[1:], goal):
            learn("random", shuffled[:size], f"random {size}")
        labelled, rest = shuffled[: sizes[0]], shuffled[sizes[0] :]
        for size in sizes[1:]:
            count = size - len(labelled)
            chosen = queued(model, tasks, labelled, rest, test, count, seed)
            if size == round(COUNTED * len(pool)):
                both = {"queue": chosen, "random": rest[:count]}
                given = {"train": labelled, "dev": dev}
                found["errors"] = errors(work, data.language, tasks, model, given, both)
            taken = {id(row) for row in chosen}
            labelled = [*labelled, *chosen]
            rest = [row for row in rest if id(row) not in taken]
            model = learn("queue", labelled, f"queue {size}")
    return {**found, "seconds": process_time()}


def errors(
    work: Path, language: str, tasks: str, model: Path, given: Rows, rows: Rows
) -> dict[str, int]:
    """In how many texts of each order a model says otherwise than annotators.

    Args:
        given: rows of train and dev, which corpora cannot be without.
    """
    from components.records.prediction import read_predictions

    found = {}
    for order, each in rows.items():
        folder = work / f"errors {order}"
        folder.mkdir()
        with redirect_stdout(StringIO()):
            prepared(folder, language, tasks, {**given, "test": each})
            evaluated(folder, tasks, model)
        said = [*read_predictions(folder / "predictions")]
        found[order] = len({one.id for one in said if sorted(one.gold) != sorted(one.predicted)})
    return found


def splits(
    data: Dataset, size: int, seed: int, held: tuple[int, int] = (DEV, TEST)
) -> tuple[list[Row], list[Row], list[Row]]:
    """A pool, dev and test; the dev and test texts are the same for every seed.

    Args:
        held: texts of dev, and of test, at most.
    """
    folder = DATA / data.folder
    files = {name: stages.rows(folder, name) for name in ("train", "dev", "test") if
             (folder / f"{name}.jsonl").is_file()}  # fmt: skip
    rows = unique(row for row in files["train"] if row.get("answer", "accept") == "accept")
    random.Random(0).shuffle(rows)  # noqa: S311
    few, many = held
    test = unique(files["test"])[:many] if "test" in files else rows[-many:]
    dev = unique(files["dev"])[:few] if "dev" in files else rows[-many - few : -many]
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


def prepared(work: Path, language: str, tasks: str, given: Rows) -> None:
    """Records and corpora of rows."""
    stages.ingest(work, tasks, given, language=language)
    stages.convert(work, tasks, language)


def trained(work: Path, data: Dataset, tasks: str, given: Rows, seed: int) -> tuple[Path, float]:
    """A model of these rows, and its score on test."""
    work.mkdir()
    changes = {
        "training.max_steps": data.steps,
        "training.eval_frequency": data.steps,
        "training.optimizer.learn_rate.total_steps": data.steps,
        **data.set,
    }
    arm = {"config": data.config, "set": changes}
    with redirect_stdout(StringIO()):
        prepared(work, data.language, tasks, given)
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
