"""What a model that is learnt in seconds scores on the same test documents: the floor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from components.evaluate.settings import EvaluateSettings
from components.records.prediction import Prediction
from components.scoring.compare import compare
from components.scoring.counts import count
from components.tasks.base import Task
from components.tasks.scores import block_of


@dataclass(frozen=True)
class Corpora:
    """Folders of .spacy files: what the model was trained and chosen on."""

    train: Path
    dev: Path


def floor_of(
    corpora: Corpora, task: Task, predictions: Sequence[Prediction], settings: EvaluateSettings
) -> dict[str, Any] | None:
    """The floor of a task; None where its kind has none.

    Args:
        predictions: the model's, on the test documents that it is scored on.

    Returns:
        `what` it is; `overall` and `labels`, and `macro` and `ranking` where the kind has them, as
        in the model's block; and `gain`: the model's overall F minus the floor's, its `interval`
        and the probability `better` that the model's is higher (paired bootstrap).
    """
    train, dev = annotated(corpora.train, task), annotated(corpora.dev, task)
    beside = task.floor(train, dev, predictions)
    if beside is None:
        return None
    resamples, seed, group_by = settings.resamples, settings.seed, settings.group_by
    block = block_of(task, beside, slice_keys=(), resamples=resamples, seed=seed, group_by=group_by)
    new, old = (count(each, task.labels, group_by) for each in (predictions, beside))
    gain = compare(new, old, task.labels, resamples=resamples, seed=seed)["overall"]
    return {
        "what": task.floor_of,
        **{key: block[key] for key in ("overall", "labels", "macro", "ranking") if key in block},
        "gain": {key: gain[key] for key in ("difference", "interval", "better")},
    }


def annotated(corpus: Path, task: Task) -> Iterator[Doc]:
    """The documents of a corpus that were annotated for a task."""
    vocab = Vocab()
    for shard in sorted(corpus.rglob("*.spacy")):
        for doc in DocBin().from_disk(shard).get_docs(vocab):
            if task.annotated(doc):
                yield doc
