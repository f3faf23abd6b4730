"""What the classifiers of a saved pipeline say of a text, for a server that has no corpus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spacy.language import Language
from spacy.pipeline import TextCategorizer
from spacy.pipeline.textcat_multilabel import MultiLabel_TextCategorizer

from components.tasks.textcat import THRESHOLD


@dataclass(frozen=True)
class Classifier:
    """One classifier, with what training chose for it on dev.

    Attributes:
        task: its name in training; "" where the pipeline keeps none.
        thresholds: probability from which a label is said, for labels that have one of their own.
        calibrated: whether its probabilities are; None where nobody knows.
    """

    task: str
    labels: tuple[str, ...]
    exclusive: bool
    thresholds: Mapping[str, float]
    calibrated: bool | None

    def said(self, scores: Mapping[str, float]) -> list[str]:
        """The labels that probabilities are enough for: one, or those that reach their threshold.

        Args:
            scores: the probability of each of its labels.
        """
        if self.exclusive:
            return [max(self.labels, key=lambda label: scores[label])]
        return [one for one in self.labels if scores[one] >= self.thresholds.get(one, THRESHOLD)]


def classifiers_of(nlp: Language) -> tuple[Classifier, ...]:
    """The classifiers of a pipeline, in its order; none of one that classifies nothing."""
    return tuple(
        classifier(pipe, nlp.meta.get("retrain", {}))
        for _, pipe in nlp.pipeline
        if isinstance(pipe, TextCategorizer)
    )


def classifier(pipe: TextCategorizer, remembered: Mapping[str, Mapping[str, Any]]) -> Classifier:
    """One component, with what its training remembered; see `Task.after_training`."""
    mine = [name for name, one in remembered.items() if one.get("component") == pipe.name]
    notes = remembered[mine[0]] if mine else {}
    return Classifier(
        task=mine[0] if mine else "",
        labels=tuple(pipe.labels),
        exclusive=not isinstance(pipe, MultiLabel_TextCategorizer),
        thresholds=notes.get("thresholds", {}),
        calibrated="not_calibrated" not in notes["calibration"] if notes else None,
    )
