"""Assertion status: what a text says of each of its entities, such as that it is absent.

The status of an entity is a span in `doc.spans` at the entity's place, with the status as its
label; an entity of which nobody said the status has none. The entities are those of another task of
the phase. spaCy is imported late, so that a command line that only checks a label answers at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, model_validator

from components.records.annotation import Annotation, values_of
from components.records.record import Answers, Item, Span, spans_in
from components.tasks.base import Check, OwnSettings, Policy, Scores, Task, TaskSettings
from components.tasks.listener import Shared

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc
    from spacy.training import Example

    from components.records.prediction import Disagreement, Prediction
    from components.records.problems import Note
    from components.records.record import Record
    from components.records.tokens import Boundaries


class AssertionSettings(OwnSettings):
    """The status of another task's entities."""

    of: str = Field(
        min_length=1,
        description="name of the task whose entities have the status",
        examples=["entities"],
    )
    default: str = Field(
        "",
        description="status of entities that annotators marked none at; '': nobody knows theirs",
        examples=["present"],
    )
    key: str = Field(
        "assertion",
        min_length=1,
        description="key of Prodigy's spans that holds the status; name of the Choices of each "
        "region in Label Studio",
    )

    @model_validator(mode="after")
    def several_statuses(self) -> Self:
        """Refuse a default that is no status, and one status that every entity would have."""
        if self.default and self.default not in self.labels:
            raise ValueError(f"default: {self.default!r} is none of the labels")
        if len(self.labels) < 2:
            raise ValueError(
                f"one label alone, {self.labels[0]!r}: every entity would have it. Name the status "
                "of the others, too, and make it the `default` if nobody marked it"
            )
        return self


class Kind(Task):
    """Says the status of entities.

    Attributes:
        default: status of those that nobody marked; "" where that is not known.
        key: where annotations of spans hold it.
    """

    title = "assertion status"
    unit = "statuses"
    exact = "the right status of an annotated entity"
    place = "spans"
    settings = AssertionSettings
    refines = True
    floor_of = "rules: words around an entity, such as “no” before it"

    def __init__(self, settings: TaskSettings) -> None:
        super().__init__(settings)
        own = AssertionSettings.model_validate(settings.model_dump())
        self.default, self.key = own.default, own.key

    @property
    def asked(self) -> str:
        """The group of `doc.spans` with the entities whose status is to be said."""
        return f"{self.name}_entities"

    @property
    def on_gold(self) -> str:
        """The group of `doc.spans` with what is said of the annotated entities."""
        return f"{self.name}_of_annotated"

    @property
    def marked_labels(self) -> tuple[str, ...]:
        return tuple([label for label in self.labels if label != self.default])

    def labels_beside(self, annotation: Annotation) -> set[str]:
        return {said for said in values_of(annotation, self.key) if isinstance(said, str)}

    def checker(self, policy: Policy) -> Check:
        from components.tasks.assertion.annotations import Checker

        entities = [task.checker(policy) for task in self.beside if task.name == self.of]
        return Checker(self, policy, entities[0] if entities else None).check

    def merge(
        self, text: str, tokens: Boundaries, answers: Sequence[Answers], newest: int
    ) -> Answers:
        from components.tasks.assertion.merging import merge

        return merge(answers, newest, default=self.default)

    def merge_partial(
        self, text: str, tokens: Boundaries, answers: Sequence[Answers]
    ) -> tuple[Answers, int]:
        from components.tasks.assertion.merging import merge_partial

        return merge_partial(answers)

    def fit(self, record: Record) -> list[Note]:
        from components.tasks.assertion.fitting import fit

        return fit(record, self.name, self.of, self.default)

    def gold(self, doc: Doc) -> list[Item]:
        spans = doc.spans.get(self.name) or ()
        return sorted(Span(one.start_char, one.end_char, one.label_) for one in spans)

    def ask(self, nlp: Language, examples: Sequence[Example]) -> None:
        from components.tasks.assertion.asking import ask

        ask(nlp, self, examples)

    def predicted(self, example: Example) -> list[Item]:
        from components.tasks.assertion.asking import aligned

        return sorted(aligned(example, self.on_gold))

    def end_to_end(self, example: Example) -> dict[str, list[int]]:
        from components.tasks.assertion.asking import end_to_end

        return end_to_end(example, self)

    def model_labels(self, nlp: Language) -> tuple[str, ...]:
        from components.tasks.assertion.training import categoriser_of

        pipe = categoriser_of(nlp, self)
        return tuple(sorted(pipe.labels)) if pipe else ()

    def check_pipeline(self, nlp: Language) -> list[str]:
        from components.tasks.assertion.training import check_pipeline

        return check_pipeline(nlp, self)

    def head(self, shared: Shared) -> dict[str, Any]:
        from components.tasks.assertion.head import head

        return head(self, shared)

    def before_training(self, nlp: Language, counts: Mapping[str, int]) -> None:
        from components.tasks.assertion.training import prepare

        prepare(nlp, self)

    def dev_scores(self, evaluation: Mapping[str, Any]) -> dict[str, float]:
        return {
            short: round(evaluation.get(f"{self.name}_macro_{short}") or 0.0, 6) for short in "fpr"
        }

    def official(self, examples: Iterable[Example]) -> dict[str, Scores] | None:
        from components.tasks.assertion.asking import official

        return official(examples, self)

    def unalignable(self, example: Example) -> int:
        from components.tasks.assertion.asking import unalignable

        return unalignable(example, self.name)

    def disagreements(self, gold: Sequence[Item], predicted: Sequence[Item]) -> list[Disagreement]:
        from components.tasks.ner.pairs import disagreements

        return disagreements(spans_in(gold), spans_in(predicted))

    def confidence(
        self, nlp: Language, docs: Sequence[Doc]
    ) -> Sequence[Mapping[Item, float]] | None:
        from components.tasks.assertion.asking import confidence

        return [confidence(doc, self.on_gold) for doc in docs]

    def possible(self, nlp: Language, docs: Sequence[Doc]) -> Sequence[Mapping[Item, float]] | None:
        from components.tasks.assertion.asking import confidence

        return [confidence(doc, self.name) if self.name in doc.spans else {} for doc in docs]

    def extras(self, predictions: Sequence[Prediction], labels: Sequence[str]) -> dict[str, Any]:
        from components.tasks.assertion.extras import extras

        return extras(predictions, labels)

    def floor(
        self, train: Iterable[Doc], dev: Iterable[Doc], test: Sequence[Prediction]
    ) -> list[Prediction] | None:
        from components.tasks.assertion.floor import floor

        return floor(self, train, test)

    def review(self, gold: Sequence[Item], unknown: Sequence[str] = ()) -> dict[str, Any]:
        return {
            "spans": [
                {"start": span.start, "end": span.end, "label": span.label}
                for span in spans_in(gold)
            ]
        }
