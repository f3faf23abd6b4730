"""Named entities: spans that do not overlap, in `doc.ents`.

spaCy is imported late, so that a command line that only checks a label answers at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from components.records.record import Answers, Item, Span, composed, spans_in
from components.tasks.base import Check, Policy, Scores, Task
from components.tasks.listener import Shared

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc
    from spacy.training import Example

    from components.records.prediction import Disagreement, Prediction
    from components.records.tokens import Boundaries


class Kind(Task):
    """Finds entities."""

    title = "named entity recognition"
    unit = "entities"
    exact = "exact matches of label and both ends"
    place = "ents"

    @staticmethod
    def checked_label(label: str) -> str:
        if not label.strip() or label in ("-", "O"):
            raise ValueError(f"{label!r} can't be a label: spaCy reads it as 'no entity'")
        if re.match(r"[BILUO]-", label):
            raise ValueError(f"{label!r} is a BILUO tag: write the label alone, {label[2:]!r}")
        return composed(label)

    def checker(self, policy: Policy) -> Check:
        from components.tasks.ner.annotations import Checker

        return Checker(self.labels, policy, self.labels_elsewhere, self.labels_of_mine).check

    def merge(
        self, text: str, tokens: Boundaries, answers: Sequence[Answers], newest: int
    ) -> Answers:
        from components.tasks.ner.annotations import merge

        return merge(text, tokens, answers, newest)

    def merge_partial(
        self, text: str, tokens: Boundaries, answers: Sequence[Answers]
    ) -> tuple[Answers, int]:
        from components.tasks.ner.annotations import merge_partial

        return merge_partial(text, tokens, answers)

    def gold(self, doc: Doc) -> list[Item]:
        return sorted(Span(e.start_char, e.end_char, e.label_) for e in doc.ents)

    def predicted(self, example: Example) -> list[Item]:
        from components.tasks.ner.examples import as_scored

        return sorted(as_scored(example)) if example.reference.has_annotation("ENT_IOB") else []

    def model_labels(self, nlp: Language) -> tuple[str, ...]:
        from components.tasks.ner.examples import labels_of

        return labels_of(nlp)

    def check_pipeline(self, nlp: Language) -> list[str]:
        from components.tasks.ner.training import check_labels

        return check_labels(nlp, self.labels)

    def refuse(self, nlp: Language, which: str) -> None:
        from components.tasks.ner.training import refuse_statuses

        refuse_statuses(nlp, which, self.labels)

    def head(self, shared: Shared) -> dict[str, Any]:
        from components.tasks.ner.head import head

        return head(self.name, self.weight, shared)

    def finishes(self, nlp: Language, documents: int) -> bool:
        from components.tasks.ner.calibrate import tagger_of
        from components.tasks.temperature import FEWEST

        return documents >= FEWEST and tagger_of(nlp) is not None

    def note(self, nlp: Language, examples: Sequence[Example]) -> None:
        from components.tasks.ner.calibrate import note

        note(nlp, examples)

    def after_training(self, nlp: Language, examples: Sequence[Example]) -> dict[str, Any]:
        from components.tasks.ner.calibrate import calibrated

        return calibrated(nlp, examples)

    def dev_scores(self, evaluation: Mapping[str, Any]) -> dict[str, float]:
        names = {"f": "ents_f", "p": "ents_p", "r": "ents_r"}
        return {short: round(evaluation.get(name) or 0.0, 6) for short, name in names.items()}

    def official(self, examples: Iterable[Example]) -> dict[str, Scores]:
        from components.tasks.ner.examples import official

        return official(examples)

    def unalignable(self, example: Example) -> int:
        from components.tasks.ner.examples import unalignable

        return unalignable(example)

    def disagreements(self, gold: Sequence[Item], predicted: Sequence[Item]) -> list[Disagreement]:
        from components.tasks.ner.pairs import disagreements

        return disagreements(spans_in(gold), spans_in(predicted))

    def confidence(
        self, nlp: Language, docs: Sequence[Doc]
    ) -> Sequence[Mapping[Item, float]] | None:
        from components.tasks.ner.confidence import entity_probabilities

        probabilities = entity_probabilities(nlp, docs)
        if probabilities is None:
            return None
        return [{Span(*key): each for key, each in of_doc.items()} for of_doc in probabilities]

    def extras(self, predictions: Sequence[Prediction], labels: Sequence[str]) -> dict[str, Any]:
        from components.tasks.ner.extras import confusion, matches, tokenisation

        return {
            "tokenisation": tokenisation(predictions),
            "matches": matches(predictions),
            "confusion": confusion(predictions, labels),
        }

    def review(self, gold: Sequence[Item], unknown: Sequence[str] = ()) -> dict[str, Any]:
        return {
            "spans": [
                {"start": span.start, "end": span.end, "label": span.label}
                for span in spans_in(gold)
            ]
        }
