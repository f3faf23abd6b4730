"""What training needs to know about overlapping spans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from spacy.language import Language
from spacy.pipeline import SpanCategorizer
from spacy.training import Example

from components.errors import ConfigError, DataError
from components.tasks.base import without_example
from components.tasks.spans.losses import learn_only_what_is_known, truths_of
from components.tasks.spans.sizes import Lengths

if TYPE_CHECKING:
    from components.tasks.spans import Kind

FEWEST = 20  # spans of dev under which a threshold says more of chance than of the model
HALF = 0.5
NOTED = "retrain_runs_of_"
RARE = -4.6  # log odds of 1 in 100
READ = 10_000  # documents that sizes are chosen by


def categorisers(nlp: Language) -> list[SpanCategorizer]:
    """The components of a pipeline that find overlapping spans, of any number of labels each."""
    return [
        pipe
        for _, pipe in nlp.pipeline
        if isinstance(pipe, SpanCategorizer) and not pipe.add_negative_label
    ]


def categoriser_of(nlp: Language, task: str) -> SpanCategorizer | None:
    """The component that does a task: the one that writes the group of its name."""
    return next((pipe for pipe in categorisers(nlp) if pipe.key == task), None)


def check_pipeline(nlp: Language, task: str, labels: Sequence[str]) -> list[str]:
    """See `components.tasks.base.Task.check_pipeline`."""
    pipe = categoriser_of(nlp, task)
    if pipe is None:
        there = [f"{one.name} (spans_key {one.key})" for one in categorisers(nlp)]
        raise ConfigError(
            f"training config: nlp.pipeline has no component that finds the spans of {task}: one "
            f"with factory 'spancat' and spans_key {task!r}. It has "
            f"{', '.join(there) or 'no span categoriser'}. Use minilm-tasks, which gives each task "
            "the component that it needs."
        )
    return without_example(pipe.labels, labels)


def of_corpus(config: Mapping[str, Any], examples: Iterable[Example], task: Kind) -> dict[str, Any]:
    """The sizes of the task's suggester, where the config leaves them open.

    Raises:
        DataError: the corpus has no span to choose them by.
    """
    key = open_sizes(config, task.name)
    if not key:
        return {}
    lengths = lengths_of(examples, task)
    if not lengths.spans:
        raise DataError(f"{task.name}: the training corpus holds no span that can be learnt")
    sizes = lengths.chosen(task.recall)
    print(f"{task.name}: the model considers {lengths.in_words(sizes)}", flush=True)
    return {key: sizes}


def open_sizes(config: Mapping[str, Any], task: str) -> str:
    """Where the sizes of a task's suggester stand, if the config leaves them open; else ""."""
    for name, part in config["components"].items():
        mine = part.get("factory") == "spancat" and part.get("spans_key") == task
        if mine and part.get("suggester", {}).get("sizes") == []:
            return f"components.{name}.suggester.sizes"
    return ""


def lengths_of(examples: Iterable[Example], task: Kind) -> Lengths:
    """How long the spans of a task are, in the tokens that are learnt from."""
    lengths = Lengths()
    annotated = (one for one in examples if task.annotated(one.reference))
    for example in islice(annotated, READ):
        lengths.documents[len(example.predicted)] += 1
        marked = example.reference.spans.get(task.name, ())
        aligned = example.get_aligned_spans_y2x(marked, True) if len(marked) else ()
        lengths.spans.update(len(span) for span in aligned)
    return lengths


def before_training(nlp: Language, task: str) -> None:
    """Give the categoriser the loss of the task, and let it begin with what is rare as rare."""
    pipe = categoriser_of(nlp, task)
    assert pipe is not None  # check_pipeline has been there
    learn_only_what_is_known(pipe, task)
    scorer: Any = pipe.model.get_ref("scorer")
    for layer in scorer.walk():
        if layer.has_param("b"):
            layer.get_param("b")[:] = RARE


def note(nlp: Language, examples: Sequence[Example], task: str) -> None:
    """Keep what the categoriser says of the runs of words of each document, and what is true."""
    pipe = categoriser_of(nlp, task)
    if pipe is None or not examples:
        return
    ops: Any = pipe.model.ops
    runs, scores = pipe.predict([one.predicted for one in examples])
    ends = ops.to_numpy(runs.lengths).cumsum()[:-1]
    said = np.split(ops.to_numpy(scores), ends)
    truths = np.split(truths_of(pipe, list(examples), runs, task), ends)
    for example, *noted in zip(examples, said, truths, strict=True):
        example.predicted.user_data[NOTED + task] = noted


def after_training(nlp: Language, examples: Sequence[Example], task: Kind) -> dict[str, Any]:
    """Choose the threshold on dev; remember it, and what the suggester does there."""
    pipe = categoriser_of(nlp, task.name)
    assert pipe is not None
    noted = [one.predicted.user_data.pop(NOTED + task.name) for one in examples]
    nothing = np.zeros((0, len(pipe.labels)))
    said = np.concatenate([nothing, *(said for said, _ in noted)])
    truths = np.concatenate([nothing, *(truths for _, truths in noted)])
    marked = sum(len(one.reference.spans.get(task.name, ())) for one in examples)
    threshold = best_threshold(said, truths, marked)
    config = nlp.get_pipe_config(pipe.name)
    pipe.cfg["threshold"] = config["threshold"] = threshold
    words = sum(len(example.predicted) for example in examples)
    return {
        "component": pipe.name,
        "threshold": threshold,
        "suggester": {
            "sizes": config["suggester"].get("sizes"),
            "recall": round(float((truths == 1).sum()) / marked, 4) if marked else None,
            "cost": round(len(truths) / max(1, words), 2),
        },
    }


def best_threshold(said: Any, truths: Any, marked: int) -> float:
    """The threshold of highest F; a half where there are too few spans to tell.

    Args:
        said: probabilities, (runs, labels); `truths` the same of 1, 0 and NaN.
        marked: how many spans there are, those too that no run is.
    """
    known = ~np.isnan(truths)
    if marked < FEWEST or not known.any():
        return HALF
    order = np.argsort(-said[known], kind="stable")
    ranked = said[known][order]
    hits = np.cumsum(truths[known][order])
    f = 2 * hits / (np.arange(1, len(hits) + 1) + marked)
    best = int(f.argmax())
    after = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return round(float(ranked[best] + after) / 2, 4)
