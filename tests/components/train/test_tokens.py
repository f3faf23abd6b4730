"""The token classifier finds entities with nothing but spaCy."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from components.tasks.entity_tags import entity_tags, patterns

Train = Callable[..., int]

OPEN = """
import json, sys, spacy
nlp = spacy.load(sys.argv[1])
doc = nlp("The fee is £7 if you apply online.")
ours = sorted(name for name in sys.modules if name.split(".")[0] in ("components", "pipelines"))
print(json.dumps({"ours": ours, "tags": [token.tag_ for token in doc],
                  "ents": [[entity.text, entity.label_] for entity in doc.ents]}))
"""


@pytest.fixture
def ruler() -> Language:
    """Only the second half of the classifier."""
    nlp = spacy.blank("en")
    nlp.add_pipe("attribute_ruler").add_patterns(patterns(["A", "B-C"]))  # type: ignore[attr-defined]
    return nlp


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("O B-A I-A O", ["1-3 A"]),
        ("B-A B-A I-A I-A", ["0-1 A", "1-4 A"]),
        ("I-A I-A O I-A", []),
        ("B-A I-B-C I-B-C B-B-C", ["0-3 A", "3-4 B-C"]),
        ("I-A B-A I-B-C I-A", ["1-4 A"]),
        ("O O O O", []),
    ],
)
def test_tags_become_entities(ruler: Language, tags: str, expected: list[str]) -> None:
    doc = ruler.get_pipe("attribute_ruler")(Doc(ruler.vocab, words=list("abcd"), tags=tags.split()))
    assert [f"{e.start}-{e.end} {e.label_}" for e in doc.ents] == expected
    assert doc.has_annotation("ENT_IOB", require_complete=True)
    assert [token.tag_ for token in doc] == [""] * 4


def test_training_documents_get_tags_on_the_tokens_of_the_pipeline() -> None:
    nlp = spacy.blank("en")
    words = ["Ask", "Ann", "Lee", "about", "form", "SA1", "/", "x", ",", "or", "Bob"]
    spaces = [word not in ("SA1", "/", "x", "Bob") for word in words]
    ents = ["O", "B-PERSON", "I-PERSON", "O", "O", "B-FORM", "O", "O", "O", "O", ""]
    reference = Doc(nlp.vocab, words=words, spaces=spaces, ents=ents)
    predicted = ["Ask", "Ann", "Lee", "about", "form", "SA1/x", ",", "or", "Bob"]
    example = Example(Doc(nlp.vocab, words=predicted), reference)
    [tagged] = entity_tags()(nlp, example)
    tags = [token.tag_ for token in tagged.reference]
    # "SA1/x" is one token of the pipeline, of which the entity is only a part.
    assert tags == ["O", "B-PERSON", "I-PERSON", "O", "O", "", "O", "O", ""]
    assert tagged.get_aligned("TAG", as_string=True) == tags


def test_trained_pipeline_needs_nothing_of_ours(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overrides: dict[str, Any] = {
        "components.transformer.model.name": "tiny/bert",
        "training.optimizer.learn_rate.initial_rate": 0.01,
        "training.max_steps": 90,
        "training.eval_frequency": 30,
    }
    assert train("minilm-tokens", overrides) == 0
    assert "ENTS_F" in capsys.readouterr().out
    history = (tmp_path / "out/log/history.jsonl").read_text(encoding="utf-8").splitlines()
    assert max(json.loads(line)["f"] for line in history) > 0.9
    done = subprocess.run(
        [sys.executable, "-c", OPEN, tmp_path / "out/model"],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    result = json.loads(done.stdout)
    assert result["ours"] == []
    assert result["ents"] == [["£7", "MONEY"]]
    assert set(result["tags"]) == {""}
