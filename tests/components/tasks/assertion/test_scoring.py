"""Statuses are scored on marked entities, and end to end; what nobody knows counts for nothing."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from components.evaluate.run import note
from components.records.prediction import Prediction
from components.records.record import Span as Marked
from components.scoring.scores import agrees
from components.tasks import tasks_of
from components.tasks.assertion import Kind
from components.tasks.assertion.floor import floor, meanings
from components.tasks.assertion.pairing import paired
from components.tasks.scores import block_of

WORDS = ["no", "fever", "but", "a", "cough", "and", "pain", "today"]
ENTITIES = [(1, 2, "FINDING"), (4, 5, "FINDING"), (6, 7, "FINDING")]
GOLD = [(1, 2, "Absent"), (4, 5, "Present")]  # of the pain nobody knows


def status(**more: Any) -> Kind:
    settings = {
        "name": "status", "kind": "assertion", "of": "findings", "labels": ["Present", "Absent"],
    }  # fmt: skip
    findings = {"name": "findings", "kind": "ner", "labels": ["FINDING", "DRUG"]}
    _, task = tasks_of(json.dumps([findings, {**settings, **more}]))
    assert isinstance(task, Kind)
    return task


def spans(doc: Doc, marks: list[tuple[int, int, str]]) -> list[Span]:
    return [Span(doc, *mark) for mark in marks]


@pytest.fixture(scope="module")
def nlp() -> Language:
    return spacy.blank("en")


def example(
    nlp: Language,
    found: list[tuple[int, int, str]],
    said: list[tuple[int, int, str]],
    of_marked: list[tuple[int, int, str]],
) -> Example:
    """A document with what a pipeline found, said of that, and said of what was marked."""
    predicted, reference = Doc(nlp.vocab, words=WORDS), Doc(nlp.vocab, words=WORDS)
    reference.set_ents(spans(reference, ENTITIES))
    reference.spans["status"] = spans(reference, GOLD)
    predicted.set_ents(spans(predicted, found))
    predicted.spans["status"] = spans(predicted, said)
    predicted.spans["status_of_annotated"] = spans(predicted, of_marked)
    predicted.spans["status_of_annotated"].attrs["scores"] = np.full((len(of_marked), 1), 0.9)
    return Example(predicted, reference)


def test_the_score_on_marked_entities_is_spacys(nlp: Language) -> None:
    task = status()
    each = [
        example(nlp, ENTITIES, [], [(1, 2, "Absent"), (4, 5, "Absent")]),
        example(nlp, [], [], [(1, 2, "Absent"), (4, 5, "Present")]),
    ]
    noted = [note(one, task) for one in each]
    block = block_of(task, noted, slice_keys=[], resamples=50, seed=0)
    assert block["overall"]["support"] == block["overall"]["predicted"] == 4
    assert block["labels"]["Absent"]["f"] == pytest.approx(0.8)
    official = task.official(each)
    assert official is not None
    assert agrees(block, official)
    assert block["macro"]["labels"] == 2
    assert block["mixed"]["documents"] == 1  # both are windows of a document without a name
    assert [(one.kind, one.gold, one.predicted) for one in noted[0].disagreements] == [
        ("label", Marked(15, 20, "Present"), Marked(15, 20, "Absent"))
    ]


@pytest.mark.parametrize(
    ("found", "said", "expected"),
    [
        (ENTITIES, [(1, 2, "Absent"), (4, 5, "Present"), (6, 7, "Absent")],
         {"Absent": [1, 0, 0], "Present": [1, 0, 0]}),  # the pain counts for nothing
        (ENTITIES[:1], [(1, 2, "Present")], {"Absent": [0, 0, 1], "Present": [0, 1, 1]}),
        # The right status of an entity with the wrong label, and of one that is none.
        ([(1, 2, "DRUG"), (7, 8, "FINDING")], [(1, 2, "Absent"), (7, 8, "Present")],
         {"Absent": [0, 1, 1], "Present": [0, 1, 1]}),
    ],
)  # fmt: skip
def test_end_to_end_entity_label_and_status_have_to_be_right(
    nlp: Language,
    found: list[tuple[int, int, str]],
    said: list[tuple[int, int, str]],
    expected: dict[str, list[int]],
) -> None:
    noted = note(example(nlp, found, said, []), status())
    assert noted.end_to_end == expected
    block = block_of(status(), [noted], slice_keys=[], resamples=50, seed=0)
    right = sum(counts[0] for counts in expected.values())
    assert block["end_to_end"]["overall"]["support"] == 2
    assert block["end_to_end"]["overall"]["r"] == right / 2


def test_what_nobody_looked_for_is_not_spurious(nlp: Language) -> None:
    one = example(nlp, ENTITIES, [(7, 8, "Present")], [])
    one.reference.set_ents(spans(one.reference, ENTITIES), default="missing")
    assert note(one, status()).end_to_end == {"Absent": [0, 0, 1], "Present": [0, 0, 1]}


def test_an_entity_that_no_tokens_of_the_model_delimit_is_missed(nlp: Language) -> None:
    reference = nlp.make_doc("a stomachache")
    words = ["a", "stomach", "ache"]
    reference = Doc(nlp.vocab, words=words, spaces=[True, False, False])
    reference.set_ents([Span(reference, 2, 3, "FINDING")])
    reference.spans["status"] = [Span(reference, 2, 3, "Present")]
    predicted = Doc(nlp.vocab, words=["a", "stomachache"], spaces=[True, False])
    predicted.spans["status_of_annotated"] = [Span(predicted, 1, 2, "Present")]
    noted = note(Example(predicted, reference), status())
    assert noted.unalignable == 1


def test_marks_are_paired_by_the_characters_they_share() -> None:
    entities = [Marked(0, 5, "F"), Marked(6, 9, "F"), Marked(20, 25, "F")]
    said, alone = paired([Marked(0, 8, "a"), Marked(6, 9, "b"), Marked(25, 30, "c")], entities)
    assert said == [Marked(0, 5, "a"), Marked(6, 9, "b"), Marked(20, 25, "c")]
    assert alone == []
    # A mark that has its entity does not go over to the next one that it touches.
    said, alone = paired([Marked(0, 5, "a"), Marked(40, 45, "d")], [*entities, Marked(5, 6, "F")])
    assert (said, alone) == ([Marked(0, 5, "a")], [Marked(40, 45, "d")])


def predicted_by_rules(text: str, *found: str, **more: Any) -> list[str]:
    places = [(text.index(word), text.index(word) + len(word)) for word in found]
    gold: Any = [Marked(*place, "Present") for place in places]
    asked = Prediction(id="1", text=text, words=1, gold=gold, predicted=[])
    labels = more.pop("labels", ["Present", "Absent", "Past"])
    [answer] = floor(status(labels=labels, **more), [], [asked])
    return [span.label for span in answer.predicted if isinstance(span, Marked)]


def test_rules_are_the_floor() -> None:
    text = "She denies fever or cough but has a history of asthma; pain was ruled out. Rash today."
    found = ("fever", "cough", "asthma", "pain", "Rash")
    assert predicted_by_rules(text, *found) == ["Absent", "Absent", "Past", "Absent", "Present"]
    assert meanings(["Positive", "Negated", "historical"]) == {
        "absent": "Negated", "past": "historical",
    }  # fmt: skip
    # Of names that it does not know, all that can be said is the usual status.
    assert predicted_by_rules("No rash", "rash", labels=["x", "y"], default="y") == ["y"]
