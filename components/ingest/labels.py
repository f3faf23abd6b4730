"""What becomes of the spans and classes of each label between annotations and records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from components.ingest.settings import IngestSettings
from components.records.annotation import Annotation
from components.records.problems import Note, Problems
from components.records.record import Record, composed, label_of
from components.records.scripts import without_spaces

RETOKENISED = {"missing_tokens", "tokens_disagree"}


class LabelAccount:
    """Counts of spans and classes by label.

    Attributes:
        annotated: in annotations that passed all checks, before overlaps are settled.
        moved: onto the edges of tokens.
        dropped: for another span in the same place.
        refused: in annotations that are in quarantine.
        causes: label -> likely cause -> spans moved.
    """

    def __init__(self) -> None:
        self.annotated: Counter[str] = Counter()
        self.moved: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.causes: dict[str, Counter[str]] = {}

    def take(self, record: Record, notes: Sequence[Note]) -> None:
        """Count a record that passed, with the notes that were made of it."""
        for answers in record.answers.values():
            for item in answers.items:
                self.annotated[label_of(item)] += 1
        if not notes:
            return
        own = not RETOKENISED & {note.kind for note in notes}
        for note in notes:
            if note.kind == "misaligned_span":
                self.moved[note.label] += 1
                self.causes.setdefault(note.label, Counter())[cause(record.text, own=own)] += 1
            elif note.label:
                self.dropped[note.label] += 1
                self.annotated[note.label] += 1

    def refuse(self, annotation: Annotation, rename: Mapping[str, str]) -> None:
        """Count an annotation that is in quarantine."""
        labels = [composed(span.label or "") for span in annotation.spans]
        labels += [composed(one) for choice in annotation.choices for one in choice.accepted]
        self.refused.update(rename.get(label, label) for label in labels)

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
            "moved": self.moved[label],
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
