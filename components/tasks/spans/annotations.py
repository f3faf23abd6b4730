"""The spans in annotations, where they may overlap: as entities are read, with none left out."""

from __future__ import annotations

from collections.abc import Sequence

from components.records.problems import Note
from components.records.record import Answers, Span
from components.records.tokens import Boundaries
from components.tasks.ner.annotations import Checker as EntityChecker
from components.tasks.ner.annotations import gathered, onto_tokens, voted


class Checker(EntityChecker):
    """Takes spans out of annotations."""

    def without_overlaps(self, spans: list[Span], text: str, notes: list[Note]) -> list[Span]:
        """All of them: two labels in one place, or one span inside another, are two answers."""
        return spans


def merge(text: str, tokens: Boundaries, answers: Sequence[Answers], newest: int) -> Answers:
    """Keep the spans that more than half of the annotators marked; the newest decides a tie."""
    latest = answers[newest]
    latest.spans = onto_tokens(voted(answers, newest), text, tokens)
    return latest


def merge_partial(text: str, tokens: Boundaries, answers: Sequence[Answers]) -> tuple[Answers, int]:
    """Gather accepted and rejected spans, the oldest answer first; a newer answer replaces."""
    right, wrong, contradicted = gathered(answers)
    merged = answers[-1]
    merged.spans = onto_tokens(right, text, tokens)
    merged.rejected = onto_tokens(wrong, text, tokens)
    return merged, contradicted
