"""What finds entities on a shared network: a tagger on a transformer, spaCy's parser on others.

The one is the head of minilm-tokens.cfg, the other that of cnn.cfg; each says why.
"""

from __future__ import annotations

from typing import Any

from components.tasks.listener import Shared, listener


def head(name: str, weight: float, shared: Shared) -> dict[str, Any]:
    """See `components.tasks.base.Task.head`."""
    weights: dict[str, float | None] = {"ents_f": weight}
    weights |= dict.fromkeys(("ents_p", "ents_r"), 0.0) | {"ents_per_type": None}
    if shared == "transformer":
        return token_classifier(name, weights)
    recogniser = {
        "factory": "ner",
        "moves": None,
        "update_with_oracle_cut_size": 100,
        "incorrect_spans_key": "incorrect_spans",
        "scorer": {"@scorers": "spacy.ner_scorer.v1"},
        "model": {
            "@architectures": "spacy.TransitionBasedParser.v2",
            "state_type": "ner",
            "extra_state_tokens": False,
            "hidden_width": 64,
            "maxout_pieces": 2,
            "use_upper": True,
            "nO": None,
            "tok2vec": listener(shared),
        },
    }
    return {"components": {name: recogniser}, "training": {"score_weights": weights}}


def token_classifier(name: str, weights: dict[str, float | None]) -> dict[str, Any]:
    """A tagger, and an attribute ruler that makes entities of its tags."""
    tagger = {
        "factory": "tagger",
        "label_smoothing": 0.0,
        "neg_prefix": "!",
        "overwrite": True,
        "scorer": None,
        "model": {
            "@architectures": "spacy.Tagger.v2",
            "nO": None,
            "normalize": False,
            "tok2vec": listener("transformer"),
        },
    }
    ruler = {
        "factory": "attribute_ruler",
        "validate": False,
        "scorer": {"@scorers": "spacy.ner_scorer.v1"},
    }
    unused = ("tag_acc", "tag_micro_p", "tag_micro_r", "tag_micro_f", "pos_acc")
    return {
        "components": {f"{name}_tags": tagger, name: ruler},
        "corpora": {"train": {"augmenter": {"@augmenters": "retrain.entity_tags.v1"}}},
        "initialize": {"after_init": {"@callbacks": "retrain.entities_of_tags.v1"}},
        "training": {"score_weights": weights | dict.fromkeys(unused)},
    }
