"""A team's daily life with Vertex AI, in a real project: `make test-vertex PROJECT=…`."""

from __future__ import annotations

import json
from pathlib import Path

import spacy

from tests.vertex.daily import (
    retrain,
    test_a_run_from_the_plan_to_its_end,
    test_a_schedule_is_made_once_paused_resumed_and_deleted,
    test_doctor_finds_nothing_missing,
    test_versions_are_kept_promoted_rolled_back_and_pulled,
)

__all__ = [
    "test_a_run_from_the_plan_to_its_end",
    "test_a_schedule_is_made_once_paused_resumed_and_deleted",
    "test_doctor_finds_nothing_missing",
    "test_versions_are_kept_promoted_rolled_back_and_pulled",
]


def test_what_a_run_made_comes_back(place: Path, tmp_path: Path) -> None:
    """Finds the run of the test above, or makes it."""
    run = json.loads(retrain("submit", place, "--json"))["run"]
    retrain("submit", place, "--wait")
    retrain("pull", place, run, "-o", tmp_path / "pulled")
    assert "ner" in spacy.load(tmp_path / "pulled" / "phase-1" / "model").pipe_names
    (annotations,) = (tmp_path / "pulled" / "phase-1" / "annotations").rglob("*.jsonl")
    assert len(annotations.read_bytes().splitlines()) == 120
