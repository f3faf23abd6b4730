"""A span categoriser that says each of its labels of every run of one or two words."""

from __future__ import annotations

from pathlib import Path

import spacy
from spacy.training import Example

SUGGESTER = {"@misc": "spacy.ngram_suggester.v1", "sizes": [1, 2]}


def write_spancat(folder: Path, labels: list[str], group: str = "negation") -> Path:
    """Save a pipeline of it alone."""
    nlp = spacy.blank("en")
    settings = {"spans_key": group, "threshold": 0.0, "suggester": SUGGESTER}
    pipe = nlp.add_pipe("spancat", config=settings)
    for label in labels:
        pipe.add_label(label)  # type: ignore[attr-defined]
    nlp.initialize(lambda: [Example.from_dict(nlp.make_doc("no fever"), {})])
    nlp.to_disk(folder)
    return folder
