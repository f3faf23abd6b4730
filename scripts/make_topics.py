"""Write the samples of classes: invented letters to a council, with topic, urgency and places.

    python scripts/make_topics.py [FOLDER]      # FOLDER defaults to configs/sample

The same script always writes the same bytes. It is easy on purpose, and its scores say nothing.
topics.jsonl is an export of Prodigy's `choice` with one answer a text, urgency.jsonl one of yes or
no; like real ones they hold rejected, ignored and unanswered rows. places.jsonl is one of
`ner.manual`, for two letters of three: addresses, and words that say when. tenses.jsonl is one of
`choice` that asks of one such place at a time whether it is of now, with rows for those that are
not. parts.jsonl is one of `spans.manual`, for every other letter: what is complained of, and the
things in it. letters.txt holds more letters, which nobody has annotated, for a teacher to answer.
"""

from __future__ import annotations

import json
import random
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]

LETTERS = 420
UNREAD = 300
FIRST_TIMESTAMP = 1_700_000_000
ANNOTATORS = ("guidance-asha", "guidance-ben")
TOPICS = {
    "TAX": (
        "my council tax bill is higher than last year",
        "I have been charged twice for the same band",
        "the discount for living alone is missing from my account",
        "I would like to pay in twelve instalments",
        "the direct debit was taken on the wrong day",
    ),
    "HOUSING": (
        "the boiler in my flat has stopped working",
        "there is damp on the bedroom wall",
        "I am waiting for an answer about the larger house",
        "the landlord has raised the rent again",
        "my tenancy ends and I have nowhere to go",
    ),
    "WASTE": (
        "the recycling was not collected from our street",
        "somebody left a mattress behind the garages",
        "our bin has lost its lid",
        "the garden waste sacks have not arrived",
        "the glass bank by the station is full",
    ),
    "PLANNING": (
        "the neighbours want to build over the boundary",
        "I need to know whether a loft window needs consent",
        "the notice on the lamp post gives no closing date",
        "the plans for the old mill cannot be opened on your site",
        "the extension next door is taller than what was approved",
    ),
}
URGENT = (
    "There are small children in the house and it cannot wait",
    "Somebody will get hurt if nothing is done today",
    "I have to answer the court by tomorrow morning",
    "The water is coming through the ceiling as I write",
    "Please ring me at once, whatever the hour",
)
CALM = (
    "There is no hurry",
    "A reply by letter would be fine",
    "I only wanted to let you know",
    "Whenever somebody has the time",
    "Thank you for your work",
)
OPENINGS = ("I am writing because", "I wanted to say that", "Could you help:", "Once more,", "As")
STREETS = ("Mill Lane", "Station Road", "Church Street", "The Green", "Park Avenue")
PLACES = {
    "ADDRESS": rf"\d+ (?:{'|'.join(STREETS)})",
    "WHEN": r"last year|today|tomorrow morning|at once|as I write",
}
HOMES = {"NOW": "I live at", "PAST": "I have left", "FUTURE": "I shall move to"}
TENSES = {"last year": "PAST", "tomorrow morning": "FUTURE"}  # of other words that say when: now
COMPLAINT = re.compile(rf"(?:{'|'.join(OPENINGS)}) (.*?)\. ")
THING = re.compile(r"\b(?:my|our|the) \w+")


def main() -> None:
    """Write the files."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "configs/sample")
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(20261129)  # noqa: S311 - a demonstration
    letters = [letter(rng) for _ in range(LETTERS)]
    write(folder / "topics.jsonl", [topic_row(rng, n, *one) for n, one in enumerate(letters)])
    write(folder / "urgency.jsonl", [urgency_row(rng, n, *one) for n, one in enumerate(letters)])
    places = [place_row(n, text) for n, (text, *_) in enumerate(letters) if n % 3]
    write(folder / "places.jsonl", places)
    tenses = [
        {**start(n, text), **asked}
        for n, (text, *_) in enumerate(letters)
        if n % 3
        for asked in tense_rows(text)
    ]
    write(folder / "tenses.jsonl", tenses)
    parts = [part_row(n, text) for n, (text, *_) in enumerate(letters) if n % 2]
    write(folder / "parts.jsonl", parts)
    unread = "".join(f"{letter(rng)[0]}\n" for _ in range(UNREAD))
    (folder / "letters.txt").write_text(unread, encoding="utf-8")


def letter(rng: random.Random) -> tuple[str, str, bool]:
    """A text with its topic and whether it is urgent."""
    topic = rng.choices([*TOPICS], (4, 3, 2, 2))[0]
    urgent = rng.random() < 0.3
    tail = rng.choice(URGENT if urgent else CALM)
    street = f"{rng.randint(1, 99)} {rng.choice(STREETS)}"
    complaint = rng.choice(TOPICS[topic])
    opening, home = rng.choice(OPENINGS), rng.choice([*HOMES.values()])
    return f"{opening} {complaint}. {tail}. {home} {street}.", topic, urgent


def topic_row(rng: random.Random, number: int, text: str, topic: str, _urgent: bool) -> Json:
    """A row of `choice`: most accepted, some rejected with a wrong topic, some without a choice."""
    answer = rng.choices(("accept", "reject", "ignore"), (93, 5, 2))[0]
    wrong = rng.choice([label for label in TOPICS if label != topic])
    chosen = [wrong if answer == "reject" else topic]
    return {
        **start(number, text),
        "options": [{"id": label, "text": label.title()} for label in TOPICS],
        "config": {"choice_style": "single"},
        "_view_id": "choice",
        "accept": [] if rng.random() < 0.01 else chosen,
        "answer": answer,
    }


def urgency_row(rng: random.Random, number: int, text: str, _topic: str, urgent: bool) -> Json:
    """A yes-or-no row about one label."""
    answer = "accept" if urgent else "reject"
    if rng.random() < 0.02:
        answer = "ignore"
    return {
        **start(number, text),
        "label": "URGENT",
        "_view_id": "classification",
        "answer": answer,
    }


def place_row(number: int, text: str) -> Json:
    """A row of `ner.manual`."""
    row = {"spans": places_in(text), "_view_id": "ner_manual", "answer": "accept"}
    return {**start(number, text), **row}


def places_in(text: str) -> list[Json]:
    """Addresses and words that say when, in the order of the text."""
    found = sorted(
        (one.start(), one.end(), label)
        for label, pattern in PLACES.items()
        for one in re.finditer(pattern, text)
    )
    return [{"start": start, "end": end, "label": label} for start, end, label in found]


def tense_rows(text: str) -> Iterator[Json]:
    """What a row of `choice` says of each place that is not of now."""
    for span in places_in(text):
        words = text[span["start"] : span["end"]]
        homes = [name for name, home in HOMES.items() if f"{home} {words}" in text]
        tense = TENSES.get(words, homes[0] if homes else "NOW")
        if tense != "NOW":
            yield {
                "spans": [span],
                "options": [{"id": label, "text": label.title()} for label in HOMES],
                "config": {"choice_style": "single"},
                "_view_id": "choice",
                "accept": [tense],
                "answer": "accept",
            }


def part_row(number: int, text: str) -> Json:
    """A row of `spans.manual`: things lie inside what is complained of."""
    complaint = COMPLAINT.match(text)
    assert complaint
    first, end = complaint.span(1)
    spans = [{"start": first, "end": end, "label": "COMPLAINT"}]
    for thing in THING.finditer(text, first, end):
        spans.append({"start": thing.start(), "end": thing.end(), "label": "THING"})
    return {**start(number, text), "spans": spans, "_view_id": "spans_manual", "answer": "accept"}


def start(number: int, text: str) -> Json:
    """What every row begins with."""
    return {
        "text": text,
        "meta": {"letter": number // 2},
        "_input_hash": zlib.crc32(text.encode()) - 2**31,
        "_annotator_id": ANNOTATORS[number % len(ANNOTATORS)],
        "_timestamp": FIRST_TIMESTAMP + 60 * number,
    }


def write(path: Path, rows: list[Json]) -> None:
    """Write rows as JSON Lines."""
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
