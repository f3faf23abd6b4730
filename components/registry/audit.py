"""Which texts a teacher's answers are audited on, kept beside the student that learnt from it.

They were drawn at random from what the teacher was certain of, and went to review among others.
Nothing in the file for review marks them: they are known again by their text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from components.errors import DataError
from components.files import writing
from components.records.keys import key_of, normalised
from components.records.record import Answers, read_records
from components.scoring.intervals import wilson

VERSION = 1


class Audited(msgspec.Struct, omit_defaults=True):
    """A text of the audit.

    Attributes:
        key: of the text, see `components.records.keys`; 16 hex digits.
        teacher: the model that answered it, and its version.
        answers: task -> what it said.
    """

    key: str
    teacher: str
    answers: dict[str, Answers]


class Stored(msgspec.Struct):
    """The file."""

    version: int
    texts: list[Audited]


def read(content: bytes, called: str) -> list[Audited]:
    """Read what `write` wrote.

    Args:
        called: the file, for the message.

    Raises:
        DataError: it is something else.
    """
    try:
        stored = msgspec.json.decode(content, type=Stored)
    except msgspec.DecodeError as error:
        raise DataError(f"{called}: cannot be read as the audit of a teacher: {error}.") from error
    if stored.version != VERSION:
        raise DataError(f"{called}: version {stored.version} of the audit is not known here")
    return stored.texts


def write(path: Path, texts: Iterable[Audited]) -> None:
    """Write it as JSON, sorted by key."""
    stored = Stored(VERSION, sorted(texts, key=lambda one: one.key))
    with writing(path) as temporary:
        temporary.write_bytes(msgspec.json.encode(stored) + b"\n")


def together(earlier: Iterable[Audited], now: Iterable[Audited]) -> list[Audited]:
    """All audited texts; one that is there again counts as the teacher answered it last."""
    return [*{one.key: one for one in (*earlier, *now)}.values()]


def measured(
    texts: Sequence[Audited], annotations: Path, places: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """How often annotators said what the teacher had said, task by task.

    Args:
        annotations: records of everything that is annotated now.
        places: name of each task -> where its answers are in a Doc.

    Returns:
        for each task `texts` that were reviewed, those that are `right` in everything, `precision`
        and its 95 % `interval` (Wilson's), None without one; and how many are `waiting`.
    """
    asked = {one.key: one for one in texts}
    counts = {name: [0, 0] for name in places}
    for record in read_records(annotations):
        one = asked.get(f"{key_of(normalised(record.text), b'text'):016x}")
        for name in counts if one else ():
            said, gold = one.answers.get(name), record.answers.get(name)  # type: ignore[union-attr]
            right = agrees(said, gold, places[name]) if said and gold else None
            if right is not None:
                counts[name][0] += 1
                counts[name][1] += right
    return {
        name: {
            "texts": reviewed,
            "right": right,
            "precision": right / reviewed if reviewed else None,
            "interval": wilson(right, reviewed) if reviewed else None,
            "waiting": sum(name in one.answers for one in texts) - reviewed,
        }
        for name, (reviewed, right) in counts.items()
    }


def agrees(said: Answers, gold: Answers, place: str) -> bool | None:
    """Whether annotators confirmed all that was said of a text; None where they do not say."""
    if place == "cats":
        both = [label for label in said.cats if label in gold.cats]
        return all(said.cats[one] == gold.cats[one] for one in both) if both else None
    if not gold.complete:
        return None
    known = [names for names in (said.known, gold.known) if names is not None]

    def spans(answers: Answers) -> set[Any]:
        return {one for one in answers.spans if all(one.label in names for names in known)}

    return spans(said) == spans(gold)
