"""What becomes of the spans and classes of each label between annotations and records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from components.ingest.settings import IngestSettings
from components.records.problems import Note, Problems
from components.records.record import Record, composed
from components.records.scripts import without_spaces

WAYS = ("expanded", "contracted")  # to whole tokens
EXAMPLES = 2  # kept of each label
RETOKENISED = {"missing_tokens", "tokens_disagree"}


class LabelAccount:
    """Counts of spans and classes by label.

    Attributes:
        annotated: in annotations that passed all checks, before overlaps are settled.
        moved: onto the edges of tokens.
        dropped: for another span in the same place.
        refused: in annotations that are in quarantine.
        causes: label -> likely cause -> spans moved.
        examples: label -> position and what became of each of the first spans moved.
    """

    def __init__(self, misaligned: str) -> None:
        self.way = f"{misaligned}ed"  # what is done to spans that are moved
        self.annotated: Counter[str] = Counter()
        self.moved: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.causes: dict[str, Counter[str]] = {}
        self.examples: dict[str, list[dict[str, str]]] = {}

    def take(self, record: Record, notes: Sequence[Note]) -> None:
        """Count a record that passed, with the notes that were made of it."""
        for answers in record.answers.values():
            for span in answers.spans:
                self.annotated[span.label] += 1
            if answers.cats:
                self.annotated.update(name for name, there in answers.cats.items() if there)
        if not notes:
            return
        own = not RETOKENISED & {note.kind for note in notes}
        for note in notes:
            if note.kind == "misaligned_span":
                self.moved[note.label] += 1
                self.causes.setdefault(note.label, Counter())[cause(record.text, own=own)] += 1
                examples = self.examples.setdefault(note.label, [])
                if len(examples) < EXAMPLES:
                    examples.append({"position": record.source, "detail": note.detail})
            elif note.label:
                self.dropped[note.label] += 1
                self.annotated[note.label] += 1

    def refuse(self, labels: Iterable[str], rename: Mapping[str, str]) -> None:
        """Count what is said in a record that is in quarantine, by their labels."""
        self.refused.update(rename.get(label, label) for label in map(composed, labels))

    def check(
        self, labels: Iterable[str], kept: Mapping[str, int], settings: IngestSettings, to: Problems
    ) -> None:
        """Stop where too many spans of a label were moved, or none is left."""
        for label in labels:
            annotated, moved = self.annotated[label], self.moved[label]
            if moved > settings.max_moved * annotated:
                ((why, _),) = self.causes[label].most_common(1)
                detail = f"{moved} of {annotated} spans ({moved / annotated:.1%}): {why}"
                to.add(label, Note("moved_spans", detail))
            annotated_before = annotated + self.refused[label]
            if annotated_before and not kept.get(label):
                what = ", ".join(f"{n} {name}" for name, n in self.row(label).items() if n)
                to.add(label, Note("lost_label", what))

    def row(self, label: str) -> dict[str, int]:
        """The counts of a label."""
        return {
            "annotated": self.annotated[label] + self.refused[label],
            **{way: self.moved[label] if way == self.way else 0 for way in WAYS},
            "dropped": self.dropped[label],
            "refused": self.refused[label],
        }


def cause(text: str, *, own: bool) -> str:
    """Why a span most likely did not end where tokens do."""
    if own:
        return "the records' own tokens are not those that the spans were marked on"
    if without_spaces(text):
        return "the texts have no spaces between words: set `language` to theirs"
    return "the tokeniser of `language` splits elsewhere, or the offsets count something else"
