"""Classes of whole texts, in `doc.cats`: one of several, any of several, or one, yes or no.

A class of a document is known to be right, known to be wrong, or unknown; what is unknown is
neither learnt nor scored. spaCy is imported late, so that a command line that only checks a label
answers at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, model_validator

from components.records.prediction import Disagreement
from components.records.record import Answers, Item
from components.tasks.base import Check, OwnSettings, Policy, Scores, Task, TaskSettings
from components.tasks.listener import Shared

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc
    from spacy.training import Example

    from components.records.prediction import Prediction
    from components.records.problems import Note
    from components.records.tokens import Boundaries

THRESHOLD = 0.5


class TextcatSettings(OwnSettings):
    """A classification task."""

    exclusive: bool = Field(
        True, description="whether a text has exactly one of the labels, or any of them"
    )
    question: str = Field(
        "",
        description="name of the Choices in Label Studio that ask for it; '' those whose labels "
        "are the task's",
        examples=["topic"],
    )
    balance: float = Field(
        0.5,
        ge=0.0,
        le=1.0,
        description="how much more rare labels weigh in training: the inverse of their frequency "
        "to this power",
    )

    precision: float = Field(
        0.0,
        ge=0.0,
        lt=1.0,
        description="what thresholds are to reach on dev, with the highest recall that goes with "
        "it; 0: the highest F",
        examples=[0.9],
    )

    @model_validator(mode="after")
    def thresholds_are_used(self) -> Self:
        """Refuse a precision where one label is always said."""
        if self.exclusive and self.precision:
            raise ValueError("precision: only tasks with `exclusive: false` have thresholds")
        return self

    @model_validator(mode="after")
    def enough_labels(self) -> Self:
        """Refuse one label of which every text would have to be."""
        if self.exclusive and len(self.labels) < 2:
            raise ValueError(
                f"one label alone, {self.labels[0]!r}: with `exclusive: false` it is yes or no"
            )
        return self


class Kind(Task):
    """Classifies texts.

    Attributes:
        exclusive: whether a text has exactly one of the labels.
        thresholds: probability from which a label is said, for labels that have one of their own.
        fitted: of a model: on how many documents of dev its probabilities were calibrated
            (`fitted_on`), or why they are not (`not_calibrated`); empty where nobody knows.
    """

    title = "text classification"
    unit = "documents"
    exact = "the right label of a text"
    place = "cats"
    settings = TextcatSettings
    floor_of = "a linear model on TF-IDF of words and characters, learnt in seconds"
    # What annotators only said not to be right: our loss knows what it means.
    harmless = ("data contains instances without mutually-exclusive classes",)

    def __init__(self, settings: TaskSettings) -> None:
        super().__init__(settings)
        own = TextcatSettings.model_validate(settings.model_dump())
        self.exclusive, self.question, self.balance = own.exclusive, own.question, own.balance
        self.precision = own.precision
        self.thresholds: dict[str, float] = {}
        self.fitted: dict[str, Any] = {}

    def checker(self, policy: Policy) -> Check:
        from components.tasks.textcat.annotations import Checker

        return Checker(self.labels, self.question, policy, exclusive=self.exclusive).check

    def merge(
        self, text: str, tokens: Boundaries, answers: Sequence[Answers], newest: int
    ) -> Answers:
        from components.tasks.textcat.annotations import merge

        return merge(answers, newest, exclusive=self.exclusive)

    def merge_partial(
        self, text: str, tokens: Boundaries, answers: Sequence[Answers]
    ) -> tuple[Answers, int]:
        from components.tasks.textcat.annotations import merge_partial

        return merge_partial(answers, self.labels, exclusive=self.exclusive)

    def lopsided(
        self, documents: Mapping[str, int], wrong: Mapping[str, int]
    ) -> Sequence[tuple[str, Note]]:
        from components.tasks.textcat.annotations import lopsided

        return lopsided(self.labels, documents, wrong, exclusive=self.exclusive)

    def gold(self, doc: Doc) -> list[Item]:
        return [label for label in self.labels if doc.cats.get(label) == 1]

    def predicted(self, example: Example) -> list[Item]:
        return self.said(example.predicted.cats, example.reference.cats)

    def said(self, probabilities: Mapping[str, float], known: Mapping[str, float]) -> list[Item]:
        """The labels that probabilities are enough for, as they are scored.

        Args:
            known: 1 for labels that are right, 0 for wrong ones; what is missing is unknown.
        """
        if not self.exclusive:
            return [one for one in self.labels if one in known and self.says(probabilities, one)]
        if not any(known.get(label) == 1 for label in self.labels):
            return []
        return [max(self.labels, key=lambda label: probabilities.get(label, 0.0))]

    def says(self, said: Mapping[str, float], label: str) -> bool:
        """Whether a probability is enough to say a label."""
        return said.get(label, 0.0) >= self.thresholds.get(label, THRESHOLD)

    def scores(self, example: Example) -> dict[str, float]:
        return {one: example.predicted.cats.get(one, 0.0) for one in self.labels}

    def unknown(self, example: Example) -> list[str]:
        cats = example.reference.cats
        if self.exclusive and any(cats.get(label) == 1 for label in self.labels):
            return []
        return [label for label in self.labels if label not in cats]

    def model_labels(self, nlp: Language) -> tuple[str, ...]:
        from components.tasks.textcat.training import classifier_of

        pipe = classifier_of(nlp, self)
        # What does another task shares no label with this one, and is not to be compared with it.
        return tuple(sorted(pipe.labels)) if pipe and {*pipe.labels} & {*self.labels} else ()

    def for_model(self, nlp: Language) -> Self:
        task = type(self)(self.described)
        chosen = nlp.meta.get("retrain", {}).get(self.name, {})
        task.thresholds = dict(chosen.get("thresholds", {}))
        fitted = chosen.get("calibration", {})
        if "not_calibrated" in fitted:
            task.fitted = {"not_calibrated": fitted["not_calibrated"]}
        elif fitted:
            task.fitted = {"fitted_on": fitted["documents"]}
        return task

    def check_pipeline(self, nlp: Language) -> list[str]:
        from components.tasks.textcat.training import check_pipeline

        return check_pipeline(nlp, self)

    def head(self, shared: Shared) -> dict[str, Any]:
        from components.tasks.textcat.head import head

        return head(self.name, self.labels, self.weight, shared, exclusive=self.exclusive)

    def before_training(self, nlp: Language, counts: Mapping[str, int]) -> None:
        from components.tasks.textcat.losses import balanced, learn_only_what_is_known
        from components.tasks.textcat.metrics import dev_scorer
        from components.tasks.textcat.training import classifier_of, heads

        pipe = classifier_of(nlp, self)
        assert pipe is not None  # check_pipeline has been there
        learn_only_what_is_known(pipe, balanced(counts, self.balance), alone=heads(nlp) < 2)
        pipe.scorer = dev_scorer(self)

    def after_training(self, nlp: Language, examples: Sequence[Example]) -> dict[str, Any]:
        from components.tasks.textcat.training import calibrated

        return calibrated(nlp, self, examples)

    def dev_scores(self, evaluation: Mapping[str, Any]) -> dict[str, float]:
        return {
            short: round(evaluation.get(f"{self.name}_macro_{short}") or 0.0, 6) for short in "fpr"
        }

    def official(self, examples: Iterable[Example]) -> dict[str, Scores] | None:
        from components.tasks.textcat.metrics import official

        return official(examples, self)

    def disagreements(self, gold: Sequence[Item], predicted: Sequence[Item]) -> list[Disagreement]:
        if self.exclusive and gold and predicted and gold != predicted:
            return [Disagreement("label", gold[0], predicted[0])]
        return super().disagreements(gold, predicted)

    def confidence(
        self, nlp: Language, docs: Sequence[Doc]
    ) -> Sequence[Mapping[Item, float]] | None:
        return [{label: doc.cats.get(label, 0.0) for label in self.labels} for doc in docs]

    def answered(self, nlp: Language, docs: Sequence[Doc]) -> Sequence[Answers | None]:
        from components.tasks.textcat.training import classifier_of

        pipe = classifier_of(nlp, self)
        labels = [label for label in self.labels if pipe and label in pipe.labels]
        return [self.answer(doc.cats, labels, pipe.labels) if pipe else None for doc in docs]

    def answer(
        self, probabilities: Mapping[str, float], labels: Sequence[str], theirs: Sequence[str]
    ) -> Answers | None:
        """What a model's probabilities say; None where it chose a label that is not the task's.

        Args:
            labels: of the task and the model alike; `theirs` all of the model's.
        """
        if self.exclusive:
            best = max(theirs, key=lambda label: probabilities.get(label, 0.0))
            cats = {label: label == best for label in labels} if best in labels else {}
        else:
            cats = {label: self.says(probabilities, label) for label in labels}
        return Answers(cats=cats, complete=len(cats) == len(self.labels)) if cats else None

    def certainty(self, possible: Mapping[Item, float], said: Sequence[Item]) -> float:
        if self.exclusive:
            return min((possible.get(label, 0.0) for label in said), default=0.0)
        return super().certainty(possible, said)

    def doubt(self, possible: Mapping[Item, float]) -> float:
        """One minus the margin of the likeliest; of others the label nearest its threshold."""
        chances = [possible.get(label, 0.0) for label in self.labels]
        if self.exclusive:
            second, first = sorted(chances)[-2:]
            return 1 - (first - second)
        edges = [self.thresholds.get(label, THRESHOLD) for label in self.labels]
        return max(
            1 - (p - edge) / (1 - edge) if p >= edge else p / edge
            for p, edge in zip(chances, edges, strict=True)
        )

    def extras(self, predictions: Sequence[Prediction], labels: Sequence[str]) -> dict[str, Any]:
        from components.tasks.textcat.metrics import extras

        said = extras(predictions, labels, exclusive=self.exclusive)
        said["calibration"] |= self.fitted
        if not self.exclusive:
            said["thresholds"] = {one: self.thresholds.get(one, THRESHOLD) for one in self.labels}
        return said

    def extra_intervals(
        self,
        predictions: Sequence[Prediction],
        labels: Sequence[str],
        *,
        resamples: int,
        seed: int,
        group_by: str | None,
    ) -> dict[str, Any]:
        from components.tasks.textcat.intervals import intervals

        return intervals(
            predictions,
            labels,
            exclusive=self.exclusive,
            resamples=resamples,
            seed=seed,
            group_by=group_by,
        )

    def comparable(self, prediction: Prediction, shared: Sequence[str]) -> bool:
        # A model that has to choose can only be wrong where the right one is none of its labels.
        forced = self.exclusive and bool(shared)
        return not forced or all(label in shared for label in prediction.gold)

    def floor(
        self, train: Iterable[Doc], dev: Iterable[Doc], test: Sequence[Prediction]
    ) -> list[Prediction] | None:
        from components.tasks.textcat.floor import floor

        return floor(self, list(train), list(dev), test)

    def review(self, gold: Sequence[Item], unknown: Sequence[str] = ()) -> dict[str, Any]:
        asked = [label for label in self.labels if label not in unknown]
        return {
            "options": [{"id": label, "text": label} for label in asked],
            "accept": list(gold),
            "config": {"choice_style": "single" if self.exclusive else "multiple"},
            "_view_id": "choice",
        }
