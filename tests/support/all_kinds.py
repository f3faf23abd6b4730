"""A pipeline that does a task of every kind and has learnt nothing: it says the same every time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import spacy
from spacy.training import Example

from tests.support.spancat import SUGGESTER
from tests.support.tiny_textcat import bag_of_words

ANY_ENTITY = {"label": "entity", "pattern": [{"ENT_IOB": "B"}, {"ENT_IOB": "I", "OP": "*"}]}


def write_all_kinds(folder: Path, patterns: dict[str, str]) -> Path:
    """Save it: entities that are in `patterns`, their status, every run of words, and a class."""
    nlp = spacy.blank("en")
    preset = {"@misc": "spacy.preset_spans_suggester.v1", "spans_key": "status_entities"}
    components: dict[str, tuple[str, dict[str, Any]]] = {
        "status_entities": (
            "span_ruler",
            {"spans_key": "status_entities", "annotate_ents": False, "overwrite": True},
        ),
        "status": ("spancat_singlelabel", {"spans_key": "status", "suggester": preset}),
        "parts": (
            "spancat",
            {"spans_key": "parts", "threshold": 0.0, "suggester": SUGGESTER},
        ),
        "topic": ("textcat", {"model": bag_of_words(True)}),
    }
    for name, (factory, config) in components.items():
        nlp.add_pipe(factory, name=name, config=config)
    nlp.get_pipe("status_entities").add_patterns([ANY_ENTITY])  # type: ignore[attr-defined]
    nlp.get_pipe("status").add_label("Absent")  # type: ignore[attr-defined]
    nlp.get_pipe("parts").add_label("SCOPE")  # type: ignore[attr-defined]
    cats = {"LUNGS": 1.0, "HEART": 0.0}
    nlp.initialize(lambda: [Example.from_dict(nlp.make_doc("no fever"), {"cats": cats})])
    ruler = nlp.add_pipe("entity_ruler", first=True)  # after `initialize`, which would empty it
    found = [{"label": label, "pattern": text} for text, label in patterns.items()]
    ruler.add_patterns(found)  # type: ignore[attr-defined]
    nlp.get_pipe("status_entities").add_patterns([ANY_ENTITY])  # type: ignore[attr-defined]
    nlp.to_disk(folder)
    return folder
