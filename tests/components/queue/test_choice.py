"""Which texts of a pool a model chooses, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.tokens import SpanGroup

from components.answers.models import Source, load
from components.queue.candidates import candidates
from components.queue.choose import Choice, choose, diverse
from components.queue.doubt import Doubts, Reader, doubts, embeddings
from components.queue.known import Known
from components.records.keys import normalised
from components.records.texts import Text
from components.tasks import task_of
from components.tasks.base import Task, TaskSettings
from tests.support.spancat import write_spancat
from tests.support.tiny_ner import LABELS, make_docs, train_tiny
from tests.support.tiny_textcat import train_tiny as train_classifier

LETTER = "The Home Office will pay everybody who asked for it before the end of this long month"


def task(kind: str, name: str, labels: list[str], **settings: Any) -> Task:
    return task_of(TaskSettings(name=name, kind=kind, labels=labels, **settings))


def reader(model: Path) -> Reader:
    models = load([Source("m", model)])
    return Reader(models.phases["m"].nlp, models.vocabulary)


def test_what_is_known_or_nearly_is_left_out() -> None:
    tested = "An entirely different letter about ships that sail to the north in winter and fog"
    seen = [normalised(each) for each in (LETTER, tested)]
    seen_before = Known(None, "meta.page", seen, [seen[1]], groups={'"p7"'})
    pool = {
        f"  {LETTER.upper()} ": "annotated",
        LETTER + ".": "near an annotated text",
        # Half of it is another text: no duplicate, but too near to a text that tests.
        tested[:70] + " calm weather": "near the test set",
        LETTER[:60] + " somebody else will have to do all of it": "",
        "A visa for a visitor from London, if that is what they need to come": "",
        "A visa for a visitor from London, if that is what they need to come.": (
            "near another text of the pool"
        ),
        " ": "blank",
    }
    texts = [Text(f"p:{n}", text) for n, text in enumerate(pool)]
    of_page = Text("p:9", "Nothing like it, but on the page of a test text", {"page": "p7"})
    left = candidates([*texts, of_page], seen_before)
    assert [one.text for one in left.texts] == [text for text, why in pool.items() if not why]
    assert left.left_out == {
        **dict.fromkeys([why for why in pool.values() if why], 1),
        "same meta.page as a text of dev or test": 1,
    }


def chosen_of(
    doubt: list[float] | None, number: int, lacking: dict[str, int], presence: Any = None
) -> list[Choice]:
    size = 100 if doubt is None else len(doubt)
    made = Doubts(
        {} if doubt is None else {"ner": np.array(doubt)},
        {label: np.array(each) for label, each in (presence or {}).items()},
    )
    rng = np.random.default_rng(0)
    points = rng.normal(size=(size, 4))
    return choose(made, size, number, lacking, lambda places: points[[*places]], seed=3)


def test_most_are_doubtful_and_a_tenth_is_random() -> None:
    doubt = [n / 200 for n in range(200)]
    chosen = chosen_of(doubt, 20, {})
    assert [one.why for one in chosen].count("random") == 2
    doubtful = [one.place for one in chosen if one.why == "doubt"]
    assert len({one.place for one in chosen}) == 20
    assert 130 < np.mean(doubtful) < 185  # the more doubtful ones, and not all at the top
    assert doubtful == sorted(doubtful, reverse=True)
    assert chosen == chosen_of(doubt, 20, {})


def test_labels_that_lack_examples_have_places_of_their_own() -> None:
    doubt = [n / 200 for n in range(200)]
    presence = {"RARE": [0.9 if n < 3 else 0.0 for n in range(200)], "NONE": [0.05] * 200}
    chosen = chosen_of(doubt, 20, {"RARE": 2, "NONE": 0}, presence)
    rare = {one.place for one in chosen if one.why == "label RARE"}
    assert len(rare) == 2
    assert rare < {0, 1, 2}
    assert not [one for one in chosen if one.why == "label NONE"]
    assert len(chosen) == 20


def test_small_pools_and_models_that_say_nothing() -> None:
    assert {one.why for one in chosen_of(None, 10, {})} == {"random"}
    few = chosen_of([0.5, 0.1], 10, {})
    assert sorted(one.place for one in few) == [0, 1]
    assert [one.why for one in chosen_of([0.5], 1, {})] == ["random"]


def test_of_several_tasks_each_counts_as_much() -> None:
    a, b = np.array([0.0, 0.02, 0.02]), np.array([0.8, 0.0, 0.0])
    several = Doubts({"a": a, "b": b}, {})
    assert several.weight is not None
    assert several.weight.tolist() == pytest.approx([1.5, 0.75, 0.75])
    nothing = Doubts({"a": np.zeros(3)}, {})
    assert nothing.weight is not None
    assert not nothing.weight.any()


def test_clusters_of_doubtful_texts_are_asked_about_more() -> None:
    """Of two heaps as large, one of doubtful texts: most are chosen there, and not all."""
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(0, 1, (100, 8)), rng.normal(20, 1, (100, 8))])
    weight = np.repeat([0.05, 1.0], 100)
    found = diverse(weight, 20, set(), lambda places: points[[*places]], 0)
    doubtful = sum(place >= 100 for place in found)
    assert len({*found}) == 20
    assert 10 < doubtful < 20


def test_a_recogniser_doubts_what_it_does_not_know(tmp_path: Path) -> None:
    model = reader(train_tiny(tmp_path / "m", make_docs(80)))
    texts = [
        "The Treasury will pay £50 on Monday.",
        "Nothing changes here.",
        "Kew On £ May 1.",
    ]
    made = doubts(model, [task("ner", "ner", LABELS)], texts, ["MONEY"])
    doubt, money = made.doubt["ner"], made.presence["MONEY"]
    assert doubt[2] > doubt[0]
    assert money[0] > 0.5 > money[1]
    # Its encoder is inside of the recogniser, and shows nobody what it makes of a text.
    assert embeddings(model, texts).shape == (3, 0)


def test_texts_are_alike_as_the_model_sees_them(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec")
    nlp.initialize()
    nlp.to_disk(tmp_path / "m")
    made = embeddings(reader(tmp_path / "m"), ["A visa", "A visa !", "nothing like it at all", ""])
    assert np.linalg.norm(made, axis=1).tolist() == pytest.approx([1, 1, 1, 0])
    assert made[0] @ made[1] > made[0] @ made[2]


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_classifier_doubts_what_is_between_its_classes(tmp_path: Path, exclusive: bool) -> None:
    model = reader(train_classifier(tmp_path / "m", exclusive=exclusive))
    topic = task("textcat", "classes", ["TAX", "VISA"], exclusive=exclusive)
    said = doubts(model, [topic], ["a refund of tax", "a visa", "a tax on a visa"], ["VISA"])
    assert said.doubt["classes"].argmax() == 2
    assert said.presence["VISA"].argmax() == 1


def test_doubt_of_spans_and_statuses() -> None:
    spans = task("spans", "notes", ["A"])
    assert spans.doubt({}) == 0
    assert spans.doubt({"A": 0.5}) == pytest.approx(1)
    assert spans.doubt({str(n): p for n, p in enumerate([0.5, 0.75, 1, 1, 1])}) == pytest.approx(
        0.5
    )
    status = task("assertion", "status", ["no", "yes"], of="ner")
    nlp = spacy.blank("en")
    doc, plain = nlp("no fever"), nlp("nothing")
    doc.spans["status"] = SpanGroup(doc, spans=[doc.char_span(3, 8, "no")], attrs={"scores": [0.6]})
    possible = status.possible(nlp, [doc, plain])
    assert possible is not None
    assert [status.doubt(each) for each in possible] == pytest.approx([0.8, 0])


def test_labels_of_spans_have_a_probability(tmp_path: Path) -> None:
    model = reader(write_spancat(tmp_path / "m", ["NEG", "ABS"]))
    made = doubts(model, [task("spans", "negation", ["NEG", "ABS"])], ["no fever"], ["NEG"])
    assert 0 < made.presence["NEG"][0] <= 1
