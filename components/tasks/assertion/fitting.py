"""The statuses of a document, fitted to the entities that all its annotations together have."""

from __future__ import annotations

from components.records.problems import Note, QuarantineError
from components.records.record import Answers, Record, Span
from components.tasks.assertion.annotations import unpaired_note
from components.tasks.assertion.pairing import paired


def fit(record: Record, name: str, of: str, default: str) -> list[Note]:
    """Move statuses onto the document's entities, and give the others the default.

    Without the entities' own annotation statuses stay where they are: whoever was shown a span and
    asked for its status has said it, whether or not others annotated the text. Where entities are
    known in part only, one that nobody marked may yet be one.

    Args:
        name, of: of the task of statuses, and of that of entities.

    Returns:
        what to say of marks that lie on no entity, and of the defaults.
    """
    mine, entities = record.answers.get(name), record.answers.get(of)
    if mine is None or entities is None:
        return []
    try:
        said, alone = paired(mine.spans, entities.spans)
    except QuarantineError as problem:  # two passes contradict each other
        del record.answers[name]
        return [Note("conflicting_annotations", problem.detail, record.text)]
    notes = []
    if entities.complete:
        notes = [unpaired_note(mark, record.text) for mark in alone]
    else:
        said = sorted([*said, *alone])
    unmarked = left(entities, said)
    if default and mine.complete and mine.known is None and unmarked:
        said = sorted([*said, *(Span(one.start, one.end, default) for one in unmarked)])
        notes.append(Note("default_status", default, record.text, count=len(unmarked)))
        unmarked = []
    mine.spans, mine.complete = said, entities.complete and not unmarked
    if not said and not mine.complete:
        del record.answers[name]
    return notes


def left(entities: Answers, said: list[Span]) -> list[Span]:
    """The entities without a status."""
    places = {(span.start, span.end) for span in said}
    return [one for one in entities.spans if (one.start, one.end) not in places]
