"""What training needs to know about the status of entities.

The component learns from the annotated entities, whatever the pipeline finds at that step; what
nobody knows the status of gives no gradient.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from types import MethodType
from typing import TYPE_CHECKING, Any

import numpy as np
from spacy.language import Language
from spacy.pipeline.spancat import SpanCategorizer
from spacy.tokens import Span
from spacy.training import Example
from thinc.types import Ragged

from components.errors import ConfigError
from components.scoring.counts import prf
from components.tasks.base import without_example

if TYPE_CHECKING:
    from components.tasks.assertion import Kind

# spaCy gives the component one more label, for spans that are none. Every entity has a status: with
# this bias the probability of that label is 0, and so are its gradients.
NEVER = -1e4


def categoriser_of(nlp: Language, task: Kind) -> Any:
    """The component that does a task; None where there is none."""
    for _, pipe in nlp.pipeline:
        if isinstance(pipe, SpanCategorizer) and pipe.key == task.name:
            return pipe
    return None


def check_pipeline(nlp: Language, task: Kind) -> list[str]:
    """See `components.tasks.base.Task.check_pipeline`."""
    pipe = categoriser_of(nlp, task)
    if pipe is None or pipe.cfg["max_positive"] != 1:
        there = [nlp.get_pipe_meta(name).factory for name in nlp.component_names]
        raise ConfigError(
            "training config: nlp.pipeline has no component spancat_singlelabel with spans_key "
            f"{task.name!r}, which the task {task.name} needs; it has {', '.join(there)}. Use "
            "minilm-tasks, which gives each task the components that it needs."
        )
    return without_example(pipe.labels, task.labels)


def prepare(nlp: Language, task: Kind) -> None:
    """Let the component learn from annotated entities alone, and be scored by task."""
    pipe = categoriser_of(nlp, task)
    output = pipe.model.get_ref("scorer")
    bias = output.get_param("b").copy()
    bias[-1] = NEVER
    output.set_param("b", bias)
    pipe.scorer = dev_scorer(task)
    pipe.asked, pipe.annotated = task.asked, partial(askable, name=task.name)
    setattr(pipe, "update", MethodType(update, pipe))  # noqa: B010 - mypy


def askable(example: Example, name: str) -> list[Span]:
    """The annotated entities of known status as spans of the pipeline's tokens, each once."""
    spans = example.reference.spans.get(name) or []
    aligned = example.get_aligned_spans_y2x(spans, allow_overlap=True)
    return list({(span.start, span.end): span for span in aligned}.values())


def update(
    pipe: Any,
    examples: Iterable[Example],
    *,
    drop: float = 0.0,
    sgd: Any = None,
    losses: dict[str, float] | None = None,
) -> dict[str, float]:
    """Stands in for the component's `update`: what it is asked of is what annotators marked."""
    losses, examples = {} if losses is None else losses, list(examples)
    for example in examples:
        example.predicted.spans[pipe.asked] = pipe.annotated(example)
    if any(example.predicted.spans[pipe.asked] for example in examples):
        SpanCategorizer.update(pipe, examples, drop=drop, sgd=sgd, losses=losses)
    else:
        losses.setdefault(pipe.name, 0.0)
        answer_nothing(pipe, examples)
    return losses


def answer_nothing(pipe: Any, examples: list[Example]) -> None:
    """Send back gradients of zero: a shared network waits for all that listen to it."""
    docs = [example.predicted for example in examples]
    lengths = np.zeros(len(docs), dtype="i")
    lengths[next((n for n, doc in enumerate(docs) if len(doc)), 0)] = 1
    ops = pipe.model.ops
    if any(map(len, docs)):
        one = Ragged(ops.asarray([[0, 1]], dtype="i"), ops.asarray1i(lengths))
        scores, backward = pipe.model.begin_update((docs, one))
        backward(ops.alloc2f(*scores.shape))


def dev_scorer(task: Kind) -> Any:
    """A scorer whose F is the mean over statuses, of entity and status right.

    On dev a pipeline is asked of what it finds itself, as it will be in use.
    """

    def score(examples: Iterable[Example], **_: Any) -> dict[str, float | None]:
        totals = {label: np.zeros(3) for label in task.labels}
        for example in examples:
            if task.annotated(example.reference):
                for label, counts in task.end_to_end(example).items():
                    totals[label] += counts
        each = [prf(one) for one in totals.values() if one[0] + one[2]]
        means = np.mean(each, axis=0).tolist() if each else [None] * 3
        return {f"{task.name}_macro_{name}": mean for name, mean in zip("prf", means, strict=True)}

    return score
