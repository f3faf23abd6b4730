"""What finds overlapping spans on a shared network: spaCy's span categoriser.

It scores each run of words that a suggester names. As `spacy init config` writes it, but for the
suggester: sizes [] stand for those that the training corpus asks for (see sizes.py).
"""

from __future__ import annotations

from typing import Any

from components.tasks.listener import Shared, listener


def head(name: str, weight: float, shared: Shared) -> dict[str, Any]:
    """See `components.tasks.base.Task.head`."""
    suggester = {"@misc": "spacy.ngram_suggester.v1", "sizes": []}
    categoriser = {
        "factory": "spancat",
        "spans_key": name,
        "threshold": 0.5,
        "max_positive": None,
        "scorer": {"@scorers": "spacy.spancat_scorer.v1"},
        "suggester": suggester,
        "model": {
            "@architectures": "spacy.SpanCategorizer.v1",
            "reducer": {"@layers": "spacy.mean_max_reducer.v1", "hidden_size": 128},
            "scorer": {"@layers": "spacy.LinearLogistic.v1", "nO": None, "nI": None},
            "tok2vec": listener(shared),
        },
    }
    # What spaCy would count for a categoriser of its own default group.
    unused = ("spans_sc_f", "spans_sc_p", "spans_sc_r")
    weights: dict[str, float | None] = dict.fromkeys(unused)
    weights |= {f"spans_{name}_f": weight, f"spans_{name}_per_type": None}
    weights |= dict.fromkeys((f"spans_{name}_p", f"spans_{name}_r"), 0.0)
    return {
        "components": {name: categoriser},
        "training": {"score_weights": weights},
    }
