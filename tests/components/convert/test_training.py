"""What training sees: spaCy's own reader and examples over the folders."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.training import Corpus
from spacy.training.iob_utils import offsets_to_biluo_tags

from components.convert.alignment import border
from components.convert.columns import INCORRECT_SPANS
from components.records.record import Span
from components.tokeniser import tokenise
from tests.components.convert.annotated import records
from tests.components.convert.conftest import Corpora
from tests.support.records import ner_record


def pipeline(**config: str) -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("ner", config=config)
    return nlp


def test_spacy_reads_the_folder_as_it_is(convert: Callable[..., Corpora]) -> None:
    given = records(100)
    corpora = convert(given)
    examples = list(Corpus(corpora.folder / "train")(spacy.blank("en")))
    assert [example.text for example in examples] == [record.text for record in given]
    for example, record in zip(examples, given, strict=True):
        spans = [(span.start, span.end, span.label) for span in record.answers["ner"].spans]
        assert example.get_aligned_ner() == offsets_to_biluo_tags(example.predicted, spans)


def test_the_report_counts_what_spacy_leaves_out_of_its_score(
    convert: Callable[..., Corpora],
) -> None:
    odd = [ner_record(str(n), f"form-SA{n}/x", [Span(5, 7, "FORM")]) for n in range(5)]
    corpora = convert(records(50) + odd)
    examples = list(Corpus(corpora.folder / "train")(spacy.blank("en")))
    lost = sum(
        len(example.reference.ents) - len(example.get_aligned_spans_y2x(example.reference.ents))
        for example in examples
    )
    assert corpora.report["corpora"]["train"]["tasks"]["ner"]["misaligned"] == lost == 5


def test_missing_tokens_are_missing_in_training(convert: Callable[..., Corpora]) -> None:
    record = ner_record("1", "Ann met Bob", [Span(0, 3, "PERSON")], complete=False)
    [example] = Corpus(convert([record]).folder / "train")(spacy.blank("en"))
    assert example.get_aligned_ner() == ["U-PERSON", None, None]


def test_spacy_learns_from_rejected_spans(convert: Callable[..., Corpora]) -> None:
    """With incorrect_spans_key, a model unlearns what annotators refused."""
    spacy.util.fix_random_seed(0)
    wrong = [ner_record("w", "we saw Bob", [], complete=False, rejected=[Span(7, 10, "ORG")])]
    right = [ner_record("r", "we saw Bob", [Span(7, 10, "ORG")])]
    nlp = pipeline(incorrect_spans_key=INCORRECT_SPANS)
    first = list(Corpus(convert(right).folder / "train")(nlp))
    second = list(Corpus(convert(wrong).folder / "train")(nlp))
    nlp.initialize(lambda: first)
    for _ in range(30):
        nlp.update(first)
    assert [entity.text for entity in nlp("we saw Bob").ents] == ["Bob"]
    for _ in range(60):
        nlp.update(second)
    assert [entity.text for entity in nlp("we saw Bob").ents if entity.label_ == "ORG"] == []


@pytest.mark.parametrize("language", ["en", "fr", "es", "zh"])
@settings(deadline=None, max_examples=60)
@given(text=st.text(st.sampled_from("aB.,'-/:£$1 2\n\t)(@…é中 \N{NO-BREAK SPACE}"), max_size=30))
def test_borders_are_those_of_the_whole_text(language: str, text: str) -> None:
    edges = {edge for token in tokenise(text, language) for edge in token}
    spaces = {
        at
        for at in range(len(text) + 1)
        if text[max(at - 1, 0) : at + 1].strip() != text[max(at - 1, 0) : at + 1]
    }
    for at in range(len(text) + 1):
        if at not in spaces:
            assert border(text, at, language) == (at in edges or at in (0, len(text)))
