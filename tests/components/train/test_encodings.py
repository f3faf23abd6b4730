"""What is put together from kept word pieces is what spacy-transformers computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.training import Example
from spacy_transformers.data_classes import FullTransformerBatch, TransformerData
from spacy_transformers.span_getters import get_sent_spans

from components.train.encodings import NUMBER, Encodings
from components.train.pieces import KEY, size_of

TEXTS = [
    "The fee is £12 if you apply online.",
    "Unpronounceableword [PAD] two  spaces, and\na line.",
    "é 中文, out of the vocabulary",
    "One two three four five six seven eight nine ten eleven twelve. " * 3,
    "No.",
]


def pipeline(base_models: Path, **model: Any) -> Language:
    """A pipeline with the tiny transformer, which reads spans of 8 words."""
    nlp = spacy.blank("en")
    spans = {"@span_getters": "spacy-transformers.strided_spans.v1", "window": 8, "stride": 6}
    block = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": str(base_models / "tiny--bert"),
        "get_spans": spans,
        "tokenizer_config": {"use_fast": True},
        **model,
    }
    nlp.add_pipe("transformer", config={"model": block})
    nlp.initialize()
    return nlp


@pytest.fixture
def nlp(base_models: Path) -> Language:
    return pipeline(base_models)


def examples(nlp: Language) -> list[Example]:
    return [Example(nlp.make_doc(text), nlp.make_doc(text)) for text in TEXTS]


def model_of(nlp: Language) -> Any:
    return nlp.get_pipe("transformer").model


def assert_same_pieces(one: TransformerData, two: TransformerData) -> None:
    for name in ("input_ids", "attention_mask", "token_type_ids"):
        actual, expected = (getattr(data.wordpieces, name) for data in (one, two))
        np.testing.assert_array_equal(actual, expected)
        assert actual.dtype == expected.dtype
    assert one.wordpieces.strings == two.wordpieces.strings
    assert one.wordpieces.lengths == two.wordpieces.lengths
    np.testing.assert_array_equal(one.align.dataXd, two.align.dataXd)
    np.testing.assert_array_equal(one.align.lengths, two.align.lengths)


def assert_same(actual: FullTransformerBatch, expected: FullTransformerBatch) -> None:
    """Two batches are the same to the bit, together and document by document."""
    both = zip([actual, *actual.doc_data], [expected, *expected.doc_data], strict=True)
    for one, two in both:
        assert_same_pieces(one, two)  # type: ignore[arg-type]
        assert one.model_output.keys() == two.model_output.keys()
        for key, value in one.model_output.items():
            np.testing.assert_array_equal(
                np.asarray(torch.as_tensor(value).detach()),
                np.asarray(torch.as_tensor(two.model_output[key]).detach()),
            )
    assert [list(map(str, spans)) for spans in actual.spans] == [
        list(map(str, spans)) for spans in expected.spans
    ]


@pytest.mark.parametrize("longest", [128, 20, 19])  # the tokeniser's limit; some spans have more
def test_same_batches(nlp: Language, longest: int) -> None:
    model, given = model_of(nlp), examples(nlp)
    model.tokenizer.model_max_length = longest
    encodings = Encodings(nlp)
    encodings.add(given)
    docs = [example.predicted for example in given]
    for batch in (docs, docs[::-1], docs[1:2], docs[2:]):
        expected = model.predict(batch)
        with encodings.used():
            actual = model.predict([doc.copy() for doc in batch])
        assert_same(actual, expected)


def test_same_gradients(nlp: Language) -> None:
    model, given = model_of(nlp), examples(nlp)
    encodings = Encodings(nlp)
    encodings.add(given)
    docs = [example.predicted for example in given]
    gradients = []
    for keep in (False, True):
        torch.manual_seed(0)
        with encodings.used() if keep else torch.enable_grad():
            batch, backprop = model.begin_update(docs)
        d_output = [[np.ones_like(data.tensors[0])] for data in batch.doc_data]
        backprop(batch.unsplit_by_doc(d_output))
        module = model.layers[0].shims[0]._model
        gradients.append([p.grad.clone() for p in module.parameters() if p.grad is not None])
        module.zero_grad()
    for one, two in zip(*gradients, strict=True):
        assert torch.equal(one, two)


def test_unknown_documents_are_read_as_ever(nlp: Language) -> None:
    known, new = examples(nlp), examples(nlp)
    encodings = Encodings(nlp)
    encodings.add(known)
    docs = [known[0].predicted, new[1].predicted]
    expected = model_of(nlp).predict(docs)
    with encodings.used():
        assert_same(model_of(nlp).predict(docs), expected)


def test_tokeniser_is_not_asked_again(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    given = examples(nlp)
    encodings = Encodings(nlp)
    encodings.add(given)
    asked: list[int] = []
    tokenizer = type(model_of(nlp).tokenizer)
    monkeypatch.setattr(tokenizer, "_batch_encode_plus", lambda *_, **__: asked.append(1))
    with encodings.used():
        nlp.get_pipe("transformer").predict([example.predicted for example in given])
    assert asked == []


def test_saved_pipeline_is_untouched(nlp: Language) -> None:
    encodings, pipe = Encodings(nlp), nlp.get_pipe("transformer")
    encodings.add(examples(nlp))
    before = pipe.to_bytes()
    with encodings.used():
        assert pipe.to_bytes() == before
    assert pipe.to_bytes() == before


def test_slow_tokeniser_counts_but_keeps_nothing(base_models: Path) -> None:
    nlp = pipeline(base_models, tokenizer_config={"use_fast": False})
    given = examples(nlp)
    Encodings(nlp).add(given)
    assert NUMBER not in given[0].predicted.user_data
    assert size_of(given[3].predicted)[0] == 7


def test_spans_that_need_other_components_are_left_alone(nlp: Language) -> None:
    model_of(nlp).attrs["get_spans"] = get_sent_spans
    given = examples(nlp)
    Encodings(nlp).add(given)
    assert KEY not in given[0].predicted.user_data


def test_without_a_transformer_nothing_is_noted() -> None:
    nlp = spacy.blank("en")
    given = examples(nlp)
    encodings = Encodings(nlp)
    encodings.add(given)
    with encodings.used():
        assert size_of(given[0].predicted) == (1, len(given[0].predicted))
