"""Marks of spans that overlap: one inside another, cut where they would cross."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from components.records.prediction import Disagreement, Prediction
from components.records.record import Span
from components.report.build import Material, html
from components.report.marks import Piece, marked
from components.tasks import task_of
from components.tasks.base import TaskSettings
from components.tasks.scores import block_of

TEXT = "sin signos de fiebre ni tos"


def drawn(pieces: Iterable[Piece]) -> str:
    """The pieces with brackets for marks; ( for one that goes on."""
    parts = []
    for one in pieces:
        inside = drawn(one.inside) if one.inside else one.text
        if one.goes_on:
            inside = f"({inside})"
        elif one.label:
            inside = f"[{inside}]{one.label}"
        parts.append(inside)
    return "".join(parts)


def draw(*spans: Span, start: int = 0, end: int = len(TEXT)) -> str:
    return drawn(marked(TEXT, spans, start, end, None))


def test_one_inside_another() -> None:
    outer, inner = Span(0, 20, "SCOPE"), Span(14, 20, "DISO")
    assert draw(inner, outer) == "[sin signos de [fiebre]DISO]SCOPE ni tos"
    assert draw(inner, Span(14, 20, "SYM")) == "sin signos de [[fiebre]SYM]DISO ni tos"


def test_those_that_cross_are_cut() -> None:
    one, other = Span(0, 20, "A"), Span(14, 27, "B")
    assert draw(one, other) == "[sin signos de (fiebre)]A[ ni tos]B"


def test_a_part_of_the_text() -> None:
    one, other = Span(0, 20, "A"), Span(4, 10, "B")
    assert draw(one, other, start=4, end=13) == "… [[signos]B de]A …"


def test_what_is_in_question() -> None:
    one, other = Span(0, 20, "A"), Span(14, 20, "B")
    [_, outer, _] = marked(TEXT, [one, other], 0, len(TEXT), other)
    assert not outer.disputed
    assert [piece.disputed for piece in outer.inside if piece.label] == [True]
    assert outer.depth == 1


spans = st.lists(
    st.tuples(st.integers(0, 26), st.integers(1, 9), st.sampled_from("ABC")).map(
        lambda one: Span(one[0], min(27, one[0] + one[1]), one[2])
    ),
    max_size=6,
    unique=True,
)


@given(spans)
def test_nothing_is_lost(spans: list[Span]) -> None:
    """The text is whole, and every span has exactly one mark with its label."""
    text = draw(*spans)
    assert "".join(c for c in text if c not in "()[]ABC") == TEXT
    assert sorted(c for c in text if c in "ABC") == sorted(span.label for span in spans)


def test_the_report_shows_them() -> None:
    gold, said = [Span(0, 20, "A"), Span(14, 20, "B")], [Span(0, 20, "A"), Span(11, 27, "B")]
    settings = TaskSettings(name="spans", kind="spans", labels=["A", "B"])
    task = task_of(settings)
    [boundary] = task.disagreements(gold, said)
    assert boundary == Disagreement("boundary", gold[1], said[1])
    prediction = Prediction("1", TEXT, 6, list(gold), list(said), [boundary], task="spans")
    block = block_of(task, [prediction], slice_keys=(), resamples=10, seed=0)
    block |= {"champion": None, "words_per_second": 1.0}
    block["suggester"] = {"sizes": [1, 4], "recall": 0.95, "cost": 1.9}
    page = html(Material("Title", "", "new", "old", {"spans": block}, "Held", "bad", [prediction]))
    inner = '<mark class="entity t1 disputed">fiebre<span class="label"> B</span></mark>'
    assert f'<mark class="entity t0 holds-1">sin signos de {inner}<span class="label"> A' in page
    assert '<mark class="entity t1 disputed goes-on">de fiebre</mark>' in page
    assert "runs of 1, 4 words, 1.9 for each word of a text. 95.0&nbsp;% of the spans" in page
