"""What offsets count is proven by every witness there is, and where none decides, doubted."""

from __future__ import annotations

import pytest

from components.records.annotation import RawSpan
from components.records.offsets import Spans
from components.records.problems import QuarantineError
from components.records.tokens import Boundaries
from components.tokeniser import tokenise

EMOJI = "\U0001f600\U0001f44d Ask Ada Byron in Leeds"
ADA, LEEDS = (7, 16), (20, 25)  # in characters; two more in UTF-16


def locate(
    text: str, *spans: RawSpan, trusted: bool = True, tokens: bool = False
) -> tuple[list[str], set[str]]:
    """What the spans cover, and the kinds of notes."""
    own = tokenise(text, "en")
    located = Spans(text, spans, own if tokens else None, Boundaries(own), trusted)
    return [text[slice(*place)] for place in located.locate()], {
        note.kind for note in located.notes
    }


def span(start: int, end: int, text: str | None = None, **more: int) -> RawSpan:
    return RawSpan(start, end, "X", text, **more)


@pytest.mark.parametrize("trusted", [True, False])
def test_utf16_is_seen_by_the_edges_of_tokens(trusted: bool) -> None:
    spans = [span(start + 2, end + 2) for start, end in (ADA, LEEDS)]
    assert locate(EMOJI, *spans, trusted=trusted) == (["Ada Byron", "Leeds"], {"shifted_span"})
    spans = [span(start, end) for start, end in (ADA, LEEDS)]
    assert locate(EMOJI, *spans, trusted=trusted) == (["Ada Byron", "Leeds"], set())


def test_where_both_ways_to_count_end_on_tokens_nothing_is_believed() -> None:
    text = "\U0001f600 a b c d"
    assert locate(text, span(2, 3)) == (["a"], set())  # Prodigy counts characters
    with pytest.raises(QuarantineError) as caught:
        locate("\U0001f600\U0001f600 a b c", span(5, 6), trusted=False)
    assert caught.value.kind == "undecidable_offsets"


def test_where_neither_does_nothing_is_believed() -> None:
    with pytest.raises(QuarantineError) as caught:
        locate(EMOJI, span(8, 11))
    assert caught.value.kind == "undecidable_offsets"


@pytest.mark.parametrize("first", ["a  ", "\U0001f600 ", "é\r\n"])
def test_ten_thousand_spans_of_one_text(first: str) -> None:
    """Each looked at the whole text again: hours."""
    text = first + "ab cd " * 40_000
    units = len(first.encode("utf-16-le")) // 2 if ord(first[0]) > 0xFFFF else 2
    spans = [span(units + place, units + place + 2, "ab") for place in range(0, 60_000, 6)]
    words, _ = locate(text, *spans)
    assert words == ["ab"] * 10_000


def test_before_the_first_emoji_all_count_alike() -> None:
    assert locate("Ask Adas \U0001f600", span(4, 7)) == (["Ada"], set())


def test_token_numbers_are_a_witness() -> None:
    text = "\U0001f600 Ask Ada, in Leeds, now"
    own = [text[a:b] for a, b in tokenise(text, "en")]
    first, last = own.index("Ada"), own.index("Leeds")
    start = text.index("Ada") + 1
    for end in (first, first + 1):  # Prodigy's, and spaCy's
        said = span(start, start + 3, token_start=first, token_end=end)
        assert locate(text, said, tokens=True)[0] == ["Ada"]
    wrong = span(start - 1, start + 2, token_start=last, token_end=last)
    assert locate(text, wrong, tokens=True) == (["Ada"], {"span_tokens_differ"})
    with pytest.raises(QuarantineError, match="names the tokens"):
        locate(text, span(start, start + 2, token_start=last, token_end=last), tokens=True)


def test_spans_that_tell_speak_for_those_that_do_not() -> None:
    spans = [span(ADA[0] + 2, ADA[1] + 2, "Ada Byron"), span(LEEDS[0] + 2, LEEDS[1] + 2)]
    assert locate(EMOJI, *spans, trusted=False)[0] == ["Ada Byron", "Leeds"]


def test_each_span_with_a_text_proves_its_own_way_to_count() -> None:
    spans = [span(*ADA, "Ada Byron"), span(LEEDS[0] + 2, LEEDS[1] + 2, "Leeds")]
    assert locate(EMOJI, *spans) == (["Ada Byron", "Leeds"], {"shifted_span"})


def test_line_ends_and_white_space_may_count_as_one() -> None:
    text = "Dear sir,\r\nfrom Leeds.\r\nAda Byron"
    short = text.replace("\r\n", "\n")
    for word in ("Leeds", "Ada Byron"):
        start = short.index(word)
        assert locate(text, span(start, start + len(word), word))[0] == [word]
    text = "To  Harrow \n Mills,  York"
    single = " ".join(text.split())
    start = single.index("York")
    assert locate(text, span(start, start + 4, "York")) == (["York"], {"shifted_span"})


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("Harrow  Mills", "Harrow Mills"),
        ("Mill Row\r\nYork", "Mill Row\nYork"),
        ("Mill Row\nYork", "Mill Row\\nYork"),
    ],
)
def test_a_text_that_differs_in_white_space_is_the_same(text: str, own: str) -> None:
    assert locate(f"At {text}.", span(3, 3 + len(text), own)) == ([text], {"span_text_spacing"})


def test_a_text_that_lacks_its_first_and_last_letter_is_reported() -> None:
    assert locate("Ask Byron", span(4, 9, "yro")) == (["Byron"], {"span_text_part"})


@pytest.mark.parametrize("own", ["", "Leeds", "y"])
def test_a_text_that_is_elsewhere_is_refused(own: str) -> None:
    with pytest.raises(QuarantineError, match="says"):
        locate("Ask Byron", span(4, 9, own))
