"""The statuses in annotations, in whichever of four ways a tool writes them.

- Annotation Lab: a region whose label is a status, over that of the entity.
- Label Studio: Choices of a region (`perRegion="true"`).
- Prodigy: a key of the spans, which a custom recipe writes.
- A row of choices about the one span that it shows, as a second pass over entities.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from components.records.annotation import Annotation, RawChoice, RawSpan, values_of
from components.records.problems import Note, QuarantineError
from components.records.record import Answers, Span, composed
from components.records.tokens import Boundaries
from components.tasks.assertion.pairing import paired
from components.tasks.base import Check, Policy
from components.tasks.ner.annotations import Checker as SpanChecker

if TYPE_CHECKING:
    from components.tasks.assertion import Kind


class Checker:
    """Takes statuses out of annotations.

    Args:
        entities: takes out the entities that have them.
    """

    def __init__(self, task: Kind, policy: Policy, entities: Check | None) -> None:
        self.task = task
        self.policy = policy
        self.entities = entities
        self.of = {label for one in task.beside if one.name == task.of for label in one.labels}
        self.marks = SpanChecker(task.labels, policy)

    def check(
        self, annotation: Annotation, boundaries: Boundaries
    ) -> tuple[Answers | None, list[Note]]:
        """The statuses that an annotation says; None where it says nothing of any.

        Statuses stand at the places of the annotation's own entities. Where it has none, they are
        where they were marked: another pass has the entities; see `Task.fit`.

        Raises:
            QuarantineError: a status cannot be trusted, or an entity has two.
        """
        notes: list[Note] = []
        raw = [*self.regions(annotation), *self.of_regions(annotation), *self.by_key(annotation)]
        questions = self.questions(annotation, notes)
        marks = self.marks.repair_all(annotation, [*raw, *questions], boundaries, notes)
        if not annotation.about_spans:
            return (Answers(spans=marks, complete=False) if marks else None), notes
        entities = self.own_entities(annotation, boundaries)
        if not entities:
            # A pass that marks statuses alone says nothing of what it does not mark.
            if annotation.spans:
                return (Answers(spans=marks, complete=False) if marks else None), notes
            return (Answers() if self.task.default else None), notes
        said, unpaired = paired(marks, entities)
        notes += [unpaired_note(mark, annotation.text) for mark in unpaired]
        if not (said or self.task.default):
            return None, notes
        # Whoever saw the whole text has a vote on each entity; see `merge` for those left unmarked.
        return Answers(spans=said, complete=annotation.complete and not annotation.binary), notes

    def own_entities(self, annotation: Annotation, boundaries: Boundaries) -> list[Span]:
        """The entities of an annotation; what is wrong with them their own task says."""
        answers = self.entities(annotation, boundaries)[0] if self.entities else None
        return answers.spans if answers else []

    def regions(self, annotation: Annotation) -> Iterator[RawSpan]:
        """Regions whose own label is a status."""
        if annotation.about_spans:
            for _, span in accepted(annotation):
                if self.renamed(span.label) in self.task.labels:
                    yield span

    def of_regions(self, annotation: Annotation) -> Iterator[RawSpan]:
        """Entities of which Choices of their region say the status."""
        for place, span in self.of_entities(annotation):
            for choice in annotation.region_choices.get(place, ()):
                if choice.question == self.task.key or self.is_mine(choice):
                    yield from (replace(span, label=said) for said in choice.accepted)

    def by_key(self, annotation: Annotation) -> Iterator[RawSpan]:
        """Entities of which a key of their span says the status."""
        key = self.task.key
        if not annotation.about_spans or (key.isascii() and key.encode() not in annotation.raw):
            return
        values = values_of(annotation, key)
        for place, span in self.of_entities(annotation):
            value = values[place] if place < len(values) else None
            if value not in (None, ""):
                label = value if isinstance(value, str) else json.dumps(value)
                yield replace(span, label=label)

    def of_entities(self, annotation: Annotation) -> Iterator[tuple[int, RawSpan]]:
        """The spans of entities that are learnt, each with its place among all."""
        for place, span in accepted(annotation):
            if self.renamed(span.label) in self.of:
                yield place, span

    def questions(self, annotation: Annotation, notes: list[Note]) -> Iterator[RawSpan]:
        """The one span that a question about its status shows."""
        for choice in annotation.choices:
            if not self.is_mine(choice):
                continue
            if len(annotation.spans) != 1:
                raise QuarantineError(
                    "unclear_assertion",
                    f"{', '.join(choice.accepted) or 'a status'} of {len(annotation.spans)} spans",
                )
            if annotation.answer == "reject":
                notes.append(Note("rejected_choice", excerpt=annotation.text))
            elif len(choice.accepted) != 1:
                kind = "several_choices" if choice.accepted else "no_choice"
                said = ", ".join(choice.accepted) or "no choice"
                raise QuarantineError(kind, f"{said}: an entity has exactly one status")
            else:
                yield replace(annotation.spans[0], label=choice.accepted[0])

    def is_mine(self, choice: RawChoice) -> bool:
        """Whether statuses were asked for."""
        asked = {self.renamed(label) for label in [*(choice.options or ()), *choice.accepted]}
        return bool(asked & {*self.task.labels})

    def renamed(self, label: str | None) -> str:
        label = composed(label or "")
        return self.policy.select.rename.get(label, label)


def accepted(annotation: Annotation) -> Iterator[tuple[int, RawSpan]]:
    """The spans that an annotator did not reject, each with its place among all."""
    for place, span in enumerate(annotation.spans):
        if not annotation.binary or (span.answer or annotation.answer) == "accept":
            yield place, span


def unpaired_note(mark: Span, text: str) -> Note:
    """The note that a mark says the status of nothing."""
    detail = f"{mark.label} at {text[mark.start : mark.end]!r}"
    return Note("unpaired_assertion", detail, text, label=mark.label)
