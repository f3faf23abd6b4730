"""Evaluation beside `spacy evaluate`: words per processor second, and whether all scores are equal.

    python -m bench.train.evaluation

Two pipelines, one of each head, trained for 60 steps, on the training documents of the training
benchmarks (their order mixes lengths). *In training* is what the loop does with dev, *stage* is the
evaluate stage, which also notes each document's mistakes and how sure the pipeline is of them.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.run import alone, timed
from bench.train.__main__ import KEPT, corpora
from bench.train.arms import ARMS, by_retrain, config_of
from bench.train.clock import Clock

STEPS = 60
HEADS = ("retrain, minilm-fast", "retrain, minilm-tokens")


def main() -> None:
    """Train what is to be evaluated, then evaluate it in each way, in a process of its own."""
    if sys.argv[1:2] == ["--one"]:
        way, model = sys.argv[2:]
        print(json.dumps({"train": train, **WAYS}[way](KEPT / "models" / model)))
        return
    os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    corpora()
    for head in HEADS:
        model = head.split()[-1]
        alone("bench.train.evaluation", "train", model)
        measurements = {way: alone("bench.train.evaluation", way, model) for way in WAYS}
        first = measurements["spacy evaluate"]
        for way, figures in measurements.items():
            equal = "equal scores" if figures["scores"] == first["scores"] else "OTHER SCORES"
            times = figures["speed"] / first["speed"]
            print(
                f"{model:16}{way:16}{figures['speed']:8,.0f} words/s{times:6.2f} times"
                f"{figures['peak']:8,.0f} MiB  {equal}",
                flush=True,
            )


def train(model: Path) -> dict[str, Any]:
    """Train a pipeline unless it is there; there is nothing to say of it."""
    from spacy.util import registry

    if not model.is_dir():
        clock = Clock()
        registry.loggers.register("bench.clock.v1", func=clock.logger)
        arm = next(ARMS[head] for head in HEADS if head.endswith(model.name))
        with TemporaryDirectory() as out:
            by_retrain(config_of(arm, 0, {"training.max_steps": STEPS}), KEPT, Path(out), clock)
            model.parent.mkdir(exist_ok=True)
            (Path(out) / "model").rename(model)
    return {}


def spacys(model: Path) -> dict[str, Any]:
    """What `spacy evaluate` does with a pipeline and a corpus."""
    import spacy
    from spacy.training import Corpus

    nlp = spacy.load(model)
    return measured(nlp, lambda: nlp.evaluate(shuffled(Corpus(KEPT / "train"), nlp)))


def in_training(model: Path) -> dict[str, Any]:
    """What our loop does, with all that comes before its first evaluation."""
    import spacy
    from spacy.training import Corpus

    from components.memory import keep_freed_memory
    from components.train.encodings import Encodings
    from components.train.evaluation import Evaluation

    keep_freed_memory()
    nlp = spacy.load(model)

    def evaluate() -> dict[str, Any]:
        examples = shuffled(Corpus(KEPT / "train"), nlp)
        encodings = Encodings(nlp)
        encodings.add(examples)
        with encodings.used():
            return Evaluation(nlp, examples).evaluate(None)

    return measured(nlp, evaluate)


def stage(model: Path) -> dict[str, Any]:
    """What the evaluate stage does, without its report."""
    import spacy

    from components.evaluate.run import run
    from components.memory import keep_freed_memory
    from components.tasks import task_of
    from components.tasks.base import TaskSettings

    keep_freed_memory()
    nlp = spacy.load(model)
    labels = tuple(json.loads((KEPT / "labels.json").read_text(encoding="utf-8")))
    task = task_of(TaskSettings(name="ner", labels=labels))

    def evaluate() -> dict[str, Any]:
        official = run(nlp, KEPT / "train", [task], batch_size=128).official["ner"]
        assert official
        return official

    return measured(nlp, evaluate)


WAYS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "spacy evaluate": spacys,
    "in training": in_training,
    "stage": stage,
}


def shuffled(corpus: Any, nlp: Any) -> list[Any]:
    """A corpus in an order that mixes short and long."""
    examples = list(corpus(nlp))
    random.Random(0).shuffle(examples)  # noqa: S311
    return examples


def measured(nlp: Any, evaluate: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Words per second, scores and peak memory of an evaluation that has been warmed up."""
    from spacy.training import Corpus

    words = sum(len(example.reference) for example in Corpus(KEPT / "train")(nlp))
    list(nlp.pipe(["Warm up."] * 8))
    scores, figures = timed(evaluate)
    kept = {key: scores[key] for key in ("ents_p", "ents_r", "ents_f", "ents_per_type")}
    return {"speed": words / figures["seconds"], "scores": kept, "peak": figures["peak"]}


if __name__ == "__main__":
    main()
