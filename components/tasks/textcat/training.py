"""What training needs to know about text classification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from spacy.language import Language
from spacy.pipeline import TextCategorizer
from spacy.pipeline.textcat_multilabel import MultiLabel_TextCategorizer
from spacy.training import Example
from thinc.api import Model

from components.errors import ConfigError
from components.tasks.base import without_example
from components.tasks.textcat.calibrate import FEWEST_OF_LABEL, calibrate, calibrated_scores
from components.tasks.textcat.losses import truths_of

if TYPE_CHECKING:
    from components.tasks.textcat import Kind

LISTENERS = ("transformer-listener", "tok2vec-listener")
SAME = 0.01  # spread of a probability; of a model that learnt, even of a rare label, it is larger
# Finer where calibrated probabilities of a sure model lie.
GRID = np.append(np.linspace(0.02, 0.98, 97), [0.985, 0.99, 0.995, 0.999])


def classifiers(nlp: Language) -> list[TextCategorizer]:
    """The components of a pipeline that classify texts."""
    return [pipe for _, pipe in nlp.pipeline if isinstance(pipe, TextCategorizer)]


def classifier_of(nlp: Language, task: Kind) -> TextCategorizer | None:
    """The component that does a task: that of its name, or the only one that classifies."""
    pipes = {pipe.name: pipe for pipe in classifiers(nlp)}
    remembered = nlp.meta.get("retrain", {}).get(task.name, {}).get("component", task.name)
    only = next(iter(pipes.values())) if len(pipes) == 1 else None
    return pipes.get(remembered, only)


def heads(nlp: Language) -> int:
    """How many components of a pipeline learn from a network that they share."""
    models: list[Any] = [getattr(pipe, "model", None) for _, pipe in nlp.pipeline]
    return sum(
        any(node.name in LISTENERS for node in model.walk())
        for model in models
        if isinstance(model, Model)
    )


def check_pipeline(nlp: Language, task: Kind) -> list[str]:
    """See `components.tasks.base.Task.check_pipeline`."""
    factory = "textcat" if task.exclusive else "textcat_multilabel"
    exclusive = str(task.exclusive).lower()
    pipe = classifier_of(nlp, task)
    if pipe is None:
        there = [nlp.get_pipe_meta(name).factory for name in nlp.component_names]
        raise ConfigError(
            f"training config: nlp.pipeline must have one component with factory {factory!r}, "
            f"for the task {task.name}; it has {', '.join(there)}. Use minilm-tasks, which gives "
            "each task the component that it needs; of several classifiers each has the name of "
            "its task."
        )
    multilabel = isinstance(pipe, MultiLabel_TextCategorizer)
    if task.exclusive in (multilabel, pipe.model.attrs.get("multi_label", multilabel)):
        raise ConfigError(
            f"training config: the task {task.name} says exclusive: {exclusive}, and the component "
            f"{pipe.name} is for the other kind. Under train.set of the phase, set "
            f"components.{pipe.name}.factory to {factory} and "
            f"components.{pipe.name}.model.exclusive_classes to {exclusive}; minilm-tasks needs "
            "neither."
        )
    return without_example(pipe.labels, task.labels)


def calibrated(nlp: Language, task: Kind, examples: Sequence[Example]) -> dict[str, Any]:
    """Calibrate the classifier in its weights; choose thresholds, on the same documents."""
    pipe = classifier_of(nlp, task)
    assert pipe is not None
    before = [example.predicted.cats for example in examples]
    if says_always_the_same(before, pipe.labels):
        print(
            f"Warning: {pipe.name} says the same of every document of dev: it has learnt nothing "
            "that tells one text from another. Look at the report's linear model, choose a "
            "transformer that knows the language of the texts, or lower "
            "training.optimizer.learn_rate.initial_rate."
        )
    calibration = calibrate(pipe, examples)
    result: dict[str, Any] = {"component": pipe.name, "calibration": calibration}
    if not task.exclusive:
        said = np.array([[cats[label] for label in pipe.labels] for cats in before])
        said = calibrated_scores(said, pipe.labels, calibration)
        truths = truths_of([example.reference.cats for example in examples], pipe.labels)
        chosen = thresholds(said, truths, pipe.labels, task.precision)
        result["thresholds"] = chosen
        if task.precision:
            warn_of_low_precision(said, truths, chosen, task.precision)
    return result


def says_always_the_same(said: Sequence[Mapping[str, float]], labels: Sequence[str]) -> bool:
    """Whether a classifier gives all of these documents about the same probabilities."""
    if len(said) < FEWEST_OF_LABEL:
        return False
    chances = np.array([[cats[label] for label in labels] for cats in said])
    return bool((chances.std(axis=0) < SAME).all())


def thresholds(
    said: Any, truths: Any, labels: Sequence[str], precision: float = 0.0
) -> dict[str, float]:
    """Per label the best threshold, drawn to the common one where positives are few.

    The common one is itself drawn to half of its F: the highest F on a hundred documents is mostly
    chance, and half of it is where the threshold of probabilities that are true lies (Lipton and
    others 2014, "Optimal Thresholding of Classifiers to Maximize F1 Measure").

    Args:
        said: probabilities, (documents, labels).
        truths: the same of 1, 0 and NaN.
        precision: what a threshold has to reach; 0: the best has the highest F.
    """
    if not (truths == 1).any():
        return {}
    common = best(said, truths, precision)
    if not precision:
        trust = trusted(int((truths == 1).sum()))
        common = trust * common + (1 - trust) * f_at(common, said, truths) / 2
    chosen = {}
    for place, label in enumerate(labels):
        positives = int((truths[:, place] == 1).sum())
        own = best(said[:, [place]], truths[:, [place]], precision) if positives else common
        # A precision that is asked for must not be traded for stability once there are enough.
        enough = precision > 0 and positives >= FEWEST_OF_LABEL
        trust = 1.0 if enough else trusted(positives)
        chosen[label] = round(trust * own + (1 - trust) * common, 4)
    return chosen


def trusted(positives: int) -> float:
    """How far a threshold that was chosen on so many positives is to be trusted, 0 to 1."""
    return positives / (positives + FEWEST_OF_LABEL)


def best(said: Any, truths: Any, precision: float = 0.0) -> float:
    """The threshold of highest F, or of highest recall among those of a precision.

    The middle one of those that are as good; where none reaches the precision, of the most precise.
    """
    known = ~np.isnan(truths)
    right = truths == 1
    scores = []
    for threshold in GRID:
        if not precision:
            scores.append(f_at(threshold, said, truths))
            continue
        yes = (said >= threshold) & known
        hits = (yes & right).sum()
        reached = hits / max(1, yes.sum())
        scores.append(1 + hits / right.sum() if reached >= precision else reached)
    as_good = GRID[np.isclose(scores, max(scores))]
    return float(as_good[len(as_good) // 2])


def f_at(threshold: float, said: Any, truths: Any) -> float:
    """F of what is said from a threshold up, over the labels that are known."""
    right = truths == 1
    yes = (said >= threshold) & ~np.isnan(truths)
    return float(2 * (yes & right).sum() / max(1, yes.sum() + right.sum()))


def warn_of_low_precision(
    said: Any, truths: Any, chosen: dict[str, float], precision: float
) -> None:
    """Print the labels whose threshold does not reach the precision on dev."""
    for place, (label, threshold) in enumerate(chosen.items()):
        yes = (said[:, place] >= threshold) & ~np.isnan(truths[:, place])
        reached = (truths[yes, place] == 1).mean() if yes.any() else 0.0
        if reached < precision:
            print(
                f"Warning: {label} has a precision of {reached:.2f} on dev, not {precision:.2f}: "
                "no threshold reaches it, or too few of its documents are there to tell."
            )
