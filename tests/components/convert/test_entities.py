"""Every entity comes out as it was annotated, whatever the tokens, windows and texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from components.convert.columns import INCORRECT_SPANS, to_columns
from components.convert.docbin import compress, message
from components.convert.settings import ConvertSettings
from components.convert.windows import windows
from components.records.record import Record, Span
from tests.components.convert.annotated import NER, any_record, records, rows
from tests.components.convert.conftest import Corpora
from tests.support.records import ner_record


def documents(given: Sequence[Record], **options: int) -> Iterator[Doc]:
    """Write records and read them back."""
    packed, _ = to_columns(rows(given), NER, ConvertSettings(**options))
    yield from DocBin().from_bytes(compress(message(packed))).get_docs(Vocab())


def entities(doc: Doc) -> list[Span]:
    """Entities of a document or window, at their offsets in the record."""
    start = doc.user_data["start"]
    return [Span(start + e.start_char, start + e.end_char, e.label_) for e in doc.ents]


@settings(deadline=None)
@given(any_record(), st.integers(0, 6))
def test_windows_put_together_are_the_record(record: Record, words: int) -> None:
    docs = list(documents([record], window_words=words))
    assert "".join(doc.text for doc in docs) == record.text
    assert [entity for doc in docs for entity in entities(doc)] == record.answers["ner"].spans
    assert {doc.user_data["id"] for doc in docs} == {record.id}
    assert all(doc.user_data["meta"] == record.meta for doc in docs)


@given(
    st.lists(st.sampled_from(["a", ".", "\n", "b"]), max_size=60),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 8)), max_size=10),
    st.integers(1, 12),
)
def test_windows_are_short_and_never_cut(
    words: list[str], spans: list[tuple[int, int]], longest: int
) -> None:
    inside = [(a, min(a + n, len(words))) for a, n in spans if a < len(words)]
    ranges = windows(words, inside, longest)
    assert [start for start, _ in ranges] == [0, *(end for _, end in ranges[:-1])]
    assert ranges[-1][1] == len(words)
    for start, end in ranges:
        assert not any(a < end < b for a, b in inside)
        for earlier in range(start + longest, min(end, len(words))):
            assert any(a < earlier < b for a, b in inside)


def test_windows_end_with_a_sentence_where_one_is_near() -> None:
    words = ["a"] * 9 + ["."] + ["a"] * 9 + ["."] + ["a"] * 9
    assert windows(words, [], 12) == [(0, 10), (10, 20), (20, 29)]


def test_a_long_record_becomes_windows_that_name_it(convert: Callable[..., Corpora]) -> None:
    given = records(20, sentences=30)
    corpora = convert(given, window_words=50)
    docs = corpora.docs()
    assert max(map(len, docs)) <= 50
    assert {doc.user_data["id"] for doc in docs} == {record.id for record in given}
    report = corpora.report["corpora"]["train"]
    assert (report["records"], report["windowed"]) == (20, 20)
    assert report["documents"] == len(docs) > 100
    by_id = {record.id: record for record in given}
    for doc in docs:
        text, start = by_id[doc.user_data["id"]].text, doc.user_data["start"]
        assert text[start : start + len(doc.text)] == doc.text


def test_tokens_of_the_annotation_tool_are_kept() -> None:
    tokens = [(0, 4), (5, 6), (6, 9)]
    [doc] = documents([ner_record("1", "self-made", [], [(0, 4), (4, 5), (5, 9)])])
    assert [token.text for token in doc] == ["self", "-", "made"]
    [doc] = documents([ner_record("1", "self -mad", [], tokens)])
    assert [token.text for token in doc] == ["self", "-", "mad"]


def test_tokens_that_disagree_with_the_text_are_made_anew(convert: Callable[..., Corpora]) -> None:
    corpora = convert([ner_record("1", "Pay £20 now", [Span(4, 7, "MONEY")], [(0, 3), (4, 9)])])
    assert [token.text for token in corpora.docs()[0]] == ["Pay", "£", "20", "now"]
    tokens = corpora.report["corpora"]["train"]["tokens"]
    assert tokens == {"retokenised": 0, "disagreeing": 1, "split": 0}


def test_an_entity_inside_a_token_is_kept_and_counted(convert: Callable[..., Corpora]) -> None:
    """Neither dropped nor trained as O: spaCy sees that its tokens do not align."""
    corpora = convert([ner_record("1", "See SA100form.", [Span(4, 9, "FORM")], source="a.jsonl:3")])
    [doc] = corpora.docs()
    assert [(entity.text, entity.label_) for entity in doc.ents] == [("SA100", "FORM")]
    report = corpora.report["corpora"]["train"]
    assert report["tokens"]["split"] == 1
    ner = report["tasks"]["ner"]
    assert ner["labels"] == {"FORM": {"count": 1, "misaligned": 1}}
    assert ner["misaligned_examples"] == [{"source": "a.jsonl:3", "label": "FORM", "text": "SA100"}]


def test_entities_inside_a_token_are_counted_by_language(convert: Callable[..., Corpora]) -> None:
    def record(number: int, text: str, name: str, **meta: str) -> Record:
        start = text.index(name)
        return ner_record(
            str(number), text, [Span(start, start + len(name), "ORG")], meta=meta, source="a:1"
        )

    texts = [
        record(1, "Holm A/S ligger i Åby.", "Holm A/S", lang="da"),
        record(2, "Han arbejder i Holm A/S.", "Holm A/S", lang="da"),  # "A/S." is one token
        record(3, "Die Müller GmbH schweigt.", "Müller GmbH", lang="de"),
        record(4, "Nobody knows Acme.", "Acme"),
    ]
    corpora = convert(texts, language="da")
    ner = corpora.report["corpora"]["train"]["tasks"]["ner"]
    assert ner["languages"] == {
        "": {"count": 1, "misaligned": 0},
        "da": {"count": 2, "misaligned": 1},
        "de": {"count": 1, "misaligned": 0},
    }
    plain = convert([record(4, "Nobody knows Acme.", "Acme")])
    assert plain.report["corpora"]["train"]["tasks"]["ner"]["languages"] == {}


def test_unknown_tokens_of_binary_annotations_are_missing() -> None:
    accepted = ner_record("1", "Ann met Bob", [Span(0, 3, "PERSON")], complete=False)
    whole = ner_record("2", "Ann met Bob", [Span(0, 3, "PERSON")])
    first, second = documents([accepted, whole])
    assert [token.ent_iob_ for token in first] == ["B", "", ""]
    assert [token.ent_iob_ for token in second] == ["B", "O", "O"]


def test_rejected_spans_go_where_spacy_looks_for_them() -> None:
    record = ner_record(
        "1",
        "Ann met Bob in May",
        [Span(0, 3, "PERSON")],
        complete=False,
        rejected=[Span(8, 11, "ORG"), Span(15, 18, "PERSON")],
    )
    first, second = documents([record], window_words=4)
    assert [(s.text, s.label_) for s in first.spans[INCORRECT_SPANS]] == [("Bob", "ORG")]
    assert [(s.text, s.label_) for s in second.spans[INCORRECT_SPANS]] == [("May", "PERSON")]
