"""Entities of real collections: what a first config trains, beside what it trained and spaCy's own.

    python -m bench.entities FOLDER [--language en] [--base NAME] [--documents N] [--seeds 3]
        [--arms ARM …]

FOLDER holds train.jsonl and test.jsonl, and perhaps dev.jsonl, exports of Prodigy's ner.manual such
as WNUT-17; without dev every eighth row of train is dev. With --documents so many to learn from, a
third as many of dev and 1,000 of test at most, evenly from each file. All arms learn from the same
corpora in a process of their own with one thread. `s` are processor seconds of training, from
reading config and corpora to the model on disk, evaluations on dev included; F is that of our own
`evaluate` on test, `dev` the best one on dev, which chose the model; `by the book` is what
bench/readings.py makes of the same model; `mean` is what the mean of the weights of the last third
of the steps has, `last` what the last weights have. What has run is kept in build/bench/entities/
and is not run again: remove it to start anew.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import nullcontext, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.readings import readings
from bench.run import Arm, Figures, every_arm
from bench.stages import SPLITS, Row, convert, evaluate, ingest, labels_in, retrain, rows, stock
from bench.tried import TRIED, Averaging, Following, following

KEPT = Path("build/bench/entities")
# spaCy's small network, or only what it reads, beside the transformer: these weights know no case.
NETWORK: dict[str, Any] = {
    "@architectures": "spacy.Tok2Vec.v2",
    "embed": {
        "@architectures": "spacy.MultiHashEmbed.v2",
        "width": 96,
        "attrs": ["NORM", "PREFIX", "SUFFIX", "SHAPE"],
        "rows": [5000, 1000, 2500, 2500],
        "include_static_vectors": False,
    },
    "encode": {
        "@architectures": "spacy.MaxoutWindowEncoder.v2",
        "width": 96,
        "depth": 4,
        "window_size": 1,
        "maxout_pieces": 3,
    },
}
SHAPES: dict[str, Any] = {
    "@architectures": "spacy.MultiHashEmbed.v2",
    "width": 64,
    "attrs": ["SHAPE", "PREFIX", "SUFFIX"],
    "rows": [2500, 1000, 2500],
    "include_static_vectors": False,
}
LISTENER: dict[str, Any] = {
    "@architectures": "spacy-transformers.TransformerListener.v1",
    "grad_factor": 1.0,
    "upstream": "*",
    "pooling": {"@layers": "reduce_mean.v1"},
}
LENGTH = "training.optimizer.learn_rate"
TRANSFORMER = "components.transformer.model.transformer_config"
SPANS = "components.transformer.model.get_spans"
RATES = {"minilm": 5e-4, "minilm-tokens": 2e-4}


def beside(layer: dict[str, Any]) -> dict[str, Any]:
    """The tagger of minilm-tokens.cfg with another layer beside its listener."""
    both = {"@layers": "concatenate.v1", "*": {"words": layer, "transformer": LISTENER}}
    return {"components.tags.model.tok2vec": both}


def as_before(
    changes: dict[str, Any] | None = None, sections: dict[str, Any] | None = None, **others: Any
) -> Arm:
    """minilm-tokens as it was, with six layers and ten passes; and what an arm changes in that."""
    return {
        "config": "minilm-tokens",
        "set": {f"{LENGTH}.epochs": 10, f"{LENGTH}.least_steps": 160, **(changes or {})},
        "sections": {TRANSFORMER: {}, **(sections or {})},
        **others,
    }


ARMS: dict[str, Arm] = {
    "minilm, as init wrote it": {"config": "minilm", "formerly": True},
    "minilm-tokens, as init would have": {"config": "minilm-tokens", "formerly": True},
    "minilm": {"config": "minilm"},
    "minilm-tokens": {"config": "minilm-tokens"},
    "cnn": {"config": "cnn"},
    "cnn-tasks": {"config": "cnn-tasks"},
    "cnn-tasks, batches of 150 words": {
        "config": "cnn-tasks",
        "set": {"training.batcher.size": 150},
    },
    "spacy train, as init config writes it": {"pipeline": "ner"},
    "languages at temperature 3": {
        "config": "minilm-tokens",
        "set": {"training.batcher.temperature": 3.0},
    },
    "six layers": as_before(follow=True),
    # Each changes one thing in that.
    "five layers": as_before(sections={TRANSFORMER: {"num_hidden_layers": 5}}),
    "four layers": as_before(sections={TRANSFORMER: {"num_hidden_layers": 4}}),
    "half the passes": as_before({f"{LENGTH}.epochs": 5}),
    "twice the passes": as_before({f"{LENGTH}.epochs": 20}),
    "1.6 times the steps": as_before({f"{LENGTH}.epochs": 16, f"{LENGTH}.least_steps": 256}),
    "batches of 960": as_before({"training.batcher.size": 960}),
    "batches of 240": as_before({"training.batcher.size": 240, f"{LENGTH}.least_steps": 320}),
    "batches from 256 at a time": as_before({"training.batcher.buffer": 256}),
    "batches from 64 at a time": as_before({"training.batcher.buffer": 64}),
    "shapes beside": as_before(sections=beside(SHAPES)),
    "spaCy's network beside": as_before(sections=beside(NETWORK)),
    "windows of 256": as_before({f"{SPANS}.window": 256, f"{SPANS}.stride": 192}),
    "from a champion of half the documents": {"config": "minilm-tokens", "from": 2},
    "the same, half the passes": {
        "config": "minilm-tokens",
        "from": 2,
        "set": {f"{LENGTH}.epochs": 6, f"{LENGTH}.least_steps": 96},
    },
    **{name: as_before(tried=name) for name in TRIED},
}


def main() -> None:
    """Run every arm with every seed that has not run yet, and print them."""
    every_arm("bench.entities", __doc__, ARMS, measured, language="en", kept=KEPT)


def measured(folder: Path, language: str, arm: Arm, seed: int) -> Figures:
    """Learn and test; scores, steps and seconds."""
    tasks = json.dumps([{"name": "entities", "kind": "ner", "labels": labels_in(folder)}])
    given = splits(folder, arm.get("documents", 0))
    with TemporaryDirectory() as text, redirect_stdout(sys.stderr):
        work = Path(text)
        read(work, tasks, language, given)
        if "from" in arm:
            arm = {**arm, "champion": champion_of(work, tasks, language, given, arm, seed)}
        if arm.get("formerly"):
            words = sum(len(row["text"].split()) for row in given["train"] + given["dev"])
            arm = formerly(arm, words)
        watching = following(work / "mean") if "follow" in arm else nullcontext()
        with TRIED.get(arm.get("tried", ""), nullcontext)(), watching:
            started = time.process_time()
            learn = retrain if "config" in arm else stock
            model, steps, dev = learn(work, tasks, language, arm, seed)
            seconds = time.process_time() - started - Averaging.seconds
        [block] = evaluate(work, tasks, model).values()
        others = other_weights(work, tasks) if "follow" in arm else {}
        if arm.get("config") == "minilm-tokens":
            others |= readings(model, work / "test_corpus")
    return {
        "seconds": seconds,
        "steps": steps,
        "dev": dev,
        "labels": {name: one["f"] for name, one in block["labels"].items()},
        "slices": block["slices"],
        "words_per_second": block["words_per_second"],
        **{key: block["overall"][key] for key in "fpr"},
        **others,
    }


def champion_of(
    work: Path, tasks: str, language: str, given: dict[str, list[Row]], arm: Arm, seed: int
) -> Path:
    """A model of every so many-th document, to start from; its time does not count."""
    champion = work / "champion"
    champion.mkdir()
    read(champion, tasks, language, {**given, "train": given["train"][:: arm["from"]]})
    model, *_ = retrain(champion, tasks, language, {"config": arm["config"]}, seed)
    return model


def other_weights(work: Path, tasks: str) -> Figures:
    """The scores of the mean of the last weights, and of the last ones, whatever dev says."""
    scores = {}
    for name in ("mean", "last"):
        [block] = evaluate(work, tasks, work / name).values()
        scores[f"{name} f"] = block["overall"]["f"]
    return {**scores, "mean dev": Averaging.dev, "curve": Following.curve}


def read(work: Path, tasks: str, language: str, given: dict[str, list[Row]]) -> None:
    """Rows as corpora."""
    with redirect_stdout(StringIO()):
        ingest(work, tasks, given, language=language, max_moved=1, max_quarantined=1)
        convert(work, tasks, language)


def splits(folder: Path, documents: int = 0) -> dict[str, list[Row]]:
    """The rows of each split; `documents` of train and in proportion of the others, 0: all."""
    there = [split for split in SPLITS if (folder / f"{split}.jsonl").is_file()]
    given = {split: rows(folder, split) for split in there}
    if "dev" not in given:
        train = given["train"]
        given["dev"] = train[::8]
        given["train"] = [row for number, row in enumerate(train) if number % 8]
    if documents:
        most = {"train": documents, "dev": documents // 3, "test": 1_000}
        given = {split: evenly(each, most[split]) for split, each in given.items()}
    return given


def evenly(each: list[Row], most: int) -> list[Row]:
    """At most so many rows, at equal distances."""
    number = min(most, len(each))
    return [each[place * len(each) // number] for place in range(number)]


def formerly(arm: Arm, words: int) -> Arm:
    """An arm with the length that `retrain init` wrote before it followed from the corpus."""
    size = 400 if words < 20_000 else 2000
    steps = max(120, 10 * words // size)
    rate = {
        "@schedules": "warmup_linear.v1",
        "initial_rate": RATES[arm["config"]],
        "warmup_steps": steps // 8,
        "total_steps": steps,
    }
    changes = {
        "training.batcher.size": size,
        "training.max_steps": steps,
        "training.eval_frequency": steps // 10,
        "training.patience": steps // 3,
    }
    return {**arm, "sections": {TRANSFORMER: {}, LENGTH: rate}, "set": changes}


if __name__ == "__main__":
    main()
