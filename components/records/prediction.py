"""What a model said about a document, beside what annotators said.

A JSON Lines file of these is the `predictions` output of `evaluate`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from components.errors import DataError
from components.records import json_lines
from components.records.record import Item

VERSION = 3  # 1 had no task, since all were ner; 2 had `lost` for `unalignable`; neither said so

Kind = Literal["missed", "spurious", "label", "boundary"]


class Disagreement(msgspec.Struct, omit_defaults=True, frozen=True):
    """One place where the model and the annotators differ.

    Attributes:
        kind: "missed" (only gold has it), "spurious" (only the model has it), "label" (both have
            something here, of different labels) or "boundary" (same label, other ends).
        gold: what the annotators marked; None when spurious.
        predicted: what the model marked; None when missed.
        confidence: how sure the model is that the annotators are wrong, 0 to 1; None when the
            model cannot say.
    """

    kind: Kind
    gold: Item | None = None
    predicted: Item | None = None
    confidence: float | None = None


class Prediction(msgspec.Struct, omit_defaults=True):
    """One document, or one window of a long one, for one task.

    Attributes:
        id: of the document; windows of one document share it.
        words: tokens that the model read.
        gold: what annotators marked, sorted.
        predicted: what the model says, sorted, as it is scored: without what nobody knows to be
            right or wrong; spans in the offsets in which spaCy's scorer compares them.
        unalignable: how many of `gold` the model's tokeniser cannot delimit: always missed.
        scores: probability of each label, where the kind of task keeps them.
        unknown: labels of which nobody knows whether the document has them.
        end_to_end: label -> how often it is right, spurious and missed where nothing was given
            away, for kinds whose `predicted` is told what annotators marked.
        task: name of the task.
        version: of the file's form; in files that are older than VERSION it is absent.
    """

    id: str
    text: str
    words: int
    gold: list[Item]
    predicted: list[Item]
    disagreements: list[Disagreement] = []
    unalignable: int = 0
    meta: dict[str, Any] = {}
    scores: dict[str, float] = {}
    unknown: list[str] = []
    end_to_end: dict[str, list[int]] = {}
    task: str = "ner"
    version: int = 0
    lost: int = 0

    def __post_init__(self) -> None:
        self.unalignable, self.lost = self.unalignable or self.lost, 0


def read_predictions(path: Path) -> Iterator[Prediction]:
    """Yield what `write_predictions` wrote.

    Raises:
        DataError: a line is not a prediction, or of a newer version.
    """
    for prediction in json_lines.read(path, Prediction, "a prediction", "`evaluate`"):
        if prediction.version > VERSION:
            raise DataError(
                f"{path}: predictions of version {prediction.version}, and this program reads up "
                f"to {VERSION}: use the release of retrain that wrote them, or a newer one."
            )
        yield prediction


def write_predictions(path: Path, predictions: Iterable[Prediction]) -> None:
    """Write predictions as JSON Lines, whole or not at all."""
    json_lines.write(path, (replace(each, version=VERSION) for each in predictions))
