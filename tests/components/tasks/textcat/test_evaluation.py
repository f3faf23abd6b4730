"""What reports, cards and comparisons say of classes, and what spaCy itself says beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli.evaluate import evaluate as spacy_evaluate
from spacy.tokens import DocBin

from components.evaluate.run import run as predict
from components.ingest.readers import prodigy
from components.ingest.settings import IngestSettings
from components.records.annotation import Annotation
from components.records.prediction import Disagreement, Prediction
from components.records.sources import SourceFile
from components.records.tokens import Boundaries
from components.report.build import Material, html
from components.report.card import more_of
from components.report.disagreements import prodigy_lines
from components.report.weakness import against_floor, weak_spots
from components.scoring.counts import count
from components.scoring.scores import score
from components.tasks import task_of
from components.tasks.base import Task, TaskSettings
from components.tasks.scores import block_of
from tests.support.tiny_textcat import train_tiny

LABELS = ["TAX", "VISA"]
TEXTS = [
    ("pay the tax", {"TAX": 1.0, "VISA": 0.0}),
    ("a visa or a tax", {"TAX": 1.0, "VISA": 0.0}),
    ("the passport and a visa", {"TAX": 0.0, "VISA": 1.0}),
    ("a refund", {"TAX": 0.0, "VISA": 1.0}),
    ("a border", {"TAX": 0.0, "VISA": 1.0}),
]


def topic(*, exclusive: bool = True, labels: list[str] = LABELS) -> Task:
    given = {"name": "topic", "kind": "textcat", "labels": labels, "exclusive": exclusive}
    return task_of(TaskSettings.model_validate(given))


def corpus(folder: Path, texts: list[tuple[str, dict[str, float]]]) -> Path:
    """A folder with one file of documents."""
    nlp, packed = spacy.blank("en"), DocBin(store_user_data=True)
    for number, (text, cats) in enumerate(texts):
        doc = nlp.make_doc(text)
        doc.cats, doc.user_data = cats, {"id": str(number), "meta": {}}
        packed.add(doc)
    folder.mkdir()
    packed.to_disk(folder / "test.spacy")
    return folder


@pytest.mark.parametrize("exclusive", [True, False])
def test_all_that_spacy_evaluate_says_is_what_we_say(exclusive: bool, tmp_path: Path) -> None:
    model = train_tiny(tmp_path / "model", exclusive=exclusive)
    test = corpus(tmp_path / "test", TEXTS)
    expected = spacy_evaluate(str(model), test, silent=True)
    task = topic(exclusive=exclusive)
    done = predict(spacy.load(model), test, [task], 4)
    block = block_of(
        done.tasks["topic"], done.predictions["topic"], slice_keys=[], resamples=100, seed=0
    )
    assert 0 < block["overall"]["f"] < 1
    for key in "prf":
        assert block["overall"][key] == pytest.approx(expected[f"cats_micro_{key}"])
        assert block["macro"][key] == pytest.approx(expected[f"cats_macro_{key}"])
        for label in LABELS:
            assert block["labels"][label][key] == pytest.approx(
                expected["cats_f_per_type"][label][key]
            )
    areas = {label: block["ranking"][label]["auc"] for label in LABELS}
    assert areas == pytest.approx(expected["cats_auc_per_type"])
    assert sum(areas.values()) / 2 == pytest.approx(expected["cats_macro_auc"])


def test_a_rejected_label_is_the_truth_to_spacy_and_is_not_to_us(tmp_path: Path) -> None:
    """The model says of the rejected text just what it was not, and spaCy calls that right."""
    model = train_tiny(tmp_path / "model", exclusive=True)
    test = corpus(tmp_path / "test", [("pay the tax on wages", {"TAX": 0.0}), *TEXTS[2:3]])
    expected = spacy_evaluate(str(model), test, silent=True)
    done = predict(spacy.load(model), test, [topic()], 4)
    block = block_of(
        done.tasks["topic"], done.predictions["topic"], slice_keys=[], resamples=100, seed=0
    )
    assert expected["cats_f_per_type"]["TAX"]["f"] == 1.0
    assert block["labels"]["TAX"]["f"] is None
    assert block["rejected"] == {"documents": 1, "predicted": 1}
    assert "its scores of this test set mean nothing" in page(block, [])


def predicted(number: int, gold: list[str], said: list[str], **more: Any) -> Prediction:
    return Prediction(
        id=str(number),
        text=f"text {number}",
        words=2,
        gold=list(gold),
        predicted=list(said),
        scores={label: 0.9 if label in said else 0.1 for label in LABELS},
        task="topic",
        **more,
    )


def page(block: dict[str, Any], predictions: list[Prediction]) -> str:
    block = {"champion": None, "words_per_second": 1.0, "settings": {}, **block}
    return html(
        Material(
            title="Report",
            kicker="",
            name="new model",
            other="the other",
            blocks={"topic": block},
            headline="Held.",
            mood="bad",
            predictions=predictions,
        )
    )


def flags(*predictions: Prediction, thresholds: dict[str, float], **fitted: Any) -> dict[str, Any]:
    task: Any = topic(exclusive=False)
    task.thresholds, task.fitted = thresholds, fitted
    return block_of(task, predictions, slice_keys=[], resamples=100, seed=0)


SAID = [
    predicted(0, ["TAX", "VISA"], ["TAX"]),
    predicted(1, ["TAX"], ["TAX", "VISA"]),
    predicted(2, [], []),
    predicted(3, ["VISA"], [], unknown=["TAX"]),
]


def test_the_report_shows_thresholds_and_which_labels_go_together() -> None:
    block = flags(*SAID, thresholds={"TAX": 0.41}, not_calibrated="dev holds 40 documents")
    assert block["thresholds"] == {"TAX": 0.41, "VISA": 0.5}
    assert block["cooccurrence"] == {
        "labels": ["TAX", "VISA", "(none)"],
        "rows": [[2, 1, 0], [1, 0, 0], [0, 0, 1]],
        "documents": [2, 2, 1],
    }
    text = page(block, SAID)
    assert "41.0" in text
    assert "Which labels go together" in text
    assert "<strong>Not calibrated</strong>: dev holds 40 documents" in text
    assert "Documents with all labels right: 33.3" in text


def test_coverage_is_of_the_answers_that_were_given() -> None:
    """From a threshold of 0.3 up a probability of 0.4 says yes, and is right."""
    sure = [predicted(n, ["TAX"], ["TAX"], unknown=["VISA"]) for n in range(3)]
    sure[0].scores = {"TAX": 0.4, "VISA": 0.5}
    no = [predicted(n, [], [], unknown=["VISA"]) for n in range(3, 9)]
    block = flags(*sure, *no, thresholds={"TAX": 0.3})
    assert block["calibration"]["coverage_at_95"] == 1.0


def test_an_error_shows_both_answers_and_the_text_once() -> None:
    wrong = predicted(
        7, ["TAX"], ["VISA"], disagreements=[Disagreement("label", "TAX", "VISA", 0.8)]
    )
    wrong.text = "The whole letter. " * 20
    block = block_of(topic(), [wrong], slice_keys=[], resamples=100, seed=0)
    text = page(block, [wrong]).split('id="errors"')[1]
    assert "model 80.0" in text
    assert text.count(wrong.text) == 1
    assert text.index("TAX</span>") < text.index("VISA</span>") < text.index(wrong.text)


def test_the_card_says_macro_f_calibration_and_thresholds() -> None:
    block = flags(*SAID, thresholds={"TAX": 0.41}, fitted_on=120)
    said = "\n".join(more_of(block))
    assert "mean F over 2 labels (macro): " in said
    assert "calibrated on 120 dev documents" in said
    assert "`TAX` 41.0, `VISA` 50.0" in said
    assert list(more_of({"overall": {}})) == []


def test_a_model_that_does_not_beat_the_floor_is_reported() -> None:
    block = flags(*SAID, thresholds={})
    scores = {"overall": {"f": 0.6}, "macro": {"f": 0.5}}

    def beside(difference: float, *interval: float) -> dict[str, Any]:
        gain = {"difference": difference, "interval": list(interval), "better": 0.5}
        return {**block, "floor": {**scores, "gain": gain}}

    assert against_floor(block) == ""
    better, same, worse = beside(0.1, 0.02, 0.2), beside(0.01, -0.1, 0.2), beside(-0.1, -0.2, -0.05)
    assert "beats the floor" in against_floor(better)
    assert "not worth its cost" in against_floor(same)
    assert "The floor is better" in against_floor(worse)
    assert any("worse than the floor" in one for one in weak_spots(worse))
    assert any("not clearly better than the floor" in one for one in weak_spots(same))
    assert not any("floor" in one for one in weak_spots(better))
    assert "Is it worth its cost?" in page(same, [])
    perfect = {**same, "overall": {**same["overall"], "f": 1.0}}
    perfect["floor"]["overall"] = {"f": 1.0}
    assert "too easy" in against_floor(perfect)


def test_likely_mistakes_are_a_prodigy_choice_that_is_read_as_what_it_was() -> None:
    """Once somebody has answered: without an answer it is no annotation."""
    task = topic(exclusive=False)
    wrong = predicted(
        0, ["TAX"], [], unknown=["VISA"], disagreements=[Disagreement("missed", "TAX", None, 0.9)]
    )
    (line,) = prodigy_lines([(wrong, wrong.disagreements[0])], [wrong], {"topic": task})
    row = json.loads(line)
    assert {"text", "options", "accept", "config", "meta", "_view_id"} == {*row}
    # A label that nobody asked for is not asked for now: it would become wrong without a look.
    assert row["options"] == [{"id": "TAX", "text": "TAX"}]
    (item,) = prodigy.read_items(
        "a.jsonl", [(1, json.dumps({**row, "answer": "accept"}).encode())], SourceFile("a", "auto")
    )
    assert isinstance(item, Annotation)
    answers, _ = task.checker(IngestSettings())(item, Boundaries([]))
    assert answers is not None
    assert answers.cats == {"TAX": True}


def test_what_a_model_could_not_have_said_is_not_held_against_it() -> None:
    task = topic(labels=["TAX", "VISA", "RENT"])
    assert task.comparable(predicted(0, ["TAX"], ["RENT"]), ["TAX", "VISA"])
    assert not task.comparable(predicted(0, ["RENT"], ["TAX"]), ["TAX", "VISA"])
    assert topic(exclusive=False).comparable(predicted(0, ["RENT"], []), ["TAX"])


def test_documents_of_a_group_are_drawn_together() -> None:
    """Ten copies of two documents say no more than the two."""
    copies = [
        predicted(number, ["TAX"], ["TAX" if number % 2 else "VISA"], meta={"page": number % 2})
        for number in range(20)
    ]
    assert count(copies, LABELS, "meta.page").groups.tolist() == [0, 1] * 10
    assert count(copies, LABELS).groups.tolist() == list(range(20))
    widths = []
    for group_by in (None, "meta.page"):
        scored = score(
            copies, LABELS, slice_keys=["page"], resamples=400, seed=0, group_by=group_by
        )
        low, high = scored["overall"]["interval"]["f"]
        widths.append(high - low)
        assert scored["slices"]["page"]["1"]["documents"] == 10
        assert scored["slices"]["page"]["1"]["f"] == 1.0
        macro = scored["macro_interval"]
        assert macro[0] < scored["labels"]["TAX"]["f"] < macro[1]  # the one label with support
    assert widths[1] == pytest.approx(1.0)
    assert widths[0] < 0.6
