"""Run a spaCy pipeline over the test corpus and note what it finds.

The only module of this stage that knows spaCy.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.training import Corpus, Example
from spacy.util import minibatch
from thinc.api import prefer_gpu

from components import progress
from components.answers.batches import batches
from components.custom_code import load_model
from components.errors import DataError
from components.records.prediction import Disagreement, Prediction
from components.records.record import Item
from components.span_parts import read_in_parts
from components.tasks.base import Scores, Task

BUFFER = 4096  # documents among which batches of like length are formed


@dataclass(frozen=True)
class Run:
    """What a model made of a corpus.

    Attributes:
        predictions: task -> one per document or window that was annotated for it, in the corpus's
            order.
        official: task -> the scores of spaCy's own scorer, see `Task.official`.
        words_per_second: speed of the pipeline alone, without reading and scoring.
        labels: task -> what the model can predict.
        tasks: task -> as this model does it, see `Task.for_model`.
    """

    predictions: dict[str, list[Prediction]]
    official: dict[str, dict[str, Scores] | None]
    words_per_second: float
    labels: dict[str, tuple[str, ...]]
    tasks: dict[str, Task]


def import_libraries(model: Path) -> None:
    """Import what spaCy would as it loads a model with a transformer, without loading the model."""
    config = model / "config.cfg"
    if config.is_file() and b"spacy-transformers." in config.read_bytes():
        importlib.import_module("spacy_transformers")


def load(model: Path) -> Language:
    """Load a pipeline, on the GPU when there is one."""
    prefer_gpu()
    nlp: Language = load_model(model)
    return nlp


def run(nlp: Language, corpus: Path, tasks: Sequence[Task], batch_size: int) -> Run:
    """Predict a corpus.

    Args:
        corpus: a folder of .spacy files.

    Raises:
        DataError: the corpus holds no documents.
    """
    tasks = [task.for_model(nlp) for task in tasks]
    predictions: dict[str, list[Prediction]] = {task.name: [] for task in tasks}
    clock = Clock()

    def examples() -> Iterator[Example]:
        for example, noted in predict(nlp, corpus, tasks, batch_size, clock):
            for prediction in noted:
                predictions[prediction.task].append(prediction)
            yield example

    with read_in_parts(nlp):
        official = officially(examples(), tasks)
    if not any(predictions.values()):
        raise DataError(f"{corpus}: no documents to test on. Give the test split more of the data.")
    return Run(
        predictions,
        official,
        clock.words / max(clock.seconds, 1e-9),
        {task.name: task.model_labels(nlp) for task in tasks},
        {task.name: task for task in tasks},
    )


def officially(
    examples: Iterable[Example], tasks: Sequence[Task]
) -> dict[str, dict[str, Scores] | None]:
    """The scores of spaCy's own scorers for each task."""
    if len(tasks) > 1:  # a stream can be drunk from once; so they have to be kept
        examples = list(examples)
    return {
        task.name: task.official(one for one in examples if task.annotated(one.reference))
        for task in tasks
    }


@dataclass
class Clock:
    """Words predicted, and the seconds that it took."""

    words: int = 0
    seconds: float = 0.0


Noted = tuple[Example, list[Prediction]]


def predict(
    nlp: Language, corpus: Path, tasks: Sequence[Task], batch_size: int, clock: Clock
) -> Iterator[Noted]:
    """Yield every document of a corpus with what the model said of it for each task."""
    done = 0
    # spaCy's own reader decides, as in `spacy evaluate`, when a document keeps its gold tokens.
    for buffer in minibatch(Corpus(corpus)(nlp), BUFFER):  # type: ignore[no-untyped-call]
        noted: dict[int, Noted] = {}
        for places in batches([len(one.reference.text) for one in buffer], batch_size):
            batch = [buffer[place] for place in places]
            predicted = predict_batch(nlp, batch, tasks, clock)
            noted.update(zip(places, predicted, strict=True))
            done += len(places)
            progress.report(documents=done)
        for place in range(len(buffer)):
            yield noted.pop(place)


def predict_batch(
    nlp: Language, examples: Sequence[Example], tasks: Sequence[Task], clock: Clock
) -> list[Noted]:
    """Predict documents together; return each with what was found in it."""
    started = time.perf_counter()
    docs = list(nlp.pipe([one.predicted for one in examples], batch_size=len(examples)))
    clock.seconds += time.perf_counter() - started
    clock.words += sum(len(doc) for doc in docs)
    compared = [Example(doc, one.reference) for doc, one in zip(docs, examples, strict=True)]
    noted: list[Noted] = [(one, []) for one in compared]
    for task in tasks:
        asked = [
            (one, place) for place, one in enumerate(compared) if task.annotated(one.reference)
        ]
        task.ask(nlp, [one for one, _ in asked])
        predictions = [note(one, task) for one, _ in asked]
        add_confidence(nlp, task, [one for one, _ in asked], predictions)
        for (_, place), prediction in zip(asked, predictions, strict=True):
            noted[place][1].append(prediction)
    for doc in docs:
        # All that a transformer computed of it: of a few thousand documents it would fill memory.
        if doc.has_extension("trf_data"):
            doc._.trf_data = None
    return noted


def note(example: Example, task: Task) -> Prediction:
    """Write down what annotators and model say."""
    about: dict[str, Any] = example.reference.user_data
    gold, predicted = task.gold(example.reference), task.predicted(example)
    return Prediction(
        task=task.name,
        id=str(about.get("id", "")),
        text=example.reference.text,
        words=len(example.predicted),
        gold=gold,
        predicted=predicted,
        disagreements=task.disagreements(gold, predicted),
        unalignable=task.unalignable(example),
        meta=about.get("meta", {}),
        scores=task.scores(example),
        unknown=task.unknown(example),
        end_to_end=task.end_to_end(example),
    )


def add_confidence(
    nlp: Language, task: Task, examples: Sequence[Example], predictions: Sequence[Prediction]
) -> None:
    """Note how sure the model is wherever it disagrees with the annotators."""
    doubtful = [
        (example.predicted, prediction)
        for example, prediction in zip(examples, predictions, strict=True)
        if prediction.disagreements
    ]
    confidences = task.confidence(nlp, [doc for doc, _ in doubtful]) if doubtful else None
    for of_doc, (_, prediction) in zip(confidences or (), doubtful, strict=False):
        prediction.disagreements = [
            with_confidence(one, of_doc) for one in prediction.disagreements
        ]


def with_confidence(one: Disagreement, confidences: Mapping[Item, float]) -> Disagreement:
    """Add the confidence: in what the model said, or that what it left out is not there."""
    if one.predicted is not None:
        confidence = confidences.get(one.predicted, 0.0)
    else:
        assert one.gold is not None
        confidence = 1 - confidences.get(one.gold, 0.0)
    return Disagreement(one.kind, one.gold, one.predicted, round(min(1.0, max(0.0, confidence)), 4))
