"""The columnar writer against spaCy's own DocBin: the same content, field by field."""

from __future__ import annotations

import random

import numpy as np
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.strings import StringStore
from spacy.tokens import Doc, DocBin
from spacy.tokens import Span as DocSpan

from components.convert.columns import INCORRECT_SPANS, to_columns
from components.convert.docbin import compress, message
from components.convert.layout import Tokens, as_array, layout_of
from components.convert.settings import ConvertSettings
from components.convert.texts import join
from components.records.record import Record, Span
from tests.components.convert.annotated import NER, any_record, records, rows
from tests.support.records import ner_record

VOCAB = spacy.blank("en").vocab
ATTRIBUTES = ["ENT_IOB", "ENT_TYPE"]


def by_spacy(given: list[Record]) -> DocBin:
    """What DocBin writes for these records when each is a Doc with the same tokens."""
    packed, _ = to_columns(rows(given), NER, ConvertSettings(window_words=0))
    strings = StringStore(packed.strings)
    words = [strings[number] for number in packed.words.tolist()]
    bin_ = DocBin(ATTRIBUTES, store_user_data=True)
    start = 0
    for record, length in zip(given, packed.lengths.tolist(), strict=True):
        part = slice(start, start + length)
        start += length
        doc = Doc(VOCAB, words[part], packed.spaces[part].tolist())
        assert doc.text == record.text
        entities = [doc.char_span(s.start, s.end, s.label) for s in record.answers["ner"].spans]
        doc.set_ents(entities, default="outside" if record.answers["ner"].complete else "missing")
        doc.user_data = {"id": record.id, "start": 0, "meta": record.meta}
        if record.answers["ner"].rejected:
            rejected = [
                doc.char_span(s.start, s.end, s.label) for s in record.answers["ner"].rejected
            ]
            doc.spans[INCORRECT_SPANS] = [
                DocSpan(doc, span.start, span.end, span.label) for span in rejected
            ]
        bin_.add(doc)
    return bin_


def assert_same(actual: DocBin, expected: DocBin) -> None:
    assert actual.version == expected.version
    assert actual.attrs == expected.attrs
    assert len(actual) == len(expected)
    for mine, other in zip(actual.tokens, expected.tokens, strict=True):
        assert (mine == other).all()
    for mine, other in zip(actual.spaces, expected.spaces, strict=True):
        assert (mine == other).all()
    assert actual.cats == expected.cats
    assert actual.flags == expected.flags
    assert actual.user_data == expected.user_data
    assert actual.span_groups == expected.span_groups
    # DocBin also stores the norms of words, which reading a word makes anew.
    assert actual.strings <= expected.strings


def docs_of(bin_: DocBin) -> list[dict[str, object]]:
    return [{**doc.to_json(), **doc.user_data} for doc in bin_.get_docs(VOCAB)]


def test_real_sentences_are_written_as_docbin_writes_them() -> None:
    given = records(300)
    rng = random.Random(1)
    for record in given[::7]:
        record.answers["ner"].complete = False
        record.answers["ner"].rejected = rng.sample(
            record.answers["ner"].spans, k=min(1, len(record.answers["ner"].spans))
        )
        record.answers["ner"].spans = [
            span
            for span in record.answers["ner"].spans
            if span not in record.answers["ner"].rejected
        ]
    actual = DocBin().from_bytes(
        compress(message(to_columns(rows(given), NER, ConvertSettings(window_words=0))[0]))
    )
    expected = DocBin().from_bytes(by_spacy(given).to_bytes())
    assert_same(actual, expected)
    assert docs_of(actual) == docs_of(expected)


@settings(deadline=None, max_examples=80)
@given(st.lists(any_record(), min_size=1, max_size=4))
def test_any_records_are_written_as_docbin_writes_them(given: list[Record]) -> None:
    actual = DocBin().from_bytes(
        compress(message(to_columns(rows(given), NER, ConvertSettings(window_words=0))[0]))
    )
    assert_same(actual, DocBin().from_bytes(by_spacy(given).to_bytes()))


def test_symbols_keep_their_small_numbers() -> None:
    """ORG and LOC are symbols in spaCy: their hash is not a hash of the string."""
    given = [ner_record("1", "ORG LOC", [Span(0, 3, "ORG"), Span(4, 7, "LOC")])]
    written = compress(message(to_columns(rows(given), NER, ConvertSettings())[0]))
    docs = list(DocBin().from_bytes(written).get_docs(VOCAB))
    assert [(entity.text, entity.label_) for entity in docs[0].ents] == [
        ("ORG", "ORG"),
        ("LOC", "LOC"),
    ]


@given(st.lists(any_record(), max_size=4))
def test_tokens_that_rebuild_their_text_are_distinguished_from_others(given: list[Record]) -> None:
    tokens = [record.tokens or [] for record in given]
    texts = join([record.text for record in given])
    broken = set(layout_of(texts, as_tokens(tokens)).broken.tolist())
    for number, (record, offsets) in enumerate(zip(given, tokens, strict=True)):
        assert (number in broken) != rebuilds(record.text, offsets)


def as_tokens(each: list[list[tuple[int, int]]]) -> Tokens:
    flat = [offsets for tokens in each for offsets in tokens]
    return Tokens(as_array(flat), np.array([len(tokens) for tokens in each], np.int64))


def rebuilds(text: str, tokens: list[tuple[int, int]]) -> bool:
    position = 0
    for start, end in tokens:
        if start != position or not start < end <= len(text):
            return False
        position = end + (text[end : end + 1] == " " and not any(a == end for a, _ in tokens))
    return position == len(text)
