"""A corpus is used only as `convert` wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import DataError
from components.train.corpus import verify


def test_whole_corpus_is_counted(corpora: tuple[Path, Path]) -> None:
    assert verify(corpora[0]) == 80


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda corpus: (corpus / "000000.spacy").write_bytes(b"x"), "000000.spacy: changed"),
        (lambda corpus: (corpus / "000000.spacy").unlink(), "is missing"),
        (lambda corpus: (corpus / "more.spacy").write_bytes(b"x"), "is not in the manifest"),
        (lambda corpus: (corpus / "manifest.json").unlink(), "not the manifest"),
        (lambda corpus: (corpus / "manifest.json").write_text("[1]"), "not the manifest"),
        (lambda corpus: (corpus / "manifest.json").write_text('{"shards": ['), "not the manifest"),
    ],
)
def test_damaged_corpus_is_refused(
    corpora: tuple[Path, Path], damage: object, expected: str
) -> None:
    assert callable(damage)
    damage(corpora[0])
    with pytest.raises(DataError, match=expected):
        verify(corpora[0])


def test_empty_corpus_is_refused(corpora: tuple[Path, Path]) -> None:
    (corpora[0] / "000000.spacy").unlink()
    (corpora[0] / "manifest.json").write_text('{"shards": []}', encoding="utf-8")
    with pytest.raises(DataError, match="no document"):
        verify(corpora[0])
