"""Documents as a team's export has them: pages of several, boilerplate, copies, rare labels."""

from __future__ import annotations

import random

from components.records.record import Record, Span
from tests.support.records import ner_record

LABELS = [f"LABEL_{number:02}" for number in range(12)]
WORDS = [
    "apply", "online", "before", "the", "deadline", "you", "must", "send", "your", "form", "to",
    "office", "council", "tax", "credit", "pay", "a", "fee", "of", "pounds", "each", "year",
    "claim", "visa", "passport", "licence", "driver", "school", "benefit", "pension", "letter",
]  # fmt: skip
BOILERPLATE = "Is this page useful? Maybe Yes No Report a problem with this page"


def documents(count: int, seed: int = 0, pages: int = 0) -> list[Record]:
    """Make documents; one in ten is a copy, one in ten an edited copy of an earlier one."""
    rng = random.Random(seed)
    texts: list[str] = []
    records = []
    for number in range(count):
        words = rng.choices(WORDS, k=rng.randint(8, 30))
        if texts and number % 10 == 0:
            words = rng.choice(texts).upper().split()
        elif texts and number % 10 == 1:
            words = rng.choice(texts).split()
            words[rng.randrange(len(words))] = rng.choice(WORDS)
        elif number % 50 == 2:
            words = BOILERPLATE.split()
        texts.append(" ".join(words))
        meta = {"base_path": f"/page/{rng.randrange(pages)}"} if pages else {}
        records.append(document(texts[-1], some_labels(rng), meta, number=number))
    return records


def some_labels(rng: random.Random) -> list[str]:
    """Labels with a long tail: each is two thirds as frequent as the one before."""
    weights = [(2 / 3) ** rank for rank in range(len(LABELS))]
    return rng.choices(LABELS, weights, k=rng.randint(0, 4))


def document(
    text: str,
    labels: list[str],
    meta: dict[str, str] | None = None,
    split: str = "",
    number: int = 0,
) -> Record:
    """A record with one span per label."""
    spans = [Span(at, at + 1, label) for at, label in enumerate(labels)]
    return ner_record(
        id=f"{number:08}",
        text=text,
        spans=spans,
        meta=meta or {},
        source=f"x:{number}",
        split=split,
    )
