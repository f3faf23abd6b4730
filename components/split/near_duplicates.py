"""Which records have almost the same text."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import numpy as np

from components.records.keys import normalised
from components.similarity.connected import Edges
from components.similarity.pairs import similar
from components.split.features import Features


class Text(msgspec.Struct):
    """The part of a record that matters here."""

    text: str


def near_duplicates(annotations: Path, features: Features, threshold: float) -> Edges:
    """Pairs of records whose texts' sets of shingles have at least this Jaccard similarity.

    Pairs that others connect already are left out. A threshold of 0 finds none.
    """
    if not threshold:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    records = np.unique(features.text_keys, return_index=True)[1]
    decode = msgspec.json.Decoder(Text).decode
    with annotations.open("rb") as source:

        def text(row: int) -> str:
            start, end = features.offsets[records[row] : records[row] + 2].tolist()
            return normalised(decode(os.pread(source.fileno(), end - start, start)).text)

        left, right = similar(text, len(records), threshold)
    return records[left], records[right]
