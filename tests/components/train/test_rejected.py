"""Spans that annotators rejected are learnt from, or it is said that they are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab
from thinc.api import Config

from components.train.rejected import are_learnt_from
from tests.components.train.conftest import CONFIGS, write_shard

TINY = {"components.transformer.model.name": "tiny/bert", "training.max_steps": 1}
Train = Callable[..., int]


@pytest.mark.parametrize(
    "name", ["minilm", "minilm-fast", "cnn", "roberta", "minilm-tokens", "roberta-tokens"]
)
def test_all_configs_learn_from_them(name: str) -> None:
    config = Config().from_disk(CONFIGS / f"{name}.cfg", interpolate=False)
    assert are_learnt_from(config)


@pytest.mark.parametrize("learns", [True, False])
def test_training_says_that_they_are_not(
    learns: bool, train: Train, corpora: tuple[Path, Path], tmp_path: Path
) -> None:
    shard = DocBin().from_disk(corpora[0] / "000000.spacy")
    docs = list(shard.get_docs(Vocab()))
    docs[3].spans["incorrect_spans"] = [Span(docs[3], 0, 1, "MONEY")]
    write_shard(corpora[0], DocBin(docs=docs, store_user_data=True))
    text = (CONFIGS / "minilm.cfg").read_text(encoding="utf-8")
    if not learns:
        text = text.replace('incorrect_spans_key = "incorrect_spans"', "incorrect_spans_key = null")
    assert train("minilm", TINY, config=text) == 0
    log = (tmp_path / "out/log/training.log").read_text(encoding="utf-8")
    warned = "Warning: 1 documents have spans that annotators rejected." in log
    assert warned is not learns


def test_a_token_classifier_finds_fewer_of_what_was_rejected(
    train: Train, corpora: tuple[Path, Path], tmp_path: Path
) -> None:
    """A date after "form" is none, says ner.teach; of the other words nobody said anything."""
    shard = DocBin().from_disk(corpora[0] / "000000.spacy")
    docs = list(shard.get_docs(Vocab()))
    found = []
    for rejected in (False, True):
        wrong = [no_date(number, rejected) for number in range(24)]
        write_shard(corpora[0], DocBin(docs=[*docs, *wrong], store_user_data=True))
        steps = {
            **TINY,
            "training.max_steps": 60,
            "training.eval_frequency": 60,
            "training.optimizer.learn_rate.initial_rate": 0.01,
        }
        assert train("minilm-tokens", steps) == 0
        nlp = spacy.load(tmp_path / "out/model")
        each = [(one.start, one.end, one.label_) for doc in wrong for one in nlp(doc.text).ents]
        found.append(each.count((2, 5, "DATE")))
        assert [str(one) for one in nlp("It opened on 27 May 2021.").ents] == ["27 May 2021"]
    assert 2 * found[1] < found[0]


def no_date(number: int, rejected: bool) -> Doc:
    """A text of which nothing is known but, perhaps, that one span is no date."""
    doc = spacy.blank("en")(f"See form {number} March 2024 for more.")
    doc.set_ents([], missing=[doc[:]])
    if rejected:
        doc.spans["incorrect_spans"] = [Span(doc, 2, 5, "DATE")]
    return doc
