"""How unsure a model is of texts, which labels it may see in them, and what it makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import get_current_ops

from components.answers.batches import batches
from components.answers.vocabulary import Vocabulary
from components.records.record import Item, label_of
from components.tasks.base import Task

BATCH_TEXTS = 128
SHARP = 3  # power of doubt: among 1, 2, 3 the best in the simulations of docs/queue.md
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Doubts:
    """One entry for each text.

    Attributes:
        doubt: of each task, 0 to 1; a task that the model cannot tell it of is missing.
        presence: label -> probability that the text has it; for the labels that were asked for.
    """

    doubt: dict[str, Floats]
    presence: dict[str, Floats]

    @property
    def weight(self) -> Floats | None:
        """How much each text is worth beside the others, 0 or more; None: unknown.

        A text that the model is nearly sure of is worth little. Doubts of different kinds cannot be
        compared, so each task counts as much as the others over all texts.
        """
        if not self.doubt:
            return None
        cubes = [each**SHARP for each in self.doubt.values()]
        mean: Floats = np.mean([each / (each.mean() or 1) for each in cubes], axis=0)
        return mean


@dataclass(frozen=True)
class Reader:
    """One model, and the words that it has learnt of its texts."""

    nlp: Language
    vocabulary: Vocabulary

    def read(self, texts: Sequence[str], note: Callable[[list[int], list[Doc]], None]) -> None:
        """Call `note` with batches of documents and their places; it must keep none of them.

        The words that they brought are forgotten now and then.
        """
        for places in batches([len(text) for text in texts], BATCH_TEXTS):
            batch = [texts[place] for place in places]
            note(places, list(self.nlp.pipe(batch, batch_size=len(batch))))
            if self.vocabulary.crowded():
                self.vocabulary.renew()


def doubts(
    reader: Reader, tasks: Sequence[Task], texts: Sequence[str], labels: Sequence[str]
) -> Doubts:
    """Read texts with a model.

    Args:
        tasks: those of the phase; what the model does not do is left out.
        labels: those of which the probability is to be kept.
    """
    nlp = reader.nlp
    tasks = [task.for_model(nlp) for task in tasks if task.model_labels(nlp)]
    doubt = {task.name: np.zeros(len(texts)) for task in tasks}
    presence = {label: np.zeros(len(texts)) for label in labels}

    def note(places: list[int], docs: list[Doc]) -> None:
        for task in tasks:
            possible = task.possible(nlp, docs)
            if possible is None:
                doubt.pop(task.name, None)
                continue
            for place, said in zip(places, possible, strict=True):
                doubt[task.name][place] = task.doubt(said)
                keep(presence, place, said)

    reader.read(texts, note)
    return Doubts(doubt, presence)


def keep(presence: Mapping[str, Floats], place: int, said: Mapping[Item, float]) -> None:
    """Note the highest probability of each label that is asked for."""
    for item, probability in said.items():
        label = label_of(item)
        if label in presence:
            presence[label][place] = max(presence[label][place], probability)


def embeddings(reader: Reader, texts: Sequence[str]) -> Floats:
    """What the model's own encoder makes of each text: the mean over its pieces; (texts, width)."""
    rows: dict[int, Any] = {}

    def note(places: list[int], docs: list[Doc]) -> None:
        rows.update((place, vector(doc)) for place, doc in zip(places, docs, strict=True))

    reader.read(texts, note)
    width = max((len(row) for row in rows.values()), default=0)
    made = np.zeros((len(texts), width))
    for place, row in rows.items():
        made[place, : len(row)] = row
    lengths = np.linalg.norm(made, axis=1, keepdims=True)
    unit: Floats = made / np.where(lengths > 0, lengths, 1)
    return unit


def vector(doc: Doc) -> Any:
    """The mean of what a transformer or tok2vec makes of the pieces or tokens of a document."""
    ops: Any = get_current_ops()
    if doc.has_extension("trf_data") and doc._.trf_data is not None:
        data = doc._.trf_data
        hidden = np.asarray(ops.to_numpy(data.tensors[0])) if data.tensors else np.zeros((0, 0, 0))
        mask = np.asarray(data.wordpieces.attention_mask)[: len(hidden), : hidden.shape[1]]
        if mask.sum():
            return (hidden * mask[..., None]).sum(axis=(0, 1)) / mask.sum()
        return np.zeros(hidden.shape[-1])
    tensor = np.asarray(ops.to_numpy(doc.tensor))
    return tensor.mean(axis=0) if tensor.size else np.zeros(0)
