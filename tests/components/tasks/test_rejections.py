"""A token classifier learns from the entities that annotators rejected."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc, Span
from spacy.training import Example

from components.tasks.entity_tags import patterns
from components.tasks.ner.tag_confidence import entities
from components.tasks.rejections import (
    Rejected,
    probability,
    rejected_spans,
    rejection_loss,
)

TAGS = ["O", "B-A", "I-A", "B-B", "I-B"]
COLUMNS = {tag: column for column, tag in enumerate(TAGS)}
INSIDE = [2, 4]
SPANS = [Rejected(start, end, 1) for start in range(3) for end in range(start + 1, 4)]


def scores(seed: int, tokens: int = 3) -> torch.Tensor:
    """Random scores of tags."""
    drawn = np.random.default_rng(seed).normal(0, 2, (tokens, len(TAGS)))
    return torch.from_numpy(drawn)


def test_the_probability_is_that_of_all_tags_that_make_exactly_this_entity() -> None:
    """The pipeline's own ruler says of each row of tags which entities it makes."""
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("attribute_ruler")
    ruler.add_patterns(patterns(["A", "B"]))  # type: ignore[attr-defined]
    chances = scores(0).softmax(dim=1)
    summed = dict.fromkeys(SPANS, 0.0)
    for tags in product(TAGS, repeat=3):
        doc = ruler(Doc(nlp.vocab, words=list("abc"), tags=list(tags)))
        for one in doc.ents:
            if one.label_ == "A":
                row = [chances[place, COLUMNS[tag]] for place, tag in enumerate(tags)]
                summed[Rejected(one.start, one.end, 1)] += float(torch.stack(row).prod())
    inside = chances[:, INSIDE].sum(dim=1)
    confidence = dict(entities(chances[:, 1].numpy(), inside.numpy(), "A"))
    for span, expected in summed.items():
        assert float(probability(chances, inside, span)) == pytest.approx(expected, rel=1e-9)
        assert confidence.get((span.start, span.end, "A"), expected) == pytest.approx(expected)


@pytest.mark.parametrize("span", [*SPANS, Rejected(1, 2, 3)])
def test_the_gradient_is_that_of_finite_differences(span: Rejected) -> None:
    other = [Rejected(0, 2, 3)]
    given = torch.cat([scores(1), scores(2, tokens=2)]).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda each: rejection_loss(each, INSIDE, [[span], other], [3, 2]), [given]
    )


def test_a_model_that_is_certain_has_a_finite_loss_and_gradient() -> None:
    certain = torch.tensor([[0.0, 1000.0, 0.0, 0.0, 0.0]], dtype=torch.float32, requires_grad=True)
    loss = rejection_loss(certain, INSIDE, [[Rejected(0, 1, 1)]], [1])
    loss.backward()
    assert torch.isfinite(loss)
    assert certain.grad is not None
    assert torch.isfinite(certain.grad).all()


def test_a_span_that_the_tags_can_not_make_is_left_out() -> None:
    vocab = spacy.blank("en").vocab
    reference = Doc(vocab, words=["ab", "c", "d", "e"], spaces=[True, False, True, False])
    marked = [(0, 1, "A"), (1, 3, "A"), (1, 2, "A"), (3, 4, "C"), (0, 3, "B"), (0, 1, "B")]
    reference.spans["incorrect_spans"] = [Span(reference, *one) for one in marked]
    example = Example(Doc(vocab, words=["ab", "cd", "e"]), reference)
    columns = {"O": 0, "B-A": 1, "I-A": 2, "B-B": 3}
    # "c" is no token here, and nobody ever saw a C.
    assert rejected_spans(example, columns) == [(0, 1, 1), (1, 2, 1), (0, 2, 3), (0, 1, 3)]
    assert rejected_spans(Example(Doc(vocab, words=["a"]), Doc(vocab, words=["a"])), columns) == []
