"""Small real models, and what the other stages hand to `upload` with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
import spacy
from spacy.pipeline import EntityRuler

from components.registry.base import Artefact
from components.registry.lineage import trace

SCORES = {
    "overall": {"p": 0.9, "r": 0.8, "f": 0.847, "support": 40},
    "labels": {"MONEY": {"p": 0.9, "r": 0.8, "f": 0.847, "support": 40}},
    "champion": None,
}


@pytest.fixture
def outputs(tmp_path: Path) -> dict[str, Path]:
    """The scores, the decision and the report of one run."""
    paths = {
        "scores": tmp_path / "scores.json",
        "gate_decision": tmp_path / "gate_decision.json",
        "report": tmp_path / "report.html",
        "model-card": tmp_path / "MODEL_CARD.md",
        "facts": tmp_path / "facts.json",
        "assignment": tmp_path / "assignment.json",
        "examples": tmp_path / "examples.json",
    }
    paths["scores"].write_text(json.dumps(SCORES), encoding="utf-8")
    paths["gate_decision"].write_text('{"decision": "promote"}', encoding="utf-8")
    paths["model-card"].write_text("# Model card", encoding="utf-8")
    paths["facts"].write_text("{}", encoding="utf-8")
    paths["assignment"].write_text('{"version": 1}', encoding="utf-8")
    paths["examples"].write_text('{"version": 1, "keys": []}', encoding="utf-8")
    paths["report"].write_text("<!doctype html><title>Report</title>", encoding="utf-8")
    return paths


@pytest.fixture
def model(tmp_path: Path) -> Callable[[str], Path]:
    """Make a spaCy pipeline on disk; another word gives another model."""

    def make(word: str) -> Path:
        nlp = spacy.blank("en")
        ruler = cast(EntityRuler, nlp.add_pipe("entity_ruler"))
        ruler.add_patterns([{"label": "MONEY", "pattern": word}])
        folder = tmp_path / f"model-{word}"
        nlp.to_disk(folder)
        return folder

    return make


@pytest.fixture
def artefact(model: Callable[[str], Path], outputs: dict[str, Path]) -> Callable[..., Artefact]:
    """A model with its lineage and documents, as a run would offer it."""

    def make(word: str, *, digest: str = "", decision: str = "promote") -> Artefact:
        folder = model(word)
        lineage = trace(
            folder,
            outputs["scores"],
            decision=decision,
            digest=digest or f"data-{word}",
            run=f"run-{word}",
        )
        return Artefact(folder, {"report.html": outputs["report"]}, lineage)

    return make
