"""The hashes of tokens against spaCy's own, and the tokens as they stand in JSON."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.strings import StringStore
from spacy.symbols import IDS

from components.convert.counts import Counts
from components.convert.layout import Tokens, as_array, layout_of
from components.convert.rows import Row
from components.convert.texts import join
from components.convert.tokens import read
from components.convert.words import hashes, representatives
from components.errors import DataError

WORDS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    st.sampled_from(["IN", "ORG", "X", "a" * 7, "a" * 8, "a" * 9, "é" * 8, "\0", "\U0001f600"]),
)


@given(st.lists(WORDS, max_size=30))
def test_every_token_has_the_hash_that_spacy_gives_it(words: list[str]) -> None:
    ends = np.cumsum([len(word) for word in words], dtype=np.int64)
    offsets = np.column_stack([ends - [len(word) for word in words], ends]).astype(np.int64)
    layout = layout_of(join(["".join(words)]), Tokens(offsets, np.array([len(words)])))
    hashed, distinct = hashes(layout)
    store = StringStore()
    assert hashed.tolist() == [store.add(word) for word in words]
    assert sorted(distinct) == sorted(set(words))


def test_symbols_have_the_numbers_that_spacy_gives_them() -> None:
    words = [symbol for symbol in IDS if symbol]
    text = " ".join(words)
    ends = np.cumsum([len(word) + 1 for word in words]) - 1
    offsets = np.column_stack([ends - [len(word) for word in words], ends])
    hashed, _ = hashes(layout_of(join([text]), Tokens(offsets, np.array([len(words)]))))
    assert hashed.tolist() == [IDS[word] for word in words]


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 9).map(lambda n: n << 40)))
def test_each_distinct_value_is_represented_once(values: list[int]) -> None:
    array = np.array(values, np.uint64)
    assert sorted(array[representatives(array)].tolist()) == sorted(set(values))


def row(tokens: bytes) -> Row:
    return msgspec.json.decode(
        b'{"id":"1","text":"a b","answers":{},"tokens":' + tokens + b"}", type=Row
    )


OFFSETS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=5)


@given(st.lists(st.tuples(OFFSETS, st.booleans()), min_size=1, max_size=5))
def test_tokens_are_read_as_json_has_them(given: list[tuple[list[tuple[int, int]], bool]]) -> None:
    """Whether they are written without spaces, as they are here, or with some."""
    written = [msgspec.json.encode(tokens) for tokens, _ in given]
    spread = [
        b.replace(b",", b" , ") if odd else b for b, (_, odd) in zip(written, given, strict=True)
    ]
    tokens = read([row(text) for text in spread], "en", Counts())
    assert [tokens.of(at) for at in range(len(given))] == [each for each, _ in given]


@pytest.mark.parametrize("absent", [b"null", b"[[-1,1],[2,3]]"])
def test_records_without_usable_tokens_are_tokenised(absent: bytes) -> None:
    counts = Counts()
    tokens = read([row(b"[[0,3]]"), row(absent), row(b"[]")], "en", counts)
    assert [tokens.of(at) for at in range(3)] == [[(0, 3)], [(0, 1), (2, 3)], []]
    assert counts.retokenised + counts.disagreeing == 1


@pytest.mark.parametrize(
    "wrong", [b"7", b"{}", b"[7]", b"[[1]]", b"[[1,2,3]]", b'[["1",2]]', b"[[1,2.5]]", b"[[[1,2]]]"]
)
def test_what_is_no_token_is_refused(wrong: bytes) -> None:
    with pytest.raises(DataError, match="tokens are not pairs of offsets"):
        read([row(b"[[0,1]]"), row(wrong)], "en", Counts())


@given(st.lists(OFFSETS, max_size=6), st.data())
def test_other_tokens_take_the_place_of_some(
    given: list[list[tuple[int, int]]], data: st.DataObject
) -> None:
    flat = [token for tokens in given for token in tokens]
    tokens = Tokens(as_array(flat), np.array([len(each) for each in given], np.int64))
    changes = (
        data.draw(st.dictionaries(st.integers(0, max(len(given) - 1, 0)), OFFSETS)) if given else {}
    )
    changed = tokens.replaced(changes)
    expected = [changes.get(at, each) for at, each in enumerate(given)]
    assert [changed.of(at) for at in range(len(given))] == expected
