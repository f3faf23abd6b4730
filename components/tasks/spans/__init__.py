"""Spans that may overlap, in the group of `doc.spans` that has the task's name.

spaCy is imported late, so that a command line that only checks a label answers at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field

from components.records.record import Answers, Item, composed, spans_in
from components.tasks.base import Check, OwnSettings, Policy, Scores, Task, TaskSettings
from components.tasks.listener import Shared

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc
    from spacy.training import Example

    from components.records.prediction import Disagreement, Prediction
    from components.records.tokens import Boundaries


class SpansSettings(OwnSettings):
    """A task of spans that may overlap."""

    recall: float = Field(
        0.95,
        gt=0.0,
        le=1.0,
        description="how many of the training spans must have one of the lengths, in words, that "
        "the model considers; more lengths find more and take more time",
        examples=[0.99],
    )


class Kind(Task):
    """Finds spans, one inside another or across another, too.

    Attributes:
        suggester: of a model: the `sizes` of the runs of words that it looks at, the `recall` of
            the spans of dev among them, and their `cost`: how many they are for each word; empty
            where nobody knows.
    """

    title = "span categorisation"
    unit = "spans"
    exact = "exact matches of label and both ends"
    place = "spans"
    overlapping = True
    settings = SpansSettings

    def __init__(self, settings: TaskSettings) -> None:
        super().__init__(settings)
        own = SpansSettings.model_validate(settings.model_dump())
        self.recall = own.recall
        self.suggester: dict[str, Any] = {}

    @staticmethod
    def checked_label(label: str) -> str:
        if not label.strip():
            raise ValueError(f"{label!r} can't be a label: it is empty")
        return composed(label)

    def checker(self, policy: Policy) -> Check:
        from components.tasks.spans.annotations import Checker

        return Checker(self.labels, policy, self.labels_elsewhere).check

    def merge(
        self, text: str, tokens: Boundaries, answers: Sequence[Answers], newest: int
    ) -> Answers:
        from components.tasks.spans.annotations import merge

        return merge(text, tokens, answers, newest)

    def merge_partial(
        self, text: str, tokens: Boundaries, answers: Sequence[Answers]
    ) -> tuple[Answers, int]:
        from components.tasks.spans.annotations import merge_partial

        return merge_partial(text, tokens, answers)

    def remarks(self, spans: Mapping[int, int], documents: Mapping[int, int]) -> list[str]:
        from components.tasks.spans.sizes import remarks

        return remarks(Counter(spans), Counter(documents), self.recall)

    def gold(self, doc: Doc) -> list[Item]:
        from components.tasks.spans.examples import gold

        return sorted(gold(doc, self.name))

    def predicted(self, example: Example) -> list[Item]:
        from components.tasks.spans.examples import as_scored

        return sorted(as_scored(example, self.name))

    def model_labels(self, nlp: Language) -> tuple[str, ...]:
        from components.tasks.spans.training import categoriser_of

        pipe = categoriser_of(nlp, self.name)
        return tuple(sorted(pipe.labels)) if pipe else ()

    def for_model(self, nlp: Language) -> Self:
        task = type(self)(self.described)
        task.suggester = dict(nlp.meta.get("retrain", {}).get(self.name, {}).get("suggester", {}))
        return task

    def head(self, shared: Shared) -> dict[str, Any]:
        from components.tasks.spans.head import head

        return head(self.name, self.weight, shared)

    def of_corpus(self, config: Mapping[str, Any], examples: Iterable[Example]) -> dict[str, Any]:
        from components.tasks.spans.training import of_corpus

        return of_corpus(config, examples, self)

    def before_training(self, nlp: Language, counts: Mapping[str, int]) -> None:
        from components.tasks.spans.training import before_training

        before_training(nlp, self.name)

    def note(self, nlp: Language, examples: Sequence[Example]) -> None:
        from components.tasks.spans.training import note

        note(nlp, examples, self.name)

    def after_training(self, nlp: Language, examples: Sequence[Example]) -> dict[str, Any]:
        from components.tasks.spans.training import after_training

        return after_training(nlp, examples, self)

    def check_pipeline(self, nlp: Language) -> list[str]:
        from components.tasks.spans.training import check_pipeline

        return check_pipeline(nlp, self.name, self.labels)

    def confidence(
        self, nlp: Language, docs: Sequence[Doc]
    ) -> Sequence[Mapping[Item, float]] | None:
        from components.tasks.spans.confidence import span_probabilities

        return span_probabilities(nlp, docs, self.name)

    def unknown(self, example: Example) -> list[str]:
        from components.tasks.spans.examples import known_labels

        known = known_labels(example.reference, self.name)
        return [] if known is None else [label for label in self.labels if label not in known]

    def official(self, examples: Iterable[Example]) -> dict[str, Scores] | None:
        from components.tasks.spans.examples import official

        return official(examples, self.name)

    def unalignable(self, example: Example) -> int:
        from components.tasks.ner.examples import reachable

        marked = {(one.start, one.end, one.label_) for one in example.reference.spans[self.name]}
        return sum(not reachable(example, start, end) for start, end, _ in marked)

    def dev_scores(self, evaluation: Mapping[str, Any]) -> dict[str, float]:
        return {
            short: round(evaluation.get(f"spans_{self.name}_{short}") or 0.0, 6) for short in "fpr"
        }

    def disagreements(self, gold: Sequence[Item], predicted: Sequence[Item]) -> list[Disagreement]:
        from components.tasks.ner.pairs import disagreements
        from components.tasks.spans.pairs import alike

        return disagreements(spans_in(gold), spans_in(predicted), alike)

    def extras(self, predictions: Sequence[Prediction], labels: Sequence[str]) -> dict[str, Any]:
        from components.tasks.ner.extras import confusion, matches, tokenisation
        from components.tasks.spans.pairs import alike

        return {
            "tokenisation": tokenisation(predictions),
            "matches": matches(predictions),
            "confusion": confusion(predictions, labels, alike),
            **({"suggester": self.suggester} if self.suggester else {}),
        }

    def review(self, gold: Sequence[Item], unknown: Sequence[str] = ()) -> dict[str, Any]:
        return {
            "spans": [
                {"start": span.start, "end": span.end, "label": span.label}
                for span in spans_in(gold)
            ],
            "_view_id": "spans_manual",
        }
