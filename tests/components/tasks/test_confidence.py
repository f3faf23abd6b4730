"""Confidence: the probabilities of a tagger's entities, counted by hand and found in a pipeline."""

from __future__ import annotations

from collections import defaultdict
from itertools import product
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import fix_random_seed

from components.tasks import task_of
from components.tasks.base import TaskSettings
from components.tasks.entity_tags import add_tags, entities_of_tags
from components.tasks.ner.confidence import entity_probabilities
from components.tasks.ner.tag_confidence import SMALLEST, distribution, entities

pytestmark = pytest.mark.xdist_group("tagger")


def by_hand(begins: list[float], inside: list[float]) -> dict[tuple[int, int, str], float]:
    """Go through all rows of tags; read each as the pipeline does."""
    probabilities: dict[tuple[int, int, str], float] = defaultdict(float)
    for tags in product("BIO", repeat=len(begins)):
        chances = [
            {"B": b, "I": i, "O": 1 - b - i}[tag]
            for tag, b, i in zip(tags, begins, inside, strict=True)
        ]
        start = None
        for place, tag in enumerate([*tags, "O"]):
            goes_on = tag == "I" and start is not None
            if start is not None and not goes_on:
                probabilities[start, place, "X"] += float(np.prod(chances))
                start = None
            if tag == "B":
                start = place
    return probabilities


@pytest.mark.parametrize("seed", range(5))
def test_shares_are_the_probabilities_of_entities(seed: int) -> None:
    begins, inside, _ = np.random.default_rng(seed).dirichlet([0.4, 0.4, 0.4], 6).T
    expected = by_hand(begins.tolist(), inside.tolist())
    probabilities = dict(entities(begins, inside, "X"))
    assert probabilities.keys() == {
        one for one, probability in expected.items() if probability >= SMALLEST
    }
    for entity, probability in probabilities.items():
        assert probability == pytest.approx(expected[entity])


def test_scores_become_probabilities_once() -> None:
    scores = np.array([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0]], np.float32)
    chances = distribution(scores)
    assert chances.sum(axis=1) == pytest.approx([1, 1])
    np.testing.assert_allclose(distribution(chances.astype(np.float32)), chances, atol=1e-6)


@pytest.fixture(scope="module")
def tagger() -> Language:
    """A tagger of people, after some looks at two sentences."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("tagger")
    nlp.add_pipe("attribute_ruler")
    examples: list[Example] = []
    for words, tags in (
        (["Ada", "Lovelace", "wrote", "to", "Leeds"], ["B-PERSON", "I-PERSON", "O", "O", "O"]),
        (["They", "met", "Alan", "Turing", "there"], ["O", "O", "B-PERSON", "I-PERSON", "O"]),
    ):
        reference = Doc(nlp.vocab, words=words, ents=tags)
        examples += add_tags(nlp, Example(Doc(nlp.vocab, words=words), reference))
    nlp.initialize(lambda: examples)
    entities_of_tags()(nlp)
    for _ in range(15):
        nlp.update(examples)
    return nlp


def test_a_tagger_is_surer_of_what_it_has_learnt(tagger: Language) -> None:
    docs = list(tagger.pipe(["Ada Lovelace wrote to Leeds", "Zed Lovelace wrote to Bath", ""]))
    probabilities = entity_probabilities(tagger, docs)
    assert probabilities is not None
    learnt, new, empty = probabilities
    assert [(e.start_char, e.end_char) for e in docs[0].ents] == [(0, 12)]
    assert 0.5 < learnt[0, 12, "PERSON"] <= 1
    assert new.get((0, 12, "PERSON"), 0) < learnt[0, 12, "PERSON"]
    assert empty == {}


def test_a_tagger_of_other_things_tells_nothing() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("tagger").add_label("NOUN")  # type: ignore[attr-defined]
    assert entity_probabilities(nlp, [nlp.make_doc("a")]) is None


def test_a_tagger_that_is_too_sure_is_calibrated_and_finds_the_same() -> None:
    """Fitted on documents of which it gets a fourth wrong, it says three fourths of such others."""
    nlp, task = spacy.blank("en"), task_of(TaskSettings(name="entities", labels=["X"]))
    tagger: Any = nlp.add_pipe("tagger")
    for tag in ("B-X", "I-X", "O"):
        tagger.add_label(tag)
    tagger.initialize(lambda: [Example.from_dict(nlp.make_doc("a b"), {"tags": ["B-X", "O"]})])
    softmax = tagger.model.get_ref("softmax")
    softmax.set_param("W", softmax.get_param("W") * 0)
    softmax.set_param(
        "b", np.array([6.0, 0.0, 0.0], np.float32)
    )  # any word is an entity of one word
    docs = [nlp.make_doc("a") for _ in range(120)]
    examples = [
        Example(doc, Doc(nlp.vocab, words=["a"], ents=["O" if number % 4 == 0 else "B-X"]))
        for number, doc in enumerate(docs)
    ]
    [before] = {*map(sure, entity_probabilities(nlp, docs) or ())}
    assert before > 0.99
    assert task.finishes(nlp, 120)
    assert not task.finishes(nlp, 99)
    task.note(nlp, examples[:70])
    task.note(nlp, examples[70:])
    fitted = task.after_training(nlp, examples)["calibration"]
    assert fitted["documents"] == 120
    assert fitted["temperature"] > 1
    [after] = {*map(sure, entity_probabilities(nlp, docs) or ())}
    assert after == pytest.approx(0.75, abs=0.01)
    assert [doc[0].tag_ for doc in nlp.pipe(["a"])] == ["B-X"]


def sure(possible: dict[tuple[int, int, str], float]) -> float:
    return possible[0, 1, "X"]
