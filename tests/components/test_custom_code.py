"""Modules of registered functions: imported, replaced by another's, or told what is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import spacy

from components.custom_code import code_in_use, how_to_load, import_code, load_model
from components.errors import ConfigError

CODE = """\
from spacy.language import Language

@Language.component("shout")
def shout(doc):
    doc.user_data["said"] = {said!r}
    return doc

class Whisper:
    def __call__(self, doc):
        doc.user_data["whispered"] = {said!r}
        return doc

@Language.factory("whisper")
def whisper(nlp, name):
    return Whisper()
"""


def model(folder: Path, said: str) -> Path:
    """A saved pipeline with two components of a module of its own."""
    with code_in_use(CODE.format(said=said)):
        nlp = spacy.blank("en")
        nlp.add_pipe("shout")
        nlp.add_pipe("whisper")
    nlp.to_disk(folder)
    (folder / "code.py").write_text(CODE.format(said=said), encoding="utf-8")
    return folder


def test_two_models_keep_their_own_code(tmp_path: Path) -> None:
    one, two = (load_model(model(tmp_path / said, said)) for said in ("one", "two"))
    assert one("x").user_data["said"] == one("x").user_data["whispered"] == "one"
    assert two("x").user_data["said"] == two("x").user_data["whispered"] == "two"


def test_models_open_with_spacy_alone_as_how_to_load_says(tmp_path: Path) -> None:
    own = model(tmp_path / "a model", "hello")
    spacy.blank("en").to_disk(tmp_path / "plain")
    code = f"""\
import sys, spacy
{how_to_load(own)}
print(nlp("x").user_data["said"])
{how_to_load(tmp_path / "plain")}
print(nlp("x").text)
assert "components" not in sys.modules
"""
    opened = subprocess.check_output([sys.executable, "-I", "-c", code], cwd=tmp_path, text=True)
    assert opened == "hello\nx\n"


def test_spacys_own_components_stay(tmp_path: Path) -> None:
    model(tmp_path / "one", "one")
    with code_in_use("import spacy"):
        assert spacy.blank("en").add_pipe("ner")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1\nx.y\n", "train.code: mine.py:2: AttributeError"),
        ("x = 1\ndef f(:\n", "train.code: mine.py:2: SyntaxError"),
        ("import json\n\njson.loads('{')\n", "train.code: mine.py:3: JSONDecodeError"),
    ],
)
def test_what_fails_is_reported_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=expected):
        import_code(path)
