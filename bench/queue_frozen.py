"""How many labels `retrain queue` saves, with a model that costs nothing to train.

    python -m bench.queue_frozen DATA [--seeds 5] [--pool 1500] [--rounds 8]

DATA is a name of KINDS. As bench.queue, with a logistic regression on what an untuned MiniLM makes
of texts (`bench.frozen`): seconds instead of an hour, so that a selection can be tried on five
seeds. It says what the choice is worth once a model tells texts apart; a network from scratch may
not.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from typing import Any

import numpy as np

from bench.frozen import Classes, Entities, Statuses, Texts
from bench.queue import DATASETS, lead, splits
from components.queue.choose import choose
from components.queue.making import FEW

ORDERS = ("random", "queue")
HELD = (300, 1000)  # texts of dev and test
KINDS: dict[str, type[Classes | Entities | Statuses]] = {
    "healthsea": Classes,
    "banking77": Classes,
    "wnut17": Entities,
    "re3d": Entities,
    "context": Statuses,
}


def main() -> None:
    """Run every seed, and say how many labels each order needed."""
    parser = argparse.ArgumentParser(prog="bench.queue_frozen")
    parser.add_argument("data", choices=[*KINDS])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--pool", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=8)
    args = parser.parse_args()
    needed: dict[str, list[float]] = {order: [] for order in ORDERS}
    ahead, ratios = [], []
    every: dict[str, list[list[float]]] = {order: [] for order in ORDERS}
    data, kind = DATASETS[args.data], KINDS[args.data]
    test = kind(splits(data, args.pool, 0, HELD)[2])
    for seed in range(args.seeds):
        texts = kind(splits(data, args.pool, seed, HELD)[0])
        curves, ratio = {}, 0.0
        for order in ORDERS:
            curves[order], ratio = simulate(texts, test, order, seed, args.rounds)
            every[order].append(curves[order])
        goal = curves["random"][-1]
        for order, curve in curves.items():
            enough = [n for n, f in enumerate(curve, start=1) if f >= goal]
            needed[order].append(min(enough, default=math.inf) * (len(texts.embeddings) // 10))
        ahead.append(lead(curves["random"], curves["queue"]))
        ratios.append(ratio)
    for order, each in needed.items():
        shown = "  ".join(f"{f:.3f}" for f in np.mean(every[order], axis=0))
        print(f"{args.data} {order:7} needs {each}, median {statistics.median(each):g}: {shown}")
    print(f"F ahead, mean of the rounds: {[round(one, 3) for one in ahead]}")
    print(f"errors in what was chosen, times those of random: {[round(one, 2) for one in ratios]}")


def simulate(
    texts: Texts, test: Texts, order: str, seed: int, rounds: int
) -> tuple[list[float], float]:
    """Label the texts round by round.

    Returns:
        F on test in each round; and how many times as many of the chosen texts the model is wrong
        about as of all the rest, over the rounds.
    """
    size = len(texts.embeddings)
    shuffled = random.Random(seed).sample(range(size), size)  # noqa: S311
    step = size // 10
    labelled, rest = shuffled[:step], shuffled[step:]
    scores, ratios = [], []
    for number in range(rounds):
        model = texts.fit(labelled)
        scores.append(test.score(model))
        if number == rounds - 1:
            break
        taken = [*range(step)]
        if order == "queue":
            taken, wrong = chosen(texts, model, labelled, rest, step, seed)
            ratios.append(float(wrong[taken].mean() / (wrong.mean() or 1)))
        labelled = [*labelled, *(rest[place] for place in taken)]
        gone = {*taken}
        rest = [one for place, one in enumerate(rest) if place not in gone]
    return scores, statistics.mean(ratios or [1.0])


def chosen(
    texts: Texts, model: Any, labelled: list[int], rest: list[int], number: int, seed: int
) -> tuple[list[int], Any]:
    """What `retrain queue` takes of the rest, and of which of these the model is wrong."""
    reading = texts.read(model, rest)
    counts = texts.labels(labelled)
    lacking = {
        label: counts[label] for label in sorted(sorted(counts), key=lambda one: counts[one])
    }
    lacking = {label: count for label, count in lacking.items() if count < FEW}
    made = texts.embeddings
    choices = choose(
        reading.doubts,
        len(rest),
        number,
        lacking,
        lambda places: made[[rest[place] for place in places]],
        seed,
    )
    return [one.place for one in choices], reading.wrong


if __name__ == "__main__":
    main()
