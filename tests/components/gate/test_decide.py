from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from components.gate.decide import decide
from components.gate.settings import GateSettings
from components.scoring.intervals import wilson
from components.tasks.base import TaskSettings
from tests.support.stages import gate, gate_decision_in

LABELS = ["ORG", "DATE"]
TASKS = [TaskSettings(name="ner", labels=LABELS)]
CLEAN = {"records": {"in": 100, "quarantined": 0}}


def described(f: float | None, support: int = 200, spread: float = 0.03) -> dict[str, Any]:
    interval = None if f is None else [f - spread, min(1, f + spread)]
    return {
        "p": f, "r": f, "f": f, "support": support, "predicted": support,
        "interval": {"p": interval, "r": interval, "f": interval},
    }  # fmt: skip


def scores(f: float | None = 0.8, **labels: dict[str, Any]) -> dict[str, Any]:
    """The scores of a task as `evaluate` writes them, without a champion."""
    per_label = {label: described(f) for label in LABELS} | labels
    overall = described(f, 400)
    return {"unit": "entities", "overall": overall, "labels": per_label, "champion": None}


def against(
    block: dict[str, Any], change: float, noise: float = 0.01, **labels: tuple[float, float]
) -> dict[str, Any]:
    """The same scores beside a champion: F is `change` higher than its, give or take `noise`."""

    def contrast(change: float, noise: float) -> dict[str, Any]:
        return {
            "f": {"new": 0.8, "champion": 0.8 - change},
            "difference": change,
            "interval": [change - noise, change + noise],
            "better": 0.5 + min(0.5, max(-0.5, change / noise / 2)),
        }

    per_label = {label: contrast(*labels.get(label, (change, noise))) for label in LABELS}
    champion = {
        "overall": described(0.8 - change),
        "labels": {},
        "model_labels": LABELS,
        "seen": 0,
        "comparison": {
            "labels": LABELS, "overall": contrast(change, noise), "per_label": per_label
        },
    }  # fmt: skip
    return {**block, "champion": champion}


def decided(
    block: dict[str, Any], data: dict[str, Any] | None = None, **policy: Any
) -> dict[str, Any]:
    return decide({"ner": block}, data or CLEAN, TASKS, GateSettings(**policy))


def failed(decision: dict[str, Any]) -> set[tuple[str, str]]:
    return {(rule["name"], rule["label"]) for rule in decision["rules"] if rule["result"] == "fail"}


def test_better_is_promoted() -> None:
    decision = decided(against(scores(), +0.03))
    assert (decision["decision"], decision["outcome"], failed(decision)) == (
        "promote",
        "better",
        set(),
    )
    assert "+3.0 points" in decision["headline"]


def test_worse_is_held_with_its_numbers() -> None:
    decision = decided(against(scores(), -0.03))
    assert (decision["decision"], decision["outcome"]) == ("hold", "worse")
    assert ("max_drop", "") in failed(decision)
    assert "\N{MINUS SIGN}3.0 points (95 % interval \N{MINUS SIGN}4.0 to" in decision["headline"]


@pytest.mark.parametrize("on_equal", ["promote", "hold"])
@pytest.mark.parametrize("change", [0.0, 0.004, -0.004, 0.02, -0.02])
def test_equal_is_what_the_config_says(on_equal: str, change: float) -> None:
    decision = decided(against(scores(), change, noise=0.03), on_equal=on_equal)
    assert (decision["decision"], decision["outcome"]) == (on_equal, "equal")


def test_a_gain_that_is_sure_but_small_counts_as_equal() -> None:
    block = against(scores(), 0.004, noise=0.001)
    assert decided(block)["decision"] == "hold"
    assert decided(block, min_improvement=0.003)["outcome"] == "better"


def test_a_rise_from_another_seed_alone_is_not_better() -> None:
    decision = decide({"ner": against(scores(), +0.1)}, CLEAN, TASKS, GateSettings(), reseeded=True)
    assert (decision["decision"], decision["outcome"]) == ("hold", "equal")
    assert any("can only be chance" in rule["text"] for rule in decision["rules"])
    worse = decide({"ner": against(scores(), -0.1)}, CLEAN, TASKS, GateSettings(), reseeded=True)
    assert worse["outcome"] == "worse"


def test_the_stage_sees_from_the_metadata_that_only_the_seed_differs(tmp_path: Path) -> None:
    block = {**against(scores(), +0.1), "documents": 50}
    data = {"digest": "d", "records": {"in": 9, "kept": 9, "quarantined": 0}, "tasks": {}}
    (tmp_path / "champion-metadata").mkdir()

    def decide(**config: Any) -> str:
        before = {"digest": "d", "config": config}
        (tmp_path / "champion-metadata" / "facts.json").write_text(
            json.dumps(before), encoding="utf-8"
        )
        (tmp_path / "scores").write_text(json.dumps(block), encoding="utf-8")
        context = {"train": {"set": {"training.seed": 1, "training.max_steps": 100}}}
        assert gate(tmp_path, data, labels=LABELS, context=context) == 0
        return str(gate_decision_in(tmp_path)["decision"])

    steps = "train.set.training.max_steps"
    assert decide(**{steps: 100, "train.set.training.seed": 0, "gate.min_f": 0.1}) == "hold"
    assert decide(**{steps: 50, "train.set.training.seed": 0}) == "promote"


def test_without_a_champion_only_absolute_rules_count() -> None:
    assert decided(scores())["outcome"] == "first"
    assert decided(scores())["decision"] == "promote"
    assert failed(decided(scores(0.4))) == {("min_f", "")}


def test_one_label_collapses_while_the_overall_rises() -> None:
    decision = decided(against(scores(), +0.03, DATE=(-0.2, 0.05)))
    assert decision["decision"] == "hold"
    assert failed(decision) == {("max_drop", "DATE")}


def test_a_label_that_falls_within_the_noise_does_not_hold() -> None:
    decision = decided(against(scores(), +0.03, DATE=(-0.05, 0.06)))
    assert decision["decision"] == "promote"
    rule = next(r for r in decision["rules"] if (r["name"], r["label"]) == ("max_drop", "DATE"))
    assert "within the noise" in rule["text"]


def test_a_label_with_few_entities_is_not_judged() -> None:
    rare = {"DATE": described(0.1, support=3)}
    decision = decided(against(scores(**rare), +0.03, DATE=(-0.5, 0.1)), min_f_per_label=0.5)
    assert decision["decision"] == "promote"
    assert sum("3 entities in the test set" in rule["text"] for rule in decision["rules"]) == 2


def test_minimum_f_per_label() -> None:
    block = scores(DATE=described(0.4))
    assert failed(decided(block, min_f_per_label=0.5)) == {("min_f_per_label", "DATE")}
    assert failed(decided(block, min_f_per_label={"ORG": 0.5})) == set()


def in_languages(block: dict[str, Any], **languages: dict[str, Any]) -> dict[str, Any]:
    return {**block, "slices": {"lang": {**languages, "(not given)": described(0.1)}}}


def test_minimum_f_per_language() -> None:
    block = in_languages(scores(), da=described(0.4), de=described(0.8), nl=described(0.1, 3))
    (rule,) = [
        rule for rule in decided(block, min_f_per_language=0.5)["rules"] if rule["result"] == "fail"
    ]
    assert (rule["name"], rule["label"], rule["language"]) == ("min_f_per_language", "", "da")
    assert rule["text"] == "F of texts in da is 40.0; at least 50.0 is asked for."
    decision = decided(block, min_f_per_language={"de": 0.5, "nl": 0.5, "fr": 0.5})
    assert decision["decision"] == "promote"
    said = {rule["language"]: rule["text"] for rule in decision["rules"] if rule["language"]}
    assert "3 entities in the test set" in said["nl"]
    assert "Language fr was not checked: 0 entities" in said["fr"]


def test_a_floor_per_language_needs_texts_that_say_theirs() -> None:
    decision = decided(scores(), min_f_per_language=0.5)
    assert failed(decision) == {("min_f_per_language", "")}
    assert "meta.lang" in decision["headline"]


def test_one_language_collapses_while_the_overall_rises() -> None:
    block = against(in_languages(scores(), da=described(0.4), nl=described(0.4, 3)), +0.03)
    fallen = {"difference": -0.2, "interval": [-0.3, -0.1], "better": 0.0}
    block["champion"]["comparison"]["per_language"] = {"da": fallen, "nl": fallen}
    decision = decided(block)
    (rule,) = [rule for rule in decision["rules"] if rule["result"] == "fail"]
    assert (rule["name"], rule["language"]) == ("max_drop", "da")
    assert "F of texts in da changed by" in decision["headline"]
    assert decided(block, max_drop={"per_language": 0.25})["decision"] == "promote"


@pytest.mark.parametrize("missing", ["EVENT", "DATE"])
def test_required_labels_must_be_there_often_enough(missing: str) -> None:
    decision = decided(scores(DATE=described(0.9, support=2)), required_labels=["ORG", missing])
    assert failed(decision) == {("required_labels", missing)}


@pytest.mark.parametrize("undefined", [None, math.nan])
def test_no_number_is_no_promotion(undefined: float | None) -> None:
    block = scores()
    block["overall"]["f"] = undefined
    assert failed(decided(block)) == {("min_f", "")}
    against_champion = against(scores(), 0.1)
    against_champion["champion"]["comparison"]["overall"]["difference"] = undefined
    assert decided(against_champion)["decision"] == "hold"


def test_a_tiny_test_set_is_held_with_the_reason() -> None:
    block = scores(0.9)
    block["overall"] = described(0.9, support=6, spread=0.25)
    held = decided(against(block, +0.1))
    assert failed(held) == {("max_interval", "")}
    assert "too small to decide by" in held["headline"]


def test_a_champion_that_cannot_be_loaded_is_held() -> None:
    decision = decided({**scores(), "champion": {"error": "ValueError: E050"}})
    assert failed(decision) == {("champion", "")}
    assert "E050" in decision["headline"]


@pytest.mark.parametrize(
    ("seen", "init", "text"),
    [
        (0, "base", ""),
        (12, "base", "12 of the test documents were in train or dev when the model in production"),
        (12, "champion", "they are left out of all scores, since this model started from it."),
        (None, "base", "nobody knows whether test documents are among it."),
    ],
)
def test_the_gate_says_what_the_champion_was_trained_on(
    tmp_path: Path, seen: int | None, init: str, text: str
) -> None:
    block = against(scores(), +0.03)
    block["champion"]["seen"] = seen
    (tmp_path / "scores").write_text(json.dumps(block), encoding="utf-8")
    assert gate(tmp_path, CLEAN, labels=LABELS, context={"train": {"init": init}}) == 0
    texts = [rule["text"] for rule in gate_decision_in(tmp_path)["rules"] if rule["name"] == "seen"]
    assert bool(texts) == bool(text)
    assert all(text in one for one in texts)


def test_label_sets_that_differ_are_compared_where_they_meet() -> None:
    block = against(scores(), +0.03)
    block["champion"]["model_labels"] = ["ORG", "MONEY"]
    comparison = block["champion"]["comparison"]
    comparison["labels"] = ["ORG"]
    del comparison["per_label"]["DATE"]
    decision = decided(block)
    assert decision["decision"] == "promote"
    notes = " ".join(rule["text"] for rule in decision["rules"] if rule["result"] == "note")
    assert "not compared: DATE" in notes
    assert "also finds MONEY" in notes


def test_label_sets_with_nothing_in_common_are_held() -> None:
    block = against(scores(), +0.03)
    block["champion"]["comparison"]["labels"] = []
    assert failed(decided(block)) == {("champion", "")}


def test_too_much_quarantined_data_is_held() -> None:
    decision = decided(scores(), {"records": {"in": 100, "quarantined": 12}})
    assert failed(decision) == {("max_quarantined", "")}
    assert "12 of 100" in decision["headline"]


def test_report_only_promotes_and_says_what_it_would_have_done() -> None:
    decision = decided(against(scores(), -0.1), mode="report-only")
    assert (decision["decision"], decision["would"]) == ("promote", "hold")
    assert "would have held it" in decision["headline"]


def test_every_rule_states_its_gate_decision_in_words() -> None:
    decision = decided(against(scores(), -0.1), min_f_per_label=0.5, required_labels=["ORG"])
    names = {rule["name"] for rule in decision["rules"]}
    assert names == {
        "min_f", "min_f_per_label", "required_labels", "max_drop", "min_improvement",
        "max_interval", "max_quarantined",
    }  # fmt: skip
    assert all(rule["text"].endswith(".") for rule in decision["rules"])


def run_gate(
    folder: Path, block: Any, settings: dict[str, Any], data: dict[str, Any] = CLEAN
) -> int:
    (folder / "scores").write_text(json.dumps(block), encoding="utf-8")
    return gate(folder, data, labels=LABELS, settings=settings)


def test_the_stage_gives_a_decision_its_reasons_and_a_summary(tmp_path: Path) -> None:
    code = run_gate(tmp_path, against(scores(), -0.1), {})
    assert code == 0, "a hold is a result, not a failure"
    output = json.loads((tmp_path / "gate.json").read_text(encoding="utf-8"))
    gate_decision = gate_decision_in(tmp_path)
    assert output["parameterValues"] == {"decision": "hold", "headline": gate_decision["headline"]}
    assert gate_decision["reasons"]
    summary = (tmp_path / "summary").read_text(encoding="utf-8")
    assert summary.startswith("# Held.")
    assert "| ORG | 80.0 | 80.0 | 80.0 | 77.0 to 83.0 | \N{MINUS SIGN}10.0 | 200 |" in summary


def test_the_summary_shows_hostile_text_as_text(tmp_path: Path) -> None:
    error = "<img src=x onerror=alert(1)> | [x](javascript:1)\n# Promoted"
    run_gate(tmp_path, {**scores(), "champion": {"error": error}}, {})
    summary = (tmp_path / "summary").read_text(encoding="utf-8")
    assert "<img" not in summary
    assert "[x](" not in summary
    assert "\n# Promoted" not in summary


def test_scores_with_a_nan_are_held_and_written_as_json(tmp_path: Path) -> None:
    block = scores()
    block["overall"]["f"] = math.nan
    assert run_gate(tmp_path, block, {}) == 0
    assert gate_decision_in(tmp_path)["decision"] == "hold"


def test_wrong_input_ends_in_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_gate(tmp_path, {"overall": {}}, {}) == 3
    assert run_gate(tmp_path, scores(), {"min_ff": 1}) == 2
    assert "min_ff" in capsys.readouterr().err
    assert not (tmp_path / "gate_decision").exists()


def classes(macro: float | None, ece: float | None) -> dict[str, Any]:
    """The scores of a task that classifies."""
    return {**scores(), "unit": "documents", "macro": {"f": macro}, "calibration": {"ece": ece}}


@pytest.mark.parametrize(
    ("macro", "ece", "names"),
    [
        (0.7, 0.05, set()),
        (0.69, 0.05, {"min_macro_f"}),
        (0.7, 0.06, {"max_ece"}),
        (None, None, {"min_macro_f", "max_ece"}),
        (math.nan, 0.01, {"min_macro_f"}),
    ],
)
def test_classes_have_a_macro_f_and_a_calibration_error(
    macro: float | None, ece: float | None, names: set[str]
) -> None:
    decision = decided(classes(macro, ece), min_macro_f=0.7, max_ece=0.05)
    assert {name for name, _ in failed(decision)} == names
    assert decision["decision"] == ("hold" if names else "promote")


def test_a_macro_f_is_reported_in_words() -> None:
    decision = decided(classes(0.612, 0.081), min_macro_f=0.7, max_ece=0.05)
    assert decision["reasons"] == [
        "Macro F is 61.2; at least 70.0 is asked for.",
        "Expected calibration error is 8.1; at most 5.0 is allowed.",
    ]


def test_neither_is_asked_of_a_model_by_default() -> None:
    rules = {rule["name"] for rule in decided(classes(0.1, 0.9))["rules"]}
    assert not rules & {"min_macro_f", "max_ece"}


def test_a_score_that_no_task_has_is_not_taken_for_good() -> None:
    decision = decided(scores(), max_ece=0.05)
    assert failed(decision) == {("max_ece", "")}
    assert "take gate.max_ece away" in decision["reasons"][0]


def test_of_several_tasks_those_that_classify_are_judged() -> None:
    tasks = [*TASKS, TaskSettings(name="topic", kind="textcat", labels=LABELS)]
    blocks = {"ner": scores(), "topic": classes(0.6, 0.01)}
    phase = decide(blocks, CLEAN, tasks, GateSettings(min_macro_f=0.7))
    results = {rule["task"]: rule["result"] for rule in phase["rules"] if "macro" in rule["name"]}
    assert results == {"ner": "note", "topic": "fail"}
    own = GateSettings(tasks={"topic": {"min_macro_f": 0.5}})
    assert decide(blocks, CLEAN, tasks, own)["decision"] == "promote"


def test_of_several_tasks_one_that_falls_holds_the_model() -> None:
    tasks = [*TASKS, TaskSettings(name="topic", kind="textcat", labels=LABELS)]
    worse = {**against(scores(), -0.03), "unit": "documents"}
    phase = decide({"ner": against(scores(), +0.03), "topic": worse}, CLEAN, tasks, GateSettings())
    assert (phase["decision"], phase["outcome"]) == ("hold", "worse")
    assert {rule["task"] for rule in phase["rules"] if rule["result"] == "fail"} == {"topic"}
    assert ("max_drop", "") in failed(phase)
    own = GateSettings(tasks={"topic": {"max_drop": {"overall": 0.05}}})
    allowed = decide({"ner": against(scores(), +0.03), "topic": worse}, CLEAN, tasks, own)
    assert ("max_drop", "") not in failed(allowed)


def audited(reviewed: int, right: int) -> dict[str, Any]:
    """The rule about a teacher of whose audit some texts are reviewed."""
    precision = right / reviewed if reviewed else None
    interval = wilson(right, reviewed) if reviewed else None
    audit = {
        "texts": reviewed, "right": right, "precision": precision, "interval": interval,
        "waiting": 100 - reviewed,
    }  # fmt: skip
    policy = GateSettings(min_teacher_precision=0.9)
    decision = decide({"ner": scores()}, CLEAN, TASKS, policy, audit={"ner": audit})
    [rule] = [one for one in decision["rules"] if one["name"] == "min_teacher_precision"]
    return {**rule, "decision": decision["decision"]}


def test_a_teacher_that_annotators_found_wrong_holds_its_student() -> None:
    held = audited(40, 34)
    assert (held["result"], held["decision"], held["measured"]) == ("fail", "hold", 0.85)
    assert "Of 40 audited texts annotators found the teacher right in 34: 85.0 %" in held["text"]
    assert "95 % interval 70.9 to 92.9" in held["text"]
    assert audited(40, 38)["result"] == "pass"


def test_an_audit_that_nobody_has_reviewed_is_not_passed() -> None:
    unknown = audited(9, 1)
    assert (unknown["result"], unknown["decision"]) == ("note", "promote")
    assert "9 of 100 audited texts are reviewed, 10 are asked for" in unknown["text"]
    assert audited(0, 0)["measured"] is None
    asked = decide({"ner": scores()}, CLEAN, TASKS, GateSettings(), audit={"ner": {}})
    assert "min_teacher_precision" not in {rule["name"] for rule in asked["rules"]}
