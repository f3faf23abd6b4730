"""What classifies texts on a shared network: one layer over the mean of the vectors of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.tasks.listener import Shared, listener

# What spaCy's classifiers would be scored by; ours are scored by task.
UNUSED = (
    "cats_score",
    "cats_score_desc",
    "cats_micro_p",
    "cats_micro_r",
    "cats_micro_f",
    "cats_macro_p",
    "cats_macro_r",
    "cats_macro_f",
    "cats_macro_auc",
    "cats_f_per_type",
)


def head(
    name: str, labels: Sequence[str], weight: float, shared: Shared, *, exclusive: bool
) -> dict[str, Any]:
    """See `components.tasks.base.Task.head`."""
    classifier = {
        "factory": "textcat" if exclusive else "textcat_multilabel",
        "threshold": 0.0 if exclusive else 0.5,
        "scorer": {"@scorers": "spacy.textcat_scorer.v2"},
        "model": {
            "@architectures": "spacy.TextCatReduce.v1",
            "exclusive_classes": exclusive,
            "use_reduce_first": False,
            "use_reduce_last": False,
            "use_reduce_max": shared == "tok2vec",
            "use_reduce_mean": True,
            "nO": None,
            "tok2vec": listener(shared, grad_factor(len(labels), exclusive=exclusive)),
        },
    }
    weights = {f"{name}_score": weight, f"{name}_macro_f": 0.0}
    return {
        "components": {name: classifier},
        # spaCy would take every class of a document for one of each classifier.
        "initialize": {
            "components": {name: {"labels": list(labels)}},
            "before_init": {"@callbacks": "retrain.several_classifiers.v1"},
        },
        "training": {"score_weights": weights | dict.fromkeys(UNUSED)},
    }


def grad_factor(labels: int, *, exclusive: bool) -> float:
    """How much of its gradient goes to a transformer, so that other tasks are heard beside it.

    The loss of any of several labels is a sum over them, whose gradient grows with the root of
    their number: 1 up to four labels, 0.29 for 48 (docs/performance.md).
    """
    return 1.0 if exclusive else min(1.0, round(2 / labels**0.5, 2))
