"""What training needs to know about text classification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from spacy.language import Language
from spacy.pipeline import TextCategorizer
from spacy.pipeline.textcat_multilabel import MultiLabel_TextCategorizer
from spacy.training import Example

from components.errors import ConfigError, DataError
from components.tasks.textcat.calibrate import FEWEST_OF_LABEL, calibrate
from components.tasks.textcat.losses import truths_of

if TYPE_CHECKING:
    from components.tasks.textcat import Kind

GRID = np.linspace(0.02, 0.98, 97)


def classifiers(nlp: Language) -> list[TextCategorizer]:
    """The components of a pipeline that classify texts."""
    return [pipe for _, pipe in nlp.pipeline if isinstance(pipe, TextCategorizer)]


def check_pipeline(nlp: Language, labels: Sequence[str], *, exclusive: bool) -> list[str]:
    """See `components.tasks.base.Task.check_pipeline`."""
    factory = "textcat" if exclusive else "textcat_multilabel"
    pipes = classifiers(nlp)
    if len(pipes) != 1 or isinstance(pipes[0], MultiLabel_TextCategorizer) == exclusive:
        names = ", ".join(nlp.get_factory_meta(name).factory for name in nlp.factory_names) or "no"
        raise ConfigError(
            f"training config: nlp.pipeline must have one component with factory {factory!r}, "
            f"since the task says exclusive: {str(exclusive).lower()}. Use minilm-classes, or "
            f"set components.<name>.factory. Known factories: {names}."
        )
    learnt = set(pipes[0].labels)
    unknown = sorted(learnt - set(labels))
    if unknown:
        raise DataError(
            f"the training corpus holds labels that the phase does not name: {', '.join(unknown)}. "
            "Add them to the phase's labels, or leave them out with ingest's select.drop."
        )
    return sorted(set(labels) - learnt)


def calibrated(nlp: Language, task: Kind, examples: Sequence[Example]) -> dict[str, Any]:
    """Calibrate the classifier in its weights; choose thresholds, on the same documents."""
    (pipe,) = classifiers(nlp)
    result: dict[str, Any] = {
        "component": pipe.name,
        "calibration": calibrate(pipe, examples),
    }
    if not task.exclusive:
        docs = list(nlp.pipe([example.predicted.copy() for example in examples]))
        said = np.array([[doc.cats[label] for label in pipe.labels] for doc in docs])
        truths = truths_of([example.reference.cats for example in examples], pipe.labels)
        result["thresholds"] = thresholds(said, truths, pipe.labels)
    return result


def thresholds(said: Any, truths: Any, labels: Sequence[str]) -> dict[str, float]:
    """Per label the threshold of highest F, drawn to the common one where positives are few.

    Args:
        said: probabilities, (documents, labels).
        truths: the same of 1, 0 and NaN.
    """
    if not (truths == 1).any():
        return {}
    common = best(said, truths)
    chosen = {}
    for place, label in enumerate(labels):
        positives = int((truths[:, place] == 1).sum())
        trust = positives / (positives + FEWEST_OF_LABEL)
        own = best(said[:, [place]], truths[:, [place]]) if positives else common
        chosen[label] = round(trust * own + (1 - trust) * common, 4)
    return chosen


def best(said: Any, truths: Any) -> float:
    """The threshold of highest F; the middle one of those that are as good."""
    known = ~np.isnan(truths)
    right = truths == 1
    scores = []
    for threshold in GRID:
        yes = (said >= threshold) & known
        hits = (yes & right).sum()
        scores.append(2 * hits / max(1, yes.sum() + right.sum()))
    as_good = GRID[np.isclose(scores, max(scores))]
    return float(as_good[len(as_good) // 2])
