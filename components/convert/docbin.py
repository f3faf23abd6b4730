"""The DocBin format, written from columns.

`DocBin.add` reads nine attributes of every token through Python objects, and most of them are empty
before training. Here a shard is a few arrays, filled at once and written in the same format, so
that spaCy reads back the same documents. Format: spacy/tokens/_serialize.py, version "0.1".
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from spacy.attrs import ORTH
from spacy.tokens._dict_proxies import SpanGroups

NO_SPANS: bytes = SpanGroups._EMPTY_BYTES
# zlib's default, 6, takes four times as long for a few per cent: most bytes are hashes.
COMPRESSION = 1


@dataclass(frozen=True)
class Columns:
    """Documents as columns; tokens of all documents stand one after the other.

    Attributes:
        words: spaCy's hash of each token.
        spaces: whether a space follows each token.
        lengths: tokens of each document.
        attributes: spaCy's number of an attribute -> its value for each token.
        strings: what the hashes stand for, those of the attributes too.
        user_data: `Doc.user_data` of each document, a dict or msgspec.Struct.
        span_groups: `Doc.spans.to_bytes()` of each document.
        cats: `Doc.cats` of each document.
    """

    words: NDArray[np.uint64]
    spaces: NDArray[np.bool_]
    lengths: NDArray[np.int32]
    attributes: Mapping[int, NDArray[np.uint64]]
    strings: list[str]
    user_data: Sequence[Any]
    span_groups: list[bytes]
    cats: list[dict[str, float]]


def message(columns: Columns) -> bytes:
    """What a `.spacy` file with these documents holds, compressed."""
    attributes = sorted(columns.attributes.items())
    tokens = np.empty((len(columns.words), 1 + len(attributes)), np.uint64)
    tokens[:, 0] = columns.words
    for column, (_, values) in enumerate(attributes, start=1):
        tokens[:, column] = values
    encode = msgspec.msgpack.Encoder().encode
    count = len(columns.lengths)
    fields = {
        "version": "0.1",
        "attrs": [ORTH, *(attribute for attribute, _ in attributes)],
        "tokens": tokens.tobytes(),
        "spaces": columns.spaces.tobytes(),
        "lengths": columns.lengths.astype(np.int32).tobytes(),
        "strings": columns.strings,
        "cats": columns.cats,
        "flags": [{"has_unknown_spaces": False}] * count,
        "span_groups": columns.span_groups,
        "user_data": list(map(encode, columns.user_data)),
    }
    return encode(fields)


def compress(message: bytes) -> bytes:
    """The bytes of a `.spacy` file."""
    return zlib.compress(message, COMPRESSION)
