"""What a kind of task says about its answers: the one place where kinds differ.

All else works with answers (`components.records.record`) and outcomes alone, and knows no kind.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self, get_args

from pydantic import Field, model_validator

from components.errors import ConfigError, DataError
from components.records.annotation import Annotation
from components.records.prediction import Disagreement, Prediction
from components.records.problems import Note
from components.records.record import Answers, Item, Record, composed, spans_in
from components.records.tokens import Boundaries
from components.settings import Settings
from components.tasks.listener import Shared

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc
    from spacy.training import Example

Scores = dict[str, float | None]
LEAST_SURE = 3  # spans by which a document's doubt is told
# The place in a spaCy Doc that holds a task's answers: doc.ents, doc.spans[name] or doc.cats.
Place = Literal["ents", "spans", "cats"]
PLACES: tuple[Place, ...] = get_args(Place)
# user_data of a predicted Doc in training: how many documents one step is learnt from, of which an
# update may see a part.
IN_STEP = "retrain_in_step"


class TaskSettings(Settings, extra="allow"):
    """A task of a phase as every stage is given it, in `--tasks`; its kind may ask for more."""

    name: str = Field(min_length=1, description="key of the task's answers and scores")
    kind: str = Field(
        "ner", description="ner, or the dotted name of a module of yours that defines a kind"
    )
    labels: list[str] = Field(
        min_length=1, description="every label that may be learnt", examples=[["ORG", "DATE"]]
    )
    weight: float = Field(
        1.0,
        ge=0,
        allow_inf_nan=False,
        description="how much the task counts, compared with others, in the score on dev by which "
        "the best step is chosen",
        examples=[0.5],
    )


class OwnSettings(TaskSettings, extra="forbid"):
    """What a kind that asks for nothing more accepts; a kind may have a subclass of it."""

    @model_validator(mode="after")
    def labels_once(self) -> Self:
        """Refuse a label that is listed twice."""
        twice = {label for label in self.labels if self.labels.count(label) > 1}
        if twice:
            raise ValueError(f"labels: listed twice: {', '.join(sorted(twice))}")
        return self


class Select(Protocol):
    """Which labels are taken; see `components.ingest.settings`."""

    @property
    def rename(self) -> Mapping[str, str]: ...
    @property
    def drop(self) -> Sequence[str]: ...
    @property
    def keep(self) -> Sequence[str]: ...


class Policy(Protocol):
    """What is done with bad annotations; see `components.ingest.settings`."""

    @property
    def select(self) -> Select: ...
    @property
    def misaligned(self) -> str: ...
    @property
    def overlap(self) -> str: ...


Check = Callable[[Annotation, Boundaries], tuple[Answers | None, list[Note]]]


class Task:
    """A task of a phase. A kind is a subclass, named `Kind` in its module.

    Attributes:
        title: what the kind is called; `unit` what it counts, in the plural; `exact` when a
            prediction counts as right.
        place: where its answers are in a spaCy Doc.
        overlapping: whether two of its spans may meet.
        settings: what its section of a config may say.
        harmless: what spaCy's `debug data` calls an error and is none here.
        floor_of: what its floor is, as in "beside …"; "" for kinds that have none.
        refines: a partial answer counts beside a complete one, and replaces what that says.
        beside: the other tasks of its phase, where they are known.
    """

    title: ClassVar[str]
    unit: ClassVar[str]
    exact: ClassVar[str]
    place: ClassVar[Place]
    overlapping: ClassVar[bool] = False
    settings: ClassVar[type[OwnSettings]] = OwnSettings
    harmless: ClassVar[tuple[str, ...]] = ()
    refines: ClassVar[bool] = False
    floor_of: ClassVar[str] = ""

    def __init__(self, settings: TaskSettings) -> None:
        self.described = settings
        self.name, self.kind = settings.name, settings.kind
        self.labels: tuple[str, ...] = tuple(settings.labels)
        self.weight = settings.weight
        self.beside: tuple[Task, ...] = ()

    @property
    def of(self) -> str:
        """The name of the task whose answers this one speaks of; "" where it needs no other."""
        return str(getattr(self.described, "of", ""))

    @property
    def marked_labels(self) -> tuple[str, ...]:
        """The labels that annotators mark; what goes without saying is none of them."""
        return self.labels

    @property
    def labels_elsewhere(self) -> frozenset[str]:
        """Labels of spans that other tasks of the phase read."""
        others = (task for task in self.beside if task.place != "cats")
        return frozenset(label for task in others for label in task.labels)

    @property
    def labels_of_mine(self) -> frozenset[str]:
        """Labels with which other tasks of the phase speak of this one's answers."""
        others = (task for task in self.beside if task.of == self.name)
        return frozenset(label for task in others for label in task.labels)

    @staticmethod
    def checked_label(label: str) -> str:
        """The label in normal form C; ValueError says why it cannot be one of this kind."""
        if not label.strip():
            raise ValueError(f"{label!r} can't be a label: it is empty")
        return composed(label)

    # Annotations

    def checker(self, policy: Policy) -> Check:
        """What takes the answers out of an annotation, checked and fixed.

        It returns None for an annotation that says nothing of this task, and raises QuarantineError
        where the answers cannot be trusted, so that the annotation cannot.
        """
        raise NotImplementedError

    def labels_beside(self, annotation: Annotation) -> set[str]:
        """Labels that an annotation gives elsewhere than as those of its spans and choices."""
        return set()

    def merge(
        self, text: str, tokens: Boundaries, answers: Sequence[Answers], newest: int
    ) -> Answers:
        """Let complete answers on one text vote; the one at place `newest` decides ties.

        Args:
            tokens: those of the newest.
        """
        raise NotImplementedError

    def merge_partial(
        self, text: str, tokens: Boundaries, answers: Sequence[Answers]
    ) -> tuple[Answers, int]:
        """Gather incomplete answers, the oldest first; and count what was contradicted."""
        raise NotImplementedError

    def fit(self, record: Record) -> list[Note]:
        """Fit the answers of a record, in place, to those of the task that this one speaks of.

        Returns:
            what to say of it.
        """
        return []

    def lopsided(
        self, documents: Mapping[str, int], wrong: Mapping[str, int]
    ) -> Sequence[tuple[str, Note]]:
        """Labels, and problems, of answers that leave nothing to tell apart.

        Args:
            documents: label -> documents that have it, some label having at least one.
            wrong: class -> documents that are known not to have it.
        """
        return ()

    def remarks(self, spans: Mapping[int, int], documents: Mapping[int, int]) -> list[str]:
        """What there is to say about the lengths of what was marked, a sentence each.

        Args:
            spans: length in words -> spans of it; of documents the same.
        """
        return []

    # spaCy

    def annotated(self, doc: Doc) -> bool:
        """Whether annotators of a document said something of this task."""
        return self.name not in doc.user_data.get("unanswered", ())

    def gold(self, doc: Doc) -> list[Item]:
        """What annotators marked in a document of a corpus, sorted."""
        raise NotImplementedError

    def predicted(self, example: Example) -> list[Item]:
        """What a model says of a document, sorted, as it is scored."""
        raise NotImplementedError

    def model_labels(self, nlp: Language) -> tuple[str, ...]:
        """The labels that a pipeline can predict, sorted."""
        raise NotImplementedError

    def ask(self, nlp: Language, examples: Sequence[Example]) -> None:
        """Ask a pipeline, which has been over these documents, what else is to be scored."""

    def end_to_end(self, example: Example) -> dict[str, list[int]]:
        """How often each label is right, spurious and missed where nothing was given away.

        For kinds whose `predicted` is asked of what annotators marked; empty for others.
        """
        return {}

    def scores(self, example: Example) -> dict[str, float]:
        """Probability of each label of a document, for kinds whose extras need them all."""
        return {}

    def unknown(self, example: Example) -> list[str]:
        """Labels of which nobody knows whether the document has them."""
        return []

    def for_model(self, nlp: Language) -> Self:
        """The task as one model does it: with what was chosen for it on dev, such as thresholds."""
        return self

    def head(self, shared: Shared) -> dict[str, Any]:
        """What a training config needs to learn this task on a network that tasks share.

        Args:
            shared: the network's component, which is the first of the pipeline.

        Returns:
            sections of a spaCy config that are merged into it; its `components` join the pipeline
            in their order. A score that counts is named in `training.score_weights`.

        Raises:
            ConfigError: this kind has none.
        """
        raise ConfigError(
            f"training config: there is nothing in it that learns the task {self.name}, and its "
            f"kind, {self.kind}, brings no head. Write the components of the whole pipeline."
        )

    def of_corpus(self, config: Mapping[str, Any], examples: Iterable[Example]) -> dict[str, Any]:
        """What the training corpus decides of the config, where that leaves it open.

        Args:
            config: the training config, interpolated.
            examples: those of the corpus, as they will be learnt from; read only as far as needed.

        Returns:
            dotted key -> value.
        """
        return {}

    def before_training(self, nlp: Language, counts: Mapping[str, int]) -> None:
        """Prepare an initialised pipeline; not kept in what is saved.

        Args:
            counts: label -> documents of the training corpus that have it.
        """

    def finishes(self, nlp: Language, documents: int) -> bool:
        """Whether `after_training` does anything to a pipeline with so many documents of dev."""
        return type(self).after_training is not Task.after_training

    def note(self, nlp: Language, examples: Sequence[Example]) -> None:
        """Keep in a few predicted documents what `after_training` must know of their vectors.

        Those of a transformer are let go of then: asked again, a component reads zeros.
        """

    def after_training(
        self,
        nlp: Language,
        examples: Sequence[Example],
    ) -> dict[str, Any]:
        """Finish the best pipeline on dev, such as by calibration, before it is kept.

        Args:
            examples: dev, predicted by the pipeline, and as `note` left them.

        Returns:
            what to remember of it in the pipeline's meta.json, under `retrain` and the task's name.
        """
        return {}

    def check_pipeline(self, nlp: Language) -> list[str]:
        """Compare what an initialised pipeline learnt from its corpus with the task's labels.

        A pipeline that has not seen a corpus yet, as `retrain check` has it, knows no label.

        Returns:
            labels without an example in the training corpus.

        Raises:
            ConfigError: no component of the pipeline does this task.
            DataError: the corpus holds labels that the task does not name.
        """
        raise NotImplementedError

    def refuse(self, nlp: Language, which: str) -> None:
        """Refuse a saved pipeline that does something else and is mistaken for one of this kind.

        Args:
            which: it is, as in "the model in production".

        Raises:
            ConfigError: saying what it does.
        """

    def dev_scores(self, evaluation: Mapping[str, Any]) -> dict[str, float]:
        """Overall `f`, `p` and `r` of an evaluation by spaCy; 0 where they are undefined."""
        raise NotImplementedError

    # Scores

    def official(self, examples: Iterable[Example]) -> dict[str, Scores] | None:
        """`p`, `r` and `f` of spaCy's own scorer, per label and "" for all; ours must agree.

        None where spaCy has no such scorer.
        """
        for _ in examples:
            pass
        return None

    def unalignable(self, example: Example) -> int:
        """How many of the gold items the model's tokeniser makes impossible."""
        return 0

    def disagreements(self, gold: Sequence[Item], predicted: Sequence[Item]) -> list[Disagreement]:
        """Where annotators and the model differ, in the order of the text."""
        missed = [Disagreement("missed", item) for item in gold if item not in predicted]
        return missed + [
            Disagreement("spurious", None, item) for item in predicted if item not in gold
        ]

    def confidence(
        self,
        nlp: Language,
        docs: Sequence[Doc],
    ) -> Sequence[Mapping[Item, float]] | None:
        """How sure a pipeline is of what it may say of each document, 0 to 1; None: not known."""
        return None

    def possible(self, nlp: Language, docs: Sequence[Doc]) -> Sequence[Mapping[Item, float]] | None:
        """The probability of what a pipeline may say of documents that nobody has annotated.

        Args:
            docs: documents that the pipeline has been over.

        Returns:
            one mapping for each; None where it is not known.
        """
        return self.confidence(nlp, docs)

    def answered(self, nlp: Language, docs: Sequence[Doc]) -> Sequence[Answers | None]:
        """What a pipeline says of documents, as annotators would have said it.

        Args:
            docs: documents that the pipeline has been over.

        Returns:
            one for each; None where it says nothing of this task.

        Raises:
            ConfigError: this kind cannot say it.
        """
        if self.place == "cats":
            raise ConfigError(
                f"teacher: tasks of kind {self.kind} cannot be taught: the kind does not say which "
                "of its probabilities are enough for an answer. Define `answered` in its module."
            )
        known = self.known_to(nlp)
        labels = self.labels if known is None else known
        return [
            Answers(
                spans=[one for one in spans_in(self.gold(doc)) if one.label in labels], known=known
            )
            for doc in docs
        ]

    def known_to(self, nlp: Language) -> list[str] | None:
        """The labels of the task that a pipeline knows; None where these are all."""
        theirs = self.model_labels(nlp)
        known = [label for label in self.labels if label in theirs]
        return None if len(known) == len(self.labels) else known

    def certainty(self, possible: Mapping[Item, float], said: Sequence[Item]) -> float:
        """The probability that all that was said of a document is right, and nothing else is.

        As far as its parts do not depend on each other: the product over all that may be said.
        """
        return math.prod(p if item in said else 1 - p for item, p in possible.items())

    def doubt(self, possible: Mapping[Item, float]) -> float:
        """How unsure a model is of a document, 0 to 1: the mean of what it is least sure of.

        So a long document is not more doubtful than a short one for its length (the length is
        normalised as in MNLP, Shen et al. 2018).
        """
        doubts = sorted((1 - abs(2 * p - 1) for p in possible.values()), reverse=True)
        least = doubts[:LEAST_SURE]
        return sum(least) / len(least) if least else 0.0

    def extras(
        self,
        predictions: Sequence[Prediction],
        labels: Sequence[str],
    ) -> dict[str, Any]:
        """What a kind adds to its scores, by name.

        Args:
            labels: those of the scores, in their order.
        """
        return {}

    def extra_intervals(
        self,
        predictions: Sequence[Prediction],
        labels: Sequence[str],
        *,
        resamples: int,
        seed: int,
        group_by: str | None,
    ) -> dict[str, Any]:
        """95 % intervals of what `extras` adds, by name.

        Args:
            group_by: key of meta whose documents of one value are drawn together.
        """
        return {}

    def comparable(self, prediction: Prediction, shared: Sequence[str]) -> bool:
        """Whether a document can be asked of another model that knows some labels alone."""
        return True

    def floor(
        self, train: Iterable[Doc], dev: Iterable[Doc], test: Sequence[Prediction]
    ) -> list[Prediction] | None:
        """What a simple model, learnt in seconds, predicts; None for kinds that have none.

        Args:
            train, dev: the documents of its corpora that were annotated for the task.
            test: the documents to predict, as another model has.
        """
        return None

    # People

    def review(self, gold: Sequence[Item], unknown: Sequence[str] = ()) -> dict[str, Any]:
        """What annotators said of a document, in the fields in which Prodigy reads it again.

        Args:
            unknown: labels that must not be asked for, since nobody said whether it has them.
        """
        raise NotImplementedError


def without_example(learnt: Iterable[str], labels: Sequence[str]) -> list[str]:
    """Labels of a task that an initialised component has not met in its corpus, sorted.

    Raises:
        DataError: it has met labels that the task does not name.
    """
    unknown = sorted({*learnt} - {*labels})
    if unknown:
        raise DataError(
            f"the training corpus holds labels that the phase does not name: {', '.join(unknown)}. "
            "Add them to the phase's labels, or leave them out with ingest's select.drop."
        )
    return sorted({*labels} - {*learnt})
