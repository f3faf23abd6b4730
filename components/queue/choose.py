"""The choice: what a model doubts, spread over what it knows; rare labels; and chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.queue.doubt import Doubts, Floats

RANDOM = 0.1  # of the queue: drawn from all candidates alike
QUOTAS = 0.2  # of the queue at most: for labels that lack examples
WIDE = 20  # times as many of the most doubtful texts as are chosen among
LIKELY = 0.1  # probability of a label that is worth a place
ROUNDS = 30  # of k-means, which hardly moves after that

# Places of texts -> their embeddings.
Embed = Callable[[Sequence[int]], Floats]


@dataclass(frozen=True)
class Choice:
    """A text of the queue.

    Attributes:
        place: among the candidates.
        why: "doubt", "random", or "label NAME".
    """

    place: int
    why: str


def choose(
    doubts: Doubts, count: int, number: int, lacking: Mapping[str, int], embed: Embed, seed: int
) -> list[Choice]:
    """Choose texts, those that are random scattered among the others, the most doubtful first.

    Args:
        count: of candidates.
        number: of texts to choose.
        lacking: label -> texts that have it, for labels that lack examples, the fewest first.
    """
    rng = np.random.default_rng(seed)
    number = min(number, count)
    weight = doubts.weight
    chance = number if weight is None else min(number, max(1, round(RANDOM * number)))
    drawn = rng.choice(count, chance, replace=False).tolist()
    taken = {*drawn}
    chosen = [
        Choice(place, f"label {label}")
        for place, label in of_labels(doubts, number, lacking, taken)
    ]
    taken |= {one.place for one in chosen}
    if weight is not None:
        rest = number - len(taken)
        chosen += [Choice(place, "doubt") for place in diverse(weight, rest, taken, embed, seed)]
        chosen.sort(key=lambda one: -weight[one.place])
    for place in drawn:
        chosen.insert(int(rng.integers(len(chosen) + 1)), Choice(place, "random"))
    return chosen


def of_labels(
    doubts: Doubts, number: int, lacking: Mapping[str, int], taken: set[int]
) -> list[tuple[int, str]]:
    """Texts in which labels that lack examples are likeliest, a share for each label."""
    share = int(QUOTAS * number) // max(1, len(lacking))
    found: list[tuple[int, str]] = []
    gone = {*taken}
    for label in lacking:
        chances = doubts.presence.get(label, np.zeros(0))
        order = np.argsort(-chances, kind="stable").tolist()
        likely = [at for at in order if chances[at] >= LIKELY and at not in gone][:share]
        gone |= {*likely}
        found += [(at, label) for at in likely]
    return found


def diverse(weight: Floats, number: int, taken: set[int], embed: Embed, seed: int) -> list[int]:
    """Doubtful texts, spread over what the model makes of texts.

    Clusters of doubtful texts draw more centres than those of texts that the model is sure of: of
    each cluster the text at its centre stands for those around it (Zhdanov 2019). The most doubtful
    text of each would be its oddest one.
    """
    order = [at for at in np.argsort(-weight, kind="stable").tolist() if at not in taken]
    wide = order[: WIDE * number]
    if len(wide) <= number or not weight[wide].any():
        return wide[:number]
    made = embed(wide)
    if not made.size:
        return wide[:number]
    return [wide[at] for at in centres(made, weight[wide], number, seed)]


def centres(made: Floats, weight: Floats, number: int, seed: int) -> list[int]:
    """The rows that are nearest to the centres of so many clusters, each row once."""
    from sklearn.cluster import KMeans

    found = KMeans(number, n_init=1, max_iter=ROUNDS, random_state=seed)
    distances = found.fit(made, sample_weight=weight).transform(made)
    chosen: list[int] = []
    for cluster in range(number):
        at = int(distances[:, cluster].argmin())
        chosen.append(at)
        distances[at] = np.inf
    return chosen
