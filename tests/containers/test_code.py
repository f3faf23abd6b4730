"""A server of two models that each bring a component of the same name."""

from __future__ import annotations

from pathlib import Path

import spacy

from components.answers.models import Question, Source, load
from components.custom_code import code_in_use

CODE = """\
from spacy.language import Language
from spacy.tokens import Span


@Language.component("first_word")
def first_word(doc):
    doc.ents = [Span(doc, {start}, {start} + 1, "{label}")]
    return doc
"""


def model(folder: Path, start: int, label: str) -> Source:
    """A pipeline that calls one word of each text an entity."""
    code = CODE.format(start=start, label=label)
    with code_in_use(code):
        nlp = spacy.blank("en")
        nlp.add_pipe("first_word")
    nlp.to_disk(folder)
    (folder / "code.py").write_text(code, encoding="utf-8")
    return Source(label, folder)


def test_each_phase_runs_its_own_code(tmp_path: Path) -> None:
    sources = [model(tmp_path / label, start, label) for start, label in enumerate(("A", "B"))]
    [findings] = load(sources).analyse(["one two"], Question(("A", "B")))
    words = [(entity.text, entity.label) for entity in findings.entities]
    assert words == [
        ("one", "A"),
        ("two", "B"),
    ]
