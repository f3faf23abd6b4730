"""A transformer that several threads predict with at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy

from components.answers.inference import use_bfloat16
from components.answers.models import Question, Source, load
from tests.support.tiny_bert import write_bert

WORDS = 40


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """A random transformer that drops half of what it computes, wherever it is let train."""
    write_bert(
        tmp_path / "base",
        [f"w{n}" for n in range(WORDS)],
        hidden_size=64,
        num_hidden_layers=4,
        hidden_dropout_prob=0.5,
    )
    nlp = spacy.blank("en")
    nlp.add_pipe("transformer", config={"model": {"name": str(tmp_path / "base")}})
    nlp.initialize()
    nlp.to_disk(tmp_path / "model")
    return Source("phase-1", tmp_path / "model")


def features(nlp: Any, text: str) -> Any:
    """What the transformer computes of a text."""
    [doc] = nlp.pipe([text])
    return doc._.trf_data.model_output.last_hidden_state


def test_threads_do_not_disturb_each_other(source: Source) -> None:
    nlp = load([source]).phases["phase-1"].nlp
    texts = [" ".join(f"w{(n * m) % WORDS}" for m in range(40)) for n in range(1, 60)]
    alone = [features(nlp, text) for text in texts]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda text: features(nlp, text), texts))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_bfloat16_is_close_and_comes_out_as_float32(source: Source) -> None:
    nlp = load([source]).phases["phase-1"].nlp
    text = " ".join(f"w{n}" for n in range(WORDS))
    exact = features(nlp, text)
    use_bfloat16(nlp)
    close = features(nlp, text)
    assert close.dtype == exact.dtype == np.float32
    assert 0 < np.abs(close - exact).mean() < 0.05


def test_every_phase_reads_the_tokens_that_its_model_would_make(tmp_path: Path) -> None:
    """Those of a word such as "can't" have norms: "can" and "not"."""
    sources = []
    for name in ("first", "last"):
        nlp = spacy.blank("en")
        ruler = nlp.add_pipe("entity_ruler")
        ruler.add_patterns([{"label": name.upper(), "pattern": [{"NORM": "not"}]}])  # type: ignore[attr-defined]
        nlp.to_disk(tmp_path / name)
        sources.append(Source(name, tmp_path / name))
    models = load(sources)
    for asked in (("first",), ("last",)):
        [alone] = models.analyse(["You can't go"], Question(asked))
        assert [entity.text for entity in alone.entities] == ["n't"]
    [both] = models.analyse(["You can't go"], Question(("first", "last")))
    assert [entity.label for entity in both.entities] == ["FIRST"]  # the one named first wins
