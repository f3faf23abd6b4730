"""Saved models: several phases over one text, read as one answer."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.vocab import Vocab

from components.answers.findings import Classes, Entity, Findings, LabelledSpan, Status
from components.answers.formats import Asked
from components.answers.inference import settle
from components.answers.vocabulary import Vocabulary
from components.custom_code import load_model
from components.errors import ConfigError, DataError
from components.records.tokens import Offsets
from components.registry.manifest import describe
from components.tasks.assertion.answering import statuses_in, tasks_of
from components.tasks.ner.answering import task_of_entities
from components.tasks.ner.confidence import Probabilities, entity_probabilities
from components.tasks.ner.training import refuse_statuses
from components.tasks.spans.answering import Found, groups_of, spans_in
from components.tasks.textcat.answering import Classifier, classifiers_of

BUNDLE = "serve.json"
STATUS_KEY = "assertion"  # the default of `key` of a task of statuses


@dataclass(frozen=True)
class Source:
    """Where the model of a phase lies: a folder with a spaCy pipeline, and its version."""

    phase: str
    folder: Path
    version: str = ""


@dataclass(frozen=True)
class Phase:
    """A model that is ready to predict.

    Attributes:
        groups: of `doc.spans`, what it finds spans for.
        assertions: tasks that say the status of its entities.
        entities: name of the task that finds its entities; "" where none does.
    """

    name: str
    nlp: Language
    version: str
    classifiers: tuple[Classifier, ...] = ()
    groups: tuple[str, ...] = ()
    assertions: tuple[str, ...] = ()
    entities: str = ""


@dataclass(frozen=True)
class Question:
    """What a request asks of each of its texts.

    Attributes:
        phases: names of the phases to ask.
        confidence: whether to say how sure their models are.
    """

    phases: tuple[str, ...]
    confidence: bool = False


class Models:
    """Several phases, in their declared order: where entities overlap, the first wins.

    A text is tokenised once, by the first phase's tokenizer; all phases share its vocabulary.

    Raises:
        ConfigError: the phases do not tokenise alike, so they cannot share tokens.
    """

    def __init__(self, phases: Sequence[Phase]) -> None:
        self.phases = {phase.name: phase for phase in phases}
        first = phases[0]
        self.vocabulary = Vocabulary([phase.nlp for phase in phases])
        self._tokenize = first.nlp.make_doc
        for phase in phases[1:]:
            if rules(phase.nlp) != rules(first.nlp):
                raise ConfigError(
                    f"{phase.name} does not split texts into tokens as {first.name} does. "
                    "Serve them apart, or train both with the same tokenizer."
                )

    @property
    def versions(self) -> dict[str, str]:
        """The version of each phase's model."""
        return {name: phase.version for name, phase in self.phases.items()}

    @cached_property
    def asked(self) -> Asked:
        """What the phases answer together."""
        phases = [*self.phases.values()]
        return Asked(
            entities=next((phase.entities for phase in phases if phase.entities), ""),
            spans=tuple(dict.fromkeys(group for phase in phases for group in phase.groups)),
            classes={
                each.task or phase.name: (each.labels, each.exclusive)
                for phase in phases
                for each in phase.classifiers
            },
            names={self.statuses[0]: STATUS_KEY} if len(self.statuses) == 1 else {},
        )

    @cached_property
    def statuses(self) -> list[str]:
        """The tasks that say the status of entities."""
        return [task for phase in self.phases.values() for task in phase.assertions]

    def tokens(self, text: str) -> Offsets:
        """Where each token of a text begins and ends, in characters."""
        return [(token.idx, token.idx + len(token)) for token in self._tokenize(text)]

    def as_doc(self, text: str, said: Findings, meta: Mapping[str, Any]) -> Doc:
        """What was said of a text as spaCy keeps it; its meta in `user_data`."""
        doc = self._tokenize(text)
        doc.set_ents([span_of(doc, one) for one in said.entities])
        for name in self.asked.spans:
            spans = [one for one in said.spans or () if one.task == name]
            doc.spans[name] = SpanGroup(doc, name=name, spans=[span_of(doc, one) for one in spans])
            doc.spans[name].attrs["scores"] = [one.confidence for one in spans]
        for task in self.statuses:
            marked = [one for one in said.entities if task in (one.statuses or {})]
            doc.spans[task] = [
                span_of(doc, one, (one.statuses or {})[task].label) for one in marked
            ]
        doc.cats = {label: p for one in said.classes or () for label, p in one.scores.items()}
        doc.user_data["meta"] = dict(meta)
        return doc

    def analyse(self, texts: Sequence[str], question: Question) -> list[Findings]:
        """Return what the phases say of each text; its entities in the order of the text."""
        return self.read(texts, question)[0]

    def read(self, texts: Sequence[str], question: Question) -> tuple[list[Findings], int]:
        """What the phases say of each text, as `analyse` does, and how many tokens they read."""
        tokens = [self._tokenize(text) for text in texts]
        words = sum(map(len, tokens))
        entities: list[list[Entity]] = [[] for _ in texts]
        spans: list[list[LabelledSpan]] = [[] for _ in texts]
        classes: list[list[Classes]] = [[] for _ in texts]
        asked = [phase for name, phase in self.phases.items() if name in question.phases]
        for phase in asked:
            # NER keeps entities that it finds set.
            fresh = tokens if phase is asked[-1] else [doc.copy() for doc in tokens]
            docs = list(phase.nlp.pipe(fresh, batch_size=len(texts)))
            probabilities = of_entities(phase.nlp, docs) if question.confidence else None
            for n, doc in enumerate(docs):
                new = entities_of(doc, phase, probabilities[n] if probabilities else None)
                entities[n] += without_overlap(entities[n], new)
                spans[n] += labelled_spans(doc, phase, confidence=question.confidence)
                classes[n] += classes_of(doc, phase)
        overlapping = any(phase.groups for phase in asked)
        findings = [
            Findings(
                entities=sorted(entities[n], key=lambda entity: entity.start),
                spans=sorted(spans[n], key=lambda one: (one.start, -one.end))
                if overlapping
                else None,
                classes=classes[n] or None,
            )
            for n in range(len(texts))
        ]
        return findings, words


def of_entities(nlp: Language, docs: Sequence[Doc]) -> list[Probabilities] | None:
    """The confidence in the entities of each document; None where the model has none.

    Documents without an entity are not asked about: a beam search takes as long as the model.
    """
    found = [n for n, doc in enumerate(docs) if doc.ents]
    asked = entity_probabilities(nlp, [docs[n] for n in found]) if found else []
    if asked is None:
        return None
    of_doc = dict(zip(found, asked, strict=True))
    return [of_doc.get(n, {}) for n in range(len(docs))]


def span_of(doc: Doc, one: Entity, label: str = "") -> Span:
    """An entity or span as one of its document, under its own label or another."""
    span = doc.char_span(one.start, one.end, label or one.label)
    assert span is not None  # it was found on these tokens
    return span


def rules(nlp: Language) -> Any:
    """What decides how a pipeline splits a text into tokens."""
    return nlp.tokenizer.to_bytes(exclude=["vocab"])  # type: ignore[union-attr]


def entities_of(doc: Doc, phase: Phase, probabilities: Probabilities | None) -> list[Entity]:
    """The entities that a phase's model found, with their statuses.

    Args:
        probabilities: confidence by place and label, where it was asked for.
    """
    statuses = statuses_in(doc, phase.assertions)
    asked = probabilities is not None

    def statuses_of(place: tuple[int, int]) -> dict[str, Status] | None:
        return {
            task: Status(label=one.label, confidence=round(one.score, 4) if asked else None)
            for task, one in statuses.get(place, {}).items()
        } or None

    return [
        Entity(
            text=span.text,
            label=span.label_,
            start=span.start_char,
            end=span.end_char,
            phase=phase.name,
            confidence=None
            if probabilities is None
            else round(probabilities.get((span.start_char, span.end_char, span.label_), 0.0), 4),
            statuses=statuses_of((span.start_char, span.end_char)),
        )
        for span in doc.ents
    ]


def labelled_spans(doc: Doc, phase: Phase, *, confidence: bool) -> list[LabelledSpan]:
    """The spans that a phase's model found, which may overlap."""

    def answer(task: str, one: Found) -> LabelledSpan:
        return LabelledSpan(
            text=doc.text[one.start : one.end],
            label=one.label,
            start=one.start,
            end=one.end,
            phase=phase.name,
            task=task,
            confidence=round(one.score, 4) if confidence else None,
        )

    return [answer(name, one) for name in phase.groups for one in spans_in(doc, name)]


def classes_of(doc: Doc, phase: Phase) -> list[Classes]:
    """What each classifier of a phase says of a text; of one without a word it knows nothing.

    spaCy would give such a text the scores of whatever batch it happened to be in.
    """
    said = []
    for each in phase.classifiers:
        scores = {label: round(doc.cats[label], 4) for label in each.labels} if len(doc) else {}
        said.append(
            Classes(
                phase=phase.name,
                task=each.task or None,
                labels=each.said(doc.cats) if scores else [],
                scores=scores,
                calibrated=each.calibrated,
            )
        )
    return said


def without_overlap(kept: Sequence[Entity], new: Iterable[Entity]) -> list[Entity]:
    """Those of the new entities that touch none of the kept ones, which do not touch each other."""
    before = sorted(kept, key=lambda entity: entity.start)
    ends = [entity.end for entity in before]
    apart = []
    for entity in new:
        following = bisect_right(ends, entity.start)
        if following == len(before) or entity.end <= before[following].start:
            apart.append(entity)
    return apart


def load(sources: Sequence[Source]) -> Models:
    """Load models that answer together.

    Raises:
        ConfigError: two that cannot be served together.
        DataError: a folder that holds no spaCy pipeline.
    """
    phases: list[Phase] = []
    for source in sources:
        phases.append(load_phase(source, phases[0].nlp.vocab if phases else True))
    return Models(phases)


def load_phase(source: Source, vocab: Vocab | bool) -> Phase:
    """Load one model; its version is the digest of its files unless the source gives another."""
    if not (source.folder / "config.cfg").is_file():
        raise DataError(
            f"{source.folder}: there is no spaCy pipeline here (no config.cfg). Name the folder "
            "`model` of a version in the registry, or of a run."
        )
    nlp: Language = load_model(source.folder, vocab=vocab)
    settle(nlp)
    refuse_statuses(nlp, f"{source.phase}: its model")
    if vocab is not True and nlp.vocab.vectors.size:
        raise ConfigError(
            f"{source.phase}: its model brings word vectors, which phases cannot share. "
            "Put it first, or serve it apart."
        )
    version = source.version or describe(source.folder).digest[:12]
    return Phase(
        source.phase,
        nlp,
        version,
        classifiers_of(nlp),
        groups_of(nlp),
        tasks_of(nlp),
        task_of_entities(nlp),
    )


def sources_in(folder: Path) -> list[Source]:
    """The models in a downloaded artefact: one pipeline, or several that `serve.json` lists.

    serve.json is {"phases": [{"phase": "phase-1", "folder": "a", "version": "3"}, …]}, in the
    order in which overlaps are resolved, with folders below its own.

    Raises:
        DataError: serve.json names a folder elsewhere, or is not what is shown above.
    """
    bundle = folder / BUNDLE
    if not bundle.is_file():
        return [Source("model", folder)]
    try:
        entries: list[dict[str, Any]] = json.loads(bundle.read_text(encoding="utf-8"))["phases"]
        sources = [Source(e["phase"], folder / e["folder"], e.get("version", "")) for e in entries]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{bundle}: not a list of phases with their folders ({error!r})."
        ) from error
    outside = [s for s in sources if not s.folder.resolve().is_relative_to(folder.resolve())]
    if outside:
        raise DataError(f"{bundle}: {outside[0].folder} is not below the folder of {BUNDLE}.")
    return sources
