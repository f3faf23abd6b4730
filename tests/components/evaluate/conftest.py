from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.tiny_ner import make_docs, train_tiny, write_corpus


@dataclass(frozen=True)
class Shelf:
    """Models and a corpus that several tests read and none changes."""

    good: Path
    weak: Path
    corpus: Path


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    folder = tmp_path_factory.mktemp("shelf")
    return Shelf(
        good=train_tiny(folder / "good", make_docs(60, seed=1)),
        weak=train_tiny(folder / "weak", make_docs(60, seed=1), steps=34),
        corpus=write_corpus(folder / "corpus", make_docs(80, seed=2)),
    )
