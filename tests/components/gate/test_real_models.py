"""The gate over real models: what a retrain that nobody watches must not let through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.stages import evaluate, gate, gate_decision_in
from tests.support.tiny_ner import make_docs, shuffle_labels, train_tiny, write_corpus

pytestmark = pytest.mark.xdist_group("champion")


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_tiny(tmp_path_factory.mktemp("champion") / "model", make_docs(80, seed=1))


def evaluated(folder: Path, model: Path, champion: Path) -> dict[str, Any]:
    """What evaluate and gate with its defaults say, on 150 test documents."""
    evaluate(folder, model, write_corpus(folder / "corpus", make_docs(150, seed=2)), champion)
    assert gate(folder, {"records": {"in": 80, "quarantined": 0}}) == 0
    return gate_decision_in(folder)


def test_labels_shuffled_in_a_third_of_train_are_held(tmp_path: Path, champion: Path) -> None:
    degraded = train_tiny(tmp_path / "model", shuffle_labels(make_docs(80, seed=1), fraction=1 / 3))
    gate_decision = evaluated(tmp_path, degraded, champion)
    assert (gate_decision["decision"], gate_decision["outcome"]) == ("hold", "worse")


def test_another_seed_on_the_same_data_is_not_better(tmp_path: Path, champion: Path) -> None:
    again = train_tiny(tmp_path / "model", make_docs(80, seed=1), seed=7)
    gate_decision = evaluated(tmp_path, again, champion)
    assert gate_decision["decision"] == "hold"
    assert gate_decision["outcome"] == "equal"


def test_twice_the_training_is_better_than_half(tmp_path: Path, champion: Path) -> None:
    half = train_tiny(tmp_path / "half", make_docs(80, seed=1), steps=36)
    gate_decision = evaluated(tmp_path, champion, half)
    assert (gate_decision["decision"], gate_decision["outcome"]) == ("promote", "better")
