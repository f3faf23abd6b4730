"""What a small model learns from a big one: from few labels and many texts without any.

    python -m bench.uptrain DATA [--seeds 1] [--students NAME …]

DATA is a name of DATASETS, whose folder lies beside the project (../shared/data). Of its training
rows few keep their labels; a teacher learns these, and the stage `label` lets it answer the texts
of the others. Then each student learns the few labels alone (gold), these and the teacher's answers
(taught), and, as a ceiling, the true labels of the same texts (all). All are scored on the same
test texts, teacher and taught student in one process. Of the pool, REVIEWED texts are chosen at
random, by `retrain queue`, and as `label` chooses what people review: of how many is the teacher's
answer wrong? What has run is kept in build/bench/uptrain/ and is not run again: remove it to start
anew.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import stages
from bench.classes.data import SEED
from bench.queue import errors, queued
from bench.run import ONE_THREAD

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
KEPT = ROOT / "build" / "bench" / "uptrain"
DEV, TEST = 300, 1000
REVIEWED = 300
SETS = ("gold", "taught", "all")
Row = dict[str, Any]
Rows = dict[str, list[Row]]


@dataclass(frozen=True)
class Model:
    """A training config that is shipped, and what is changed in it."""

    config: str
    set: dict[str, Any] = field(default_factory=dict)


def lasting(steps: int) -> dict[str, Any]:
    """So many steps, with five evaluations."""
    return {"training.max_steps": steps, "training.eval_frequency": max(1, steps // 5)}


@dataclass(frozen=True)
class Dataset:
    """A collection, its teacher and the students that may learn from it.

    Attributes:
        score: what counts: "overall" F, or the "macro" one.
        rows: a seed -> rows by "gold", "pool", "dev" and "test".
    """

    kind: str
    score: str
    rows: Callable[[int], Rows]
    teacher: Model
    students: dict[str, Model]


def healthsea(seed: int) -> Rows:
    """Of the split of `bench.classes` the first 400 training rows, or others with other seeds."""
    found = stages.rows(DATA / "prodigy_textcat_choice_healthsea", "train")
    rows = unique(row for row in found if row["answer"] == "accept" and len(row["accept"]) == 1)
    random.Random(SEED).shuffle(rows)  # noqa: S311
    test, dev = rows[: len(rows) // 5], rows[len(rows) // 5 : len(rows) * 3 // 10]
    train = rows[len(rows) * 3 // 10 :]
    if seed:
        random.Random(seed).shuffle(train)  # noqa: S311
    return {"gold": train[:400], "pool": train[400:], "dev": dev, "test": test}


def entities(folder: str) -> Callable[[int], Rows]:
    """A tenth of the training rows keeps its labels."""

    def rows(seed: int) -> Rows:
        test = unique(stages.rows(DATA / folder, "test"))[:TEST]
        dev = unique(stages.rows(DATA / folder, "dev"))[:DEV]
        others = {row["text"] for row in (*test, *dev)}
        found = unique(stages.rows(DATA / folder, "train"))
        train = [row for row in found if row["text"] not in others]
        random.Random(seed).shuffle(train)  # noqa: S311
        tenth = len(train) // 10
        return {"gold": train[:tenth], "pool": train[tenth:], "dev": dev, "test": test}

    return rows


def unique(rows: Iterable[Row]) -> list[Row]:
    """One row of each text that is not blank."""
    return [*{row["text"]: row for row in rows if row.get("text", "").strip()}.values()]


ENTITIES = {"cnn": Model("cnn-tasks")}
DATASETS = {
    "healthsea": Dataset(
        "textcat",
        "macro",
        healthsea,
        Model("minilm-classes", lasting(160)),
        {
            "bag of words": Model("bow-classes"),
            "cnn": Model("cnn-classes", lasting(1000)),
        },
    ),
    "wnut17": Dataset("ner", "overall", entities("wnut17"), Model("minilm-tokens"), ENTITIES),
    "re3d": Dataset("ner", "overall", entities("re3d"), Model("minilm-tokens"), ENTITIES),
}


def main() -> None:
    """Run what has not been run yet, and print a line for each model."""
    parser = argparse.ArgumentParser(prog="bench.uptrain")
    parser.add_argument("data", choices=list(DATASETS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--students", nargs="*")
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=SETS)
    args = parser.parse_args()
    if not DATA.is_dir():
        parser.error(f"{DATA} is not there")
    os.environ |= ONE_THREAD
    data = DATASETS[args.data]
    for seed in range(args.seeds):
        folder = KEPT / f"{args.data}-{seed}"
        tasks = prepared(folder, data, seed)
        print(f"{args.data} seed {seed}  {reviews(folder, data, tasks, seed)}", flush=True)
        for name in args.students or data.students:
            for given in args.sets:
                row = kept(folder, data, tasks, name, given, seed)
                shown = "  ".join(f"{key} {value:.4g}" for key, value in row.items())
                print(f"{args.data} seed {seed}  {name:14}{given:8}{shown}", flush=True)


def prepared(folder: Path, data: Dataset, seed: int) -> str:
    """Train the teacher and let it answer; return the tasks."""
    tasks = folder / "tasks.json"
    if tasks.is_file():
        return tasks.read_text(encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = data.rows(seed)
    said = json.dumps([{"name": "task", "kind": data.kind, "labels": labels_of(rows)}])
    held = {"dev": rows["dev"], "test": rows["test"]}
    corpora(folder / "gold", said, {"train": rows["gold"], **held})
    started = time.process_time()
    learn(folder / "gold", said, data.teacher, seed)
    trained = time.process_time()
    (folder / "gold/model").rename(folder / "teacher")
    answer(folder, said, rows["pool"])
    learnt = texts_in(folder / "taught" / "taught_set")
    pool = [row for row in rows["pool"] if row["text"] in learnt]
    corpora(folder / "all", said, {"train": [*rows["gold"], *pool], **held})
    print(
        f"teacher: {trained - started:.0f} processor s of training, "
        f"{time.process_time() - trained:.0f} of answering {len(rows['pool']):,} texts"
    )
    tasks.write_text(said, encoding="utf-8")
    return said


def labels_of(rows: Rows) -> list[str]:
    """Every label that the few have."""
    spans = {one["label"] for row in rows["gold"] for one in row.get("spans") or ()}
    return sorted(spans | {label for row in rows["gold"] for label in row.get("accept") or ()})


def corpora(work: Path, tasks: str, given: Rows) -> None:
    """The rows as records in their splits, and as corpora."""
    work.mkdir()
    labels = json.loads(tasks)[0]["labels"]
    with redirect_stdout(StringIO()):
        stages.ingest(work, tasks, given, max_quarantined=1, select={"keep": labels})
        stages.convert(work, tasks)


def answer(folder: Path, tasks: str, pool: list[Row]) -> None:
    """What the teacher says of the pool, beside the few labels."""
    work, gold = folder / "taught", folder / "gold"
    work.mkdir()
    texts = work / "pool.jsonl"
    lines = (json.dumps({"text": row["text"]}) + "\n" for row in pool)
    texts.write_text("".join(lines), encoding="utf-8")
    (work / "assignment.json").write_text('{"version":1,"train":[],"dev":[],"test":[]}')
    sets = {f"{split}_set": gold / f"{split}_set" for split in stages.SPLITS}
    stages.run(
        "label",
        work,
        tasks,
        teacher=folder / "teacher",
        teacher_version="teacher",
        texts=[str(texts)],
        assignment=work / "assignment.json",
        **sets,
    )
    sets["train_set"] = work / "taught_set"
    stages.run("convert", work, tasks, **sets, settings={})


def texts_in(records: Path) -> set[str]:
    """The texts of a file of records."""
    lines = records.read_text(encoding="utf-8").splitlines()
    return {json.loads(line)["text"] for line in lines}


def reviews(folder: Path, data: Dataset, tasks: str, seed: int) -> str:
    """Of how many texts the teacher's answer is wrong, by the way in which they were chosen."""
    path = folder / "reviews.json"
    if not path.is_file():
        path.write_text(json.dumps(reviewed(folder, data, tasks, seed)), encoding="utf-8")
    wrong: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))
    told = ", ".join(f"{order} {count}" for order, count in wrong.items())
    return f"wrong among {REVIEWED} texts of the pool: {told}"


def reviewed(folder: Path, data: Dataset, tasks: str, seed: int) -> dict[str, int]:
    """Let the teacher choose texts of the pool, and count what it says wrong of them."""
    rows = data.rows(seed)
    pool, teacher = rows["pool"], folder / "teacher"
    chosen = {
        "random": random.Random(seed).sample(pool, REVIEWED),  # noqa: S311
        "queue": queued(teacher, tasks, rows["gold"], pool, rows["test"], REVIEWED, seed),
        "least certain": least_certain(teacher, tasks, pool),
    }
    given = {"train": rows["gold"], "dev": rows["dev"]}
    with TemporaryDirectory() as work:
        return errors(Path(work), "en", tasks, teacher, given, chosen)


def least_certain(folder: Path, tasks: str, pool: list[Row]) -> list[Row]:
    """The texts that the stage `label` sends to review first."""
    from components.label.choose import doubtful
    from components.label.settings import LabelSettings
    from components.label.teacher import Teacher
    from components.records.texts import Text
    from components.tasks import tasks_of

    texts = [Text(str(place), row["text"]) for place, row in enumerate(pool)]
    asked = Teacher(folder, tasks_of(tasks), "teacher", sure=True)
    said = [one for one in asked.label(texts) if one]
    settings = LabelSettings(accept=1.0, skip=0.0, review=REVIEWED)
    return [pool[int(one.source)] for one in doubtful(said, settings)]


def kept(
    folder: Path, data: Dataset, tasks: str, name: str, given: str, seed: int
) -> dict[str, float]:
    """The figures of a student: those that are kept, or new ones."""
    path = folder / f"{name}-{given}.json"
    if not path.is_file():
        row = student(folder, data, tasks, data.students[name], given, seed)
        path.write_text(json.dumps(row), encoding="utf-8")
    figures: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
    return figures


def student(
    folder: Path, data: Dataset, tasks: str, model: Model, given: str, seed: int
) -> dict[str, float]:
    """Learn and score; where it was taught, beside its teacher."""
    work = folder / given
    shutil.rmtree(work / "model", ignore_errors=True)
    started = time.process_time()
    learn(work, tasks, model, seed)
    seconds = time.process_time() - started
    beside = {"teacher": folder / "teacher"} if given == "taught" else {}
    with redirect_stdout(StringIO()):
        stages.run(
            "evaluate",
            work,
            tasks,
            model=work / "model",
            test_corpus=folder / "gold" / "test_corpus",
            **beside,
            init="base",
            settings={},
        )
    block = json.loads((work / "scores").read_text(encoding="utf-8"))["tasks"]["task"]
    row = {"f": block[data.score]["f"], "seconds": seconds, "words/s": block["words_per_second"]}
    if teacher := block.get("teacher"):
        score, speed = teacher[data.score]["f"], teacher["words_per_second"]
        row |= {"teacher f": score, "times as fast": row["words/s"] / speed}
        row |= {"agreement": teacher["agreement"]}
    return row


def learn(work: Path, tasks: str, model: Model, seed: int) -> None:
    """A model of the corpora of a folder."""
    arm = {"config": model.config, "set": model.set}
    with redirect_stdout(StringIO()):
        stages.retrain(work, tasks, "en", arm, seed)


if __name__ == "__main__":
    main()
