"""Which texts of a pool may be labelled: none that is annotated, or is nearly one that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from components.queue.known import Known
from components.records.keys import group_of, normalised
from components.records.texts import Text
from components.similarity.connected import connected
from components.similarity.pairs import near_known, similar

NEAR = 0.8  # Jaccard similarity of a near duplicate, as docs/splitting.md recommends it
NEAR_TEST = 0.5  # of a test text less is too much: what is learnt must say nothing of it


@dataclass(frozen=True)
class Candidates:
    """The texts that are left, and why how many others are not.

    Attributes:
        left_out: reason -> texts.
    """

    texts: list[Text]
    left_out: dict[str, int]


def candidates(pool: Sequence[Text], known: Known) -> Candidates:
    """Leave out of a pool what is annotated, near to that, near to another text, or blank."""
    plain = [normalised(one.text) for one in pool]
    annotated = {*known.texts}
    reasons = ["" for _ in pool]

    def leave(at: int, why: str) -> None:
        reasons[at] = reasons[at] or why

    for at, text in enumerate(plain):
        if not text:
            leave(at, "blank")
        elif text in annotated:
            leave(at, "annotated")
        elif known.groups and group_of(pool[at].meta, known.group_by) in known.groups:
            leave(at, f"same {known.group_by} as a text of dev or test")
    for known_texts, threshold, why in (
        (known.test, NEAR_TEST, "near the test set"),
        (known.texts, NEAR, "near an annotated text"),
    ):
        rest = [at for at, reason in enumerate(reasons) if not reason]
        if known_texts and rest:
            near = near_known(known_texts, [plain[at] for at in rest], threshold)
            for at in np.array(rest)[near].tolist():
                leave(at, why)
    rest = [at for at, reason in enumerate(reasons) if not reason]
    if rest:
        edges = similar(lambda n: plain[rest[n]], len(rest), NEAR)
        groups = connected(len(rest), *edges)
        firsts = {*np.unique(groups, return_index=True)[1].tolist()}
        for n, at in enumerate(rest):
            if n not in firsts:
                leave(at, "near another text of the pool")
    return Candidates(
        [one for one, reason in zip(pool, reasons, strict=True) if not reason],
        dict(Counter(reason for reason in reasons if reason).most_common()),
    )
