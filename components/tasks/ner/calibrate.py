"""Calibration of a tagger's probabilities on dev, folded into its weights.

One temperature for all tags divides what goes into the softmax of each token. No tag overtakes
another, so that the entities stay what they are: how sure the model is of them changes alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.pipeline import EntityRecognizer, Tagger
from spacy.training import Example

from components.tasks.entity_tags import pipes
from components.tasks.iob import labels_of, tag_of
from components.tasks.ner.tag_confidence import distribution
from components.tasks.temperature import FEWEST, temperature, too_few

NOTED = "retrain_tags"
UNKNOWN = -1
SMALLEST = 1e-30  # probability, so that it has a logarithm


def tagger_of(nlp: Language) -> Tagger | None:
    """The tagger that says how sure a pipeline is of entities, if it is one that does.

    One of an architecture that doesn't name its softmax is left as it is.
    """
    if pipes(nlp, EntityRecognizer):
        return None
    taggers = (one for one in pipes(nlp, Tagger) if labels_of(one.labels))
    return next((one for one in taggers if one.model.has_ref("softmax")), None)


def note(nlp: Language, examples: Sequence[Example]) -> None:
    """Keep of each document the logits of the tokens whose tags are known, and these tags."""
    tagger = tagger_of(nlp)
    if tagger is None or not examples:
        return
    columns = {tag: column for column, tag in enumerate(tagger.labels)}
    model: Any = tagger.model
    each = model.predict([one.predicted for one in examples])
    for example, scores in zip(examples, each, strict=True):
        tags = [columns.get(tag_of(one), UNKNOWN) for one in example.get_aligned_ner()]
        right = np.array(tags, np.int32)
        said = np.log(np.maximum(distribution(model.ops.to_numpy(scores)), SMALLEST))
        known = right != UNKNOWN
        example.predicted.user_data[NOTED] = (said[known].astype(np.float32), right[known])


def calibrated(nlp: Language, examples: Sequence[Example]) -> dict[str, Any]:
    """Calibrate the tagger that says how sure a pipeline is.

    A dev set in which nearly every tag is right says nothing of how sure of them a model may be: it
    never becomes surer than it was.

    Returns:
        `calibration`: `documents` with a tag that is known, and `temperature`, or
        `not_calibrated`: why.
    """
    tagger = tagger_of(nlp)
    assert tagger is not None  # Kind.finishes has been there
    noted = [one.predicted.user_data.pop(NOTED) for one in examples]
    noted = [(said, right) for said, right in noted if len(right)]
    if len(noted) < FEWEST:
        return {"calibration": too_few(len(noted))}
    said = np.concatenate([said for said, _ in noted]).astype(np.float64)
    truths = np.zeros(said.shape)
    truths[np.arange(len(said)), np.concatenate([right for _, right in noted])] = 1
    heat = max(1.0, temperature(said, truths))
    layer: Any = tagger.model.get_ref("softmax")
    for name in ("W", "b"):
        layer.set_param(name, layer.get_param(name) / heat)
    return {"calibration": {"documents": len(noted), "temperature": heat}}
