"""Long texts are read in parts, cut before they are padded: the same numbers in less memory."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import pytest
import spacy
from spacy.language import Language

from components import span_parts
from components.span_parts import read_in_parts
from tests.support.tiny_roberta import write_roberta

MOST = 600


@pytest.fixture
def nlp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Language:
    """A classifier over a transformer that reads bytes, at most 128 of a span of 16 words."""
    monkeypatch.setitem(span_parts.MOST_PIECES, "cpu", MOST)
    write_roberta(tmp_path / "roberta")
    nlp = spacy.blank("en")
    model = {
        "name": str(tmp_path / "roberta"),
        "get_spans": {
            "@span_getters": "spacy-transformers.strided_spans.v1",
            "window": 16,
            "stride": 12,
        },
    }
    nlp.add_pipe("transformer", config={"model": model})
    heard = {
        "@architectures": "spacy-transformers.TransformerListener.v1",
        "grad_factor": 1.0,
        "pooling": {"@layers": "reduce_mean.v1"},
        "upstream": "*",
    }
    mean = {
        "@architectures": "spacy.TextCatReduce.v1",
        "exclusive_classes": True,
        "use_reduce_first": False,
        "use_reduce_last": False,
        "use_reduce_max": False,
        "use_reduce_mean": True,
        "tok2vec": heard,
    }
    pipe: Any = nlp.add_pipe("textcat", config={"model": mean})
    for label in ("A", "B", "C"):
        pipe.add_label(label)
    nlp.initialize()
    layer = pipe.model.get_ref("output_layer")
    rng = random.Random(0)
    weights = layer.get_param("W")
    for row in weights:
        row[:] = [rng.gauss(0, 1) for _ in row]
    layer.set_param("W", weights)
    return nlp


def text_of(words: int, longest: int) -> str:
    """Words of one letter and more, and one of them much longer, as in a log."""
    rng = random.Random(1)
    lengths = [rng.choice([1, 2, 5, 9, 40]) for _ in range(words)]
    lengths[words // 2] = longest
    return " ".join("".join(rng.choices(ascii_lowercase, k=length)) for length in lengths)


TEXTS = ["It costs £3.", text_of(300, 90), text_of(40, 3_000), "", text_of(500, 5_000)]


@pytest.mark.parametrize("texts", [TEXTS[:1], TEXTS[1:2], TEXTS[2:3], TEXTS, TEXTS[4:]])
def test_scores_are_the_same(nlp: Language, texts: list[str]) -> None:
    def predicted() -> list[Any]:
        return list(nlp.pipe(texts))

    module = nlp.get_pipe("transformer").model.transformer  # type: ignore[attr-defined]
    own, sizes = module.forward, []

    def noted(input_ids: Any, **rest: Any) -> Any:
        sizes.append(input_ids.numel())
        return own(input_ids=input_ids, **rest)

    expected = predicted()
    module.forward = noted
    with read_in_parts(nlp):
        actual = predicted()
    assert module.forward is noted
    assert max(sizes) <= MOST
    for one, other in zip(actual, expected, strict=True):
        assert one.cats == pytest.approx(other.cats, abs=1e-5)
        if len(one):
            ours, theirs = (doc._.trf_data for doc in (one, other))
            assert ours.wordpieces.strings == theirs.wordpieces.strings
            assert (ours.align.dataXd == theirs.align.dataXd).all()
            assert (ours.align.lengths == theirs.align.lengths).all()
    assert len({doc.cats["A"] for doc in expected}) == len(texts), "equal scores prove nothing"


def test_one_long_word_costs_no_other_span_memory(nlp: Language) -> None:
    text = text_of(400, 4_000)

    def peak() -> int:
        tracemalloc.start()
        nlp(text)
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    nlp(text)  # what is made once, such as the words of the text
    before = peak()
    with read_in_parts(nlp):
        after = peak()
    assert after < before / 3
