"""Named entities: run a spaCy pipeline over the test corpus and note what it finds.

The only module of this stage that knows spaCy.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.pipeline import AttributeRuler
from spacy.scorer import get_ner_prf
from spacy.training import Corpus, Example
from spacy.util import minibatch
from thinc.api import get_current_ops, prefer_gpu

from components import progress
from components.custom_code import load_model
from components.errors import DataError
from components.evaluate.pairs import disagreements
from components.records.prediction import Disagreement, Prediction
from components.records.record import Span
from components.tasks.confidence import Shares, entity_shares

BUFFER = 4096  # documents among which batches of like length are formed
# Size of a padded batch, which bounds its memory. A CPU is fastest on what its caches hold.
PADDED_CHARACTERS = {"cpu": 4_000, "gpu": 128_000}


@dataclass(frozen=True)
class Run:
    """What a model made of a corpus.

    Attributes:
        predictions: one per document or window, in the corpus's order.
        official: `ents_p`, `ents_r`, `ents_f` and `ents_per_type` from spaCy's own scorer.
        words_per_second: speed of the pipeline alone, without reading and scoring.
        labels: what the model can predict.
    """

    predictions: list[Prediction]
    official: dict[str, Any]
    words_per_second: float
    labels: tuple[str, ...]


def load(model: Path) -> Language:
    """Load a pipeline, on the GPU when there is one."""
    prefer_gpu()
    nlp: Language = load_model(model)
    return nlp


def run(nlp: Language, corpus: Path, batch_size: int) -> Run:
    """Predict a corpus.

    Args:
        corpus: a folder of .spacy files.

    Raises:
        DataError: the corpus holds no documents.
    """
    predictions: list[Prediction] = []
    clock = Clock()

    def examples() -> Iterator[Example]:
        for example, prediction in predict(nlp, corpus, batch_size, clock):
            predictions.append(prediction)
            yield example

    # spaCy's scorer drinks from the stream while we take our notes, so that no document is kept.
    official = get_ner_prf(examples())
    if not predictions:
        raise DataError(f"{corpus}: no documents to test on. Give the test split more of the data.")
    return Run(predictions, official, clock.words / max(clock.seconds, 1e-9), labels_of(nlp))


def labels_of(nlp: Language) -> tuple[str, ...]:
    """The entity labels that a pipeline can predict, sorted."""
    return tuple(sorted({label for name in nlp.pipe_names for label in entity_labels(nlp, name)}))


def entity_labels(nlp: Language, name: str) -> Sequence[str]:
    """The labels of one component if it sets entities."""
    pipe = nlp.get_pipe(name)
    if isinstance(pipe, AttributeRuler):
        rules: list[Any] = pipe.patterns
        return [rule["attrs"]["ENT_TYPE"] for rule in rules if "ENT_TYPE" in rule["attrs"]]
    sets_entities = "doc.ents" in nlp.get_pipe_meta(name).assigns
    return nlp.pipe_labels.get(name, []) if sets_entities else []


@dataclass
class Clock:
    """Words predicted, and the seconds that it took."""

    words: int = 0
    seconds: float = 0.0


def predict(
    nlp: Language, corpus: Path, batch_size: int, clock: Clock
) -> Iterator[tuple[Example, Prediction]]:
    """Yield every document of a corpus with what the model found in it."""
    done = 0
    # spaCy's own reader decides, as in `spacy evaluate`, when a document keeps its gold tokens.
    for buffer in minibatch(Corpus(corpus)(nlp), BUFFER):  # type: ignore[no-untyped-call]
        found: dict[int, tuple[Example, Prediction]] = {}
        for places in batches([len(one.reference.text) for one in buffer], batch_size):
            predicted = predict_batch(nlp, [buffer[place] for place in places], clock)
            found.update(zip(places, predicted, strict=True))
            done += len(places)
            progress.report(documents=done)
        for place in range(len(buffer)):
            yield found.pop(place)


def batches(lengths: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Group the places of documents of about the same length, so that little is padding.

    Args:
        lengths: characters of each document; nearer to word pieces than words are.
        batch_size: documents in a batch at most.
    """
    most = PADDED_CHARACTERS[str(get_current_ops().device_type)]
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) == batch_size or (len(batch) + 1) * lengths[place] > most):
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def predict_batch(
    nlp: Language, examples: Sequence[Example], clock: Clock
) -> list[tuple[Example, Prediction]]:
    """Predict documents together; return each with what was found in it."""
    started = time.perf_counter()
    docs = list(nlp.pipe([one.predicted for one in examples], batch_size=len(examples)))
    clock.seconds += time.perf_counter() - started
    clock.words += sum(len(doc) for doc in docs)
    found = [note(Example(doc, one.reference)) for doc, one in zip(docs, examples, strict=True)]
    weigh(nlp, found)
    return found


def note(example: Example) -> tuple[Example, Prediction]:
    """Write down what annotators and model say, in the terms of spaCy's scorer."""
    gold = example.reference
    facts = gold.user_data
    annotated = gold.has_annotation("ENT_IOB")
    spans = sorted(Span(e.start_char, e.end_char, e.label_) for e in gold.ents)
    predicted = sorted(as_scored(example)) if annotated else []
    return example, Prediction(
        id=str(facts.get("id", "")),
        text=gold.text,
        words=len(example.predicted),
        gold=spans,
        predicted=predicted,
        disagreements=disagreements(spans, predicted),
        lost=lost(example),
        meta=facts.get("meta", {}),
    )


def as_scored(example: Example) -> Iterator[Span]:
    """Yield the predicted entities that `spacy.scorer.get_ner_prf` counts, in gold offsets."""
    for entity in example.predicted.ents:
        places = example.alignment.x2y[entity.start : entity.end]
        if len(places):
            span = example.reference[int(places[0]) : int(places[-1]) + 1]
            if all(token.ent_iob != 0 for token in span):
                yield Span(span.start_char, span.end_char, entity.label_)


def lost(example: Example) -> int:
    """Count the gold entities that no run of the model's tokens can stand for."""
    return sum(not reachable(example, one.start, one.end) for one in example.reference.ents)


def reachable(example: Example, start: int, end: int) -> bool:
    """Whether some run of the model's tokens aligns to exactly these gold tokens."""
    aligned = [example.alignment.x2y[int(token)] for token in example.alignment.y2x[start:end]]
    inside = [places for places in aligned if start <= places[0] and places[-1] < end]
    return bool(inside) and (int(inside[0][0]), int(inside[-1][-1])) == (start, end - 1)


def weigh(nlp: Language, found: Sequence[tuple[Example, Prediction]]) -> None:
    """Note how sure the model is wherever it disagrees with the annotators."""
    doubtful = [
        (example.predicted, prediction) for example, prediction in found if prediction.disagreements
    ]
    shares = entity_shares(nlp, [doc for doc, _ in doubtful]) if doubtful else None
    for of_doc, (_, prediction) in zip(shares or (), doubtful, strict=False):
        prediction.disagreements = [sure(one, of_doc) for one in prediction.disagreements]


def sure(one: Disagreement, shares: Shares) -> Disagreement:
    """Add the confidence: in what the model marked, or that what it left out is no entity."""
    if one.predicted:
        span = one.predicted
        confidence = shares.get((span.start, span.end, span.label), 0.0)
    else:
        assert one.gold
        confidence = 1 - shares.get((one.gold.start, one.gold.end, one.gold.label), 0.0)
    return Disagreement(one.kind, one.gold, one.predicted, round(min(1.0, max(0.0, confidence)), 4))
