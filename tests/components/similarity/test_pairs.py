"""MinHash signatures and the pairs that they lead to, against sets compared one by one."""

from __future__ import annotations

import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.similarity.connected import connected
from components.similarity.minhash import PERMUTATIONS, SHINGLE, shingles, signatures
from components.similarity.pairs import MISSED, band_rows, similar
from tests.components.split.documents import documents


def sets(text: str) -> set[str]:
    text = text.ljust(SHINGLE, "\0")
    return {text[at : at + SHINGLE] for at in range(len(text) - SHINGLE + 1)}


def jaccard(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)


@given(st.lists(st.text(), min_size=1, max_size=8))
def test_shingles_are_those_of_each_text_alone(texts: list[str]) -> None:
    hashes, starts = shingles(texts)
    for text, part in zip(texts, np.split(hashes, starts[1:]), strict=True):
        assert len(part) == max(1, len(text) - SHINGLE + 1)
        assert set(part.tolist()) == set(shingles([text])[0].tolist())
        assert len(set(part.tolist())) == len(sets(text))


def test_signatures_estimate_jaccard() -> None:
    """Within five standard errors, for overlaps from none to all."""
    rng = random.Random(0)
    base = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz ", k=400))
    texts = [base] + [base[:keep] + base[keep:][::-1] for keep in range(0, 400, 20)]
    signed = signatures(texts, len(texts))
    for text, row in zip(texts, signed, strict=True):
        truth = jaccard(sets(base), sets(text))
        error = 5 * (truth * (1 - truth) / PERMUTATIONS) ** 0.5
        assert (row == signed[0]).mean() == pytest.approx(truth, abs=error + 1e-9)


def test_signatures_do_not_depend_on_the_block_that_a_text_is_in() -> None:
    texts = [record.text for record in documents(2000)]
    together = signatures(texts, len(texts))
    assert (together[[7, 1500]] == signatures([texts[7], texts[1500]], 2)).all()


@pytest.mark.parametrize("threshold", [0.4, 0.6, 0.8, 0.95, 1.0])
def test_similar_texts_are_connected_and_no_others(threshold: float) -> None:
    texts = sorted({record.text for record in documents(400, seed=3)})
    known = [sets(text) for text in texts]
    left, right = similar(texts.__getitem__, len(texts), threshold)
    for a, b in zip(left, right, strict=True):
        assert jaccard(known[a], known[b]) >= threshold
    group = connected(len(texts), left, right)
    for a, b in combinations(range(len(texts)), 2):
        if jaccard(known[a], known[b]) >= threshold:
            assert group[a] == group[b]


def test_bands_overlook_few_enough() -> None:
    for threshold in (0.3, 0.5, 0.7, 0.9):
        rows = band_rows(threshold)
        assert (1 - threshold**rows) ** (PERMUTATIONS // rows) <= MISSED


def test_thousands_of_texts_in_one_bucket_are_connected() -> None:
    boilerplate = "cookies on this site: we use some essential cookies to make this service work "
    texts = [f"{boilerplate * 3}{number}" for number in range(3000)]
    left, right = similar(texts.__getitem__, len(texts), 0.8)
    assert connected(len(texts), left, right).max() == 0
    assert len(left) < 3 * len(texts)
