"""How much of the classes of a corpus is known."""

from __future__ import annotations

import pytest
import spacy
from spacy.training import Example

from components.train.known import LEAST, known_part

YES = {"A": 1.0, "B": 0.0, "C": 0.0, "D": 0.0}


@pytest.mark.parametrize(
    ("factory", "cats", "known"),
    [
        ("textcat", [YES, YES], 1),
        ("textcat", [YES, {"A": 0.0}, {"B": 0.0, "C": 0.0}], (1 + 1 / 3 + 2 / 3) / 3),
        ("textcat", [{"A": 1.0}, {}, {"another task's": 0.0}], 1),  # only those that say something
        ("textcat", [], 1),
        ("textcat_multilabel", [YES, {"A": 1.0}], (1 + 1 / 4) / 2),
        ("textcat_multilabel", [{"A": 1.0, "B": 0.0}], 1 / 2),
    ],
)
def test_a_no_tells_less_than_a_yes(
    factory: str, cats: list[dict[str, float]], known: float
) -> None:
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe(factory)
    for label in YES:
        pipe.add_label(label)  # type: ignore[attr-defined]
    examples = []
    for each in cats:
        reference = nlp.make_doc("It costs £3.")
        reference.cats = dict(each)
        examples.append(Example(nlp.make_doc(reference.text), reference))
    assert known_part(nlp, examples) == pytest.approx(known)
    nlp.add_pipe("ner")
    assert known_part(nlp, examples) == 1  # entities would be gone over too often


def test_it_is_never_gone_over_more_than_four_times_as_often() -> None:
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("textcat")
    for number in range(77):
        pipe.add_label(f"L{number}")  # type: ignore[attr-defined]
    reference = nlp.make_doc("It costs £3.")
    reference.cats = {"L5": 0.0}
    assert known_part(nlp, [Example(nlp.make_doc(reference.text), reference)]) == LEAST
