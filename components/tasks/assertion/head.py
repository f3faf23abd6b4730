"""What says the status of entities on a shared network: one layer over the mean of their tokens.

A span ruler gathers the entities that another component has set, a `spancat_singlelabel` is asked
of these alone: both are spaCy's own, and one pass over a text is enough for all its entities.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.tasks.listener import Shared, listener

if TYPE_CHECKING:
    from components.tasks.assertion import Kind

SUGGESTER = "spacy.preset_spans_suggester.v1"  # what is asked about lies in a group of spans
# All tokens have a tag to learn from, few a status: weighed alike, a transformer learns too little
# of what tells statuses apart (docs/performance.md).
GRAD_FACTOR = 4.0
# Any entity, whatever its label: a token that starts one, and those that go on with it.
ENTITY = {"label": "entity", "pattern": [{"ENT_IOB": "B"}, {"ENT_IOB": "I", "OP": "*"}]}


def head(task: Kind, shared: Shared) -> dict[str, Any]:
    """See `components.tasks.base.Task.head`."""
    ruler = {
        "factory": "span_ruler",
        "spans_key": task.asked,
        "spans_filter": {"@misc": "spacy.first_longest_spans_filter.v1"},
        "annotate_ents": False,
        "overwrite": True,
        "scorer": None,
    }
    categoriser = {
        "factory": "spancat_singlelabel",
        "spans_key": task.name,
        "negative_weight": 1.0,
        "allow_overlap": True,
        "suggester": {"@misc": SUGGESTER, "spans_key": task.asked},
        "scorer": {"@scorers": "spacy.spancat_scorer.v1"},
        "model": {
            "@architectures": "spacy.SpanCategorizer.v1",
            "reducer": reducer(shared),
            "scorer": {"@layers": "Softmax.v2"},
            "tok2vec": listener(shared, GRAD_FACTOR),
        },
    }
    weights = {f"{task.name}_macro_f": task.weight, **dict.fromkeys(scores_of_spans(task.name))}
    return {
        "components": {task.asked: ruler, task.name: categoriser},
        "initialize": {
            "components": {
                task.asked: {"patterns": [ENTITY]},
                task.name: {"labels": list(task.labels)},
            }
        },
        "training": {"score_weights": weights},
    }


def reducer(shared: Shared) -> dict[str, Any]:
    """What makes one vector of the tokens of an entity."""
    if shared == "transformer":
        return {"@layers": "reduce_mean.v1"}
    return {"@layers": "spacy.mean_max_reducer.v1", "hidden_size": 128}


def scores_of_spans(key: str) -> list[str]:
    """What spaCy would score the component by; ours is scored by task."""
    return [f"spans_{key}_{name}" for name in ("f", "p", "r", "per_type")]
