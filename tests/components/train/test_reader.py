"""The reader that reads once gives what spacy.Corpus.v1 gives."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.attrs import LOWER, NORM, ORTH, SPACY
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus, Example
from spacy.util import registry
from thinc.api import Config

from components.train.reader import create_reader, kept, read_once
from tests.components.train.conftest import CONFIGS

TEXTS = [
    "I don't think (it's £12.50) can't be :) ok?",
    "Dr. Smith lives at http://example.com/a-b, isn't he?",
    "two  spaces, a\ttab\nand lines\n\n",
    "ends in a space ",
    " starts with one",
    "plain words only",
    "(8 ) 8) 8 ) :) ) (: ( ; o.o a.m. 5 p.m.",
    "",
    "…",
]


def write(folder: Path, docs: Iterable[Doc]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    DocBin(docs=docs, store_user_data=True).to_disk(folder / "a.spacy")
    return folder


def facts(doc: Doc) -> Any:
    """Everything of a document that a component may look at."""
    return (
        doc.text,
        doc.to_array([ORTH, SPACY, NORM, LOWER]).tolist(),
        [(token.idx, token.norm_) for token in doc],
        [(entity.start, entity.end, entity.label_) for entity in doc.ents],
        {name: [(s.start, s.end, s.label_) for s in group] for name, group in doc.spans.items()},
        doc.user_data,
        doc.cats,
        doc.has_unknown_spaces,
    )


def assert_same(actual: Iterable[Example], expected: Iterable[Example]) -> None:
    for one, two in zip(actual, expected, strict=True):
        assert facts(one.predicted) == facts(two.predicted)
        assert facts(one.reference) == facts(two.reference)
        assert one.alignment.x2y.data.tolist() == two.alignment.x2y.data.tolist()


def both(folder: Path, nlp: Language, **options: Any) -> tuple[list[Example], list[Example]]:
    """What our reader and spaCy's give."""
    actual = create_reader(folder, gold_preproc=False, **options)(nlp)
    return list(actual), list(Corpus(folder, **options)(spacy.blank(nlp.lang)))


def test_same_examples(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    docs = [nlp.make_doc(text) for text in TEXTS]
    docs[0].set_ents([docs[0].char_span(0, 1, "PERSON")])
    docs[0].user_data["id"] = "x"
    docs[5].spans["incorrect_spans"] = [docs[5][:1]]
    docs.append(Doc(nlp.vocab, words=["don't", "gimme", "it", ".", "cut", "ter"]))
    docs.append(Doc(nlp.vocab, words=["a", "b."], spaces=[True, False]))
    actual, expected = both(write(tmp_path, docs), spacy.blank("en"))
    assert len(actual) == len(docs) - 1  # not the empty one
    assert_same(actual, expected)


@pytest.mark.parametrize("options", [{"max_length": 5}, {"limit": 3}])
def test_spacys_own_options(tmp_path: Path, options: dict[str, int]) -> None:
    nlp = spacy.blank("en")
    folder = write(tmp_path, [nlp.make_doc(text) for text in TEXTS])
    assert_same(*both(folder, nlp, **options))


def test_examples_are_read_once_and_not_for_longer_than_the_pipeline(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    folder = write(tmp_path, [nlp.make_doc("a b")])
    first = list(create_reader(folder, gold_preproc=False)(nlp))
    assert list(create_reader(folder, gold_preproc=False)(nlp)) == first
    other = list(create_reader(folder, gold_preproc=False)(spacy.blank("en")))
    assert other != first
    assert nlp in kept
    before = len(kept)
    del nlp, first
    assert len(kept) < before


def test_random_augmenters_are_asked_each_time(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    folder = write(tmp_path, [nlp.make_doc("a b")])
    calls: list[Example] = []

    def augment(_: Language, example: Example) -> Iterable[Example]:
        calls.append(example)
        yield example

    reader = create_reader(folder, gold_preproc=False, augmenter=augment)
    assert len([*reader(nlp), *reader(nlp)]) == 2
    assert calls[0] is not calls[1]


def test_only_spacys_reader_is_replaced() -> None:
    config = Config().from_disk(CONFIGS / "roberta.cfg", interpolate=False)
    config["corpora"]["dev"]["@readers"] = "spacy.PlainTextCorpus.v1"
    changed = read_once(config)
    assert [one["@readers"] for one in changed["corpora"].values()] == [
        "retrain.corpus.v1",
        "spacy.PlainTextCorpus.v1",
    ]
    assert config["corpora"]["train"]["@readers"] == "spacy.Corpus.v1"
    assert registry.readers.get("retrain.corpus.v1") is create_reader


def test_a_corpus_that_is_streamed_is_read_each_time(tmp_path: Path) -> None:
    config = Config().from_disk(CONFIGS / "roberta.cfg", interpolate=False)
    config["training"]["max_epochs"] = -1
    assert not read_once(config)["corpora"]["train"]["keep"]
    nlp = spacy.blank("en")
    folder = write(tmp_path, [nlp.make_doc("a b")])
    reader = create_reader(folder, gold_preproc=False, keep=False)
    first, second = list(reader(nlp)), list(reader(nlp))
    assert_same(first, second)
    assert first[0] is not second[0]


def test_a_word_of_signs_is_tokenised_in_pieces(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    folder = write(tmp_path, [Doc(nlp.vocab, words=["[" * 100_000])])  # spaCy's takes an hour
    before = nlp.to_bytes()
    (example,) = create_reader(folder, gold_preproc=False)(nlp)
    assert example.predicted.text == example.reference.text
    assert nlp.to_bytes() == before
