"""Classes beside a model in production whose labels are others, and what the gate says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import DocBin

from tests.support.stages import gate_decision_in, run_stage
from tests.support.tiny_textcat import TEXTS, train_tiny

RENT = {"a tenant pays a deposit": "RENT", "the landlord and the deposit": "RENT"}
WAS = {text: max(cats, key=cats.__getitem__) for text, cats in TEXTS.items()}


def texts_of(labels: list[str], said: dict[str, str]) -> dict[str, dict[str, float]]:
    return {
        text: {label: float(label == right) for label in labels}
        for text, right in said.items()
        if right in labels
    }


def scores_and_decision(
    folder: Path, new: list[str], old: list[str] | None, said: dict[str, str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Scores of a model of some labels beside one of others, and the gate's decision.

    Args:
        old: labels of the model in production; None where it is there already.
    """
    train_tiny(folder / "new", exclusive=True, texts=texts_of(new, {**WAS, **said}))
    if old is not None:
        train_tiny(folder / "old", exclusive=True, texts=texts_of(old, said))
    nlp, packed = spacy.blank("en"), DocBin(store_user_data=True)
    for number, (text, cats) in enumerate(texts_of(new, said).items()):
        doc = nlp.make_doc(text)
        doc.cats, doc.user_data = cats, {"id": str(number), "meta": {}}
        packed.add(doc)
    (folder / "test").mkdir()
    packed.to_disk(folder / "test" / "test.spacy")
    tasks = json.dumps([{"name": "topic", "kind": "textcat", "labels": new}])
    outputs = ("scores", "predictions", "metrics", "confusion")
    code = run_stage(
        "evaluate",
        {
            "tasks": tasks,
            "model": folder / "new",
            "test-corpus": folder / "test",
            "champion": folder / "old",
            "init": "base",
            "settings": '{"resamples": 100}',
            **{name: folder / name for name in outputs},
        },
    )
    assert code == 0
    records = {"in": 9, "kept": 9, "skipped": 0, "quarantined": 0}
    (folder / "data-report").write_text(json.dumps({"records": records}), encoding="utf-8")
    executor = {"outputs": {"outputFile": str(folder / "gate.json")}}
    code = run_stage(
        "gate",
        {
            "executor-input": json.dumps(executor),
            "tasks": tasks,
            "context": "{}",
            "settings": json.dumps({"max_interval": 1, "min_support": 1}),
            **{name: folder / name for name in ("scores", "data-report", "champion-metadata")},
            **{name: folder / name for name in ("gate-decision", "summary")},
        },
    )
    assert code == 0
    scores = json.loads((folder / "scores").read_text(encoding="utf-8"))["tasks"]["topic"]
    return scores, gate_decision_in(folder)


def test_a_label_that_is_new_is_not_held_against_the_model_in_production(tmp_path: Path) -> None:
    """Of a text about rent it has to say something else, and was never asked."""
    scores, decision = scores_and_decision(
        tmp_path, ["TAX", "VISA", "RENT"], ["TAX", "VISA"], {**WAS, **RENT}
    )
    comparison = scores["champion"]["comparison"]
    assert comparison["labels"] == ["TAX", "VISA"]
    assert comparison["overall"]["f"] == {"new": 1.0, "champion": 1.0}
    texts = [rule["text"] for rule in decision["rules"]]
    assert "New against the model in production, so not compared: RENT." in texts


def test_a_label_that_is_gone_is_named(tmp_path: Path) -> None:
    scores, decision = scores_and_decision(
        tmp_path, ["TAX", "VISA"], ["TAX", "VISA", "RENT"], {**WAS, **RENT}
    )
    assert scores["champion"]["comparison"]["overall"]["difference"] == pytest.approx(0)
    texts = " ".join(rule["text"] for rule in decision["rules"])
    assert "The model in production also finds RENT" in texts


def test_a_model_in_production_of_other_labels_alone_holds_the_new_one(tmp_path: Path) -> None:
    other = {"a tenant pays": "RENT", "a deposit": "RENT", "a road": "ROAD", "the road": "ROAD"}
    _, decision = scores_and_decision(tmp_path, ["TAX", "VISA"], ["RENT", "ROAD"], {**WAS, **other})
    assert decision["decision"] == "hold"
    assert decision["reasons"] == [
        "The model in production shares no label with this phase: is it the right one?"
    ]


def test_nothing_to_compare_on_is_no_comparison(tmp_path: Path) -> None:
    """The model in production knows one label of the phase, and no test document has it."""
    said = {text: right for text, right in {**WAS, **RENT}.items() if right != "TAX"}
    other = {"pay the tax": "TAX", "a tax": "TAX", "a road": "ROAD", "the road": "ROAD"}
    train_tiny(tmp_path / "old", exclusive=True, texts=texts_of(["TAX", "ROAD"], {**said, **other}))
    scores, decision = scores_and_decision(tmp_path, ["TAX", "VISA", "RENT"], None, said)
    assert scores["champion"]["comparison"]["overall"]["difference"] is None
    assert decision["decision"] == "hold"
