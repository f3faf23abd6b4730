"""What the offsets of spans count: proven by all that a record says of them, not believed.

Witnesses are a span's own text, the tokens that it says it has, the other spans of the record, and
the edges of tokens. A reading is a way to count; where witnesses leave two that differ, the record
cannot be trusted.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate

from components.records.annotation import RawSpan
from components.records.problems import Note, Policy, QuarantineError
from components.records.tokens import Boundaries

Located = tuple[int, int]
Reading = Callable[[str, int, int], Located | None]

TEXTS = 8  # readings of texts that are kept: the spans of one come together
WHITE = re.compile(r"(?:\s|\\r|\\n)+")  # some tools write a line end as a backslash and a letter
ASTRAL = re.compile("[\U00010000-\U0010ffff]")


def characters(_text: str, start: int, end: int) -> Located | None:
    return start, end


def inclusive(_text: str, start: int, end: int) -> Located | None:
    return start, end + 1


def utf16(text: str, start: int, end: int) -> Located | None:
    """Offsets in UTF-16 code units, as JavaScript counts."""
    return by_units(text, start, end, "utf-16-le", 2)


def utf16_inclusive(text: str, start: int, end: int) -> Located | None:
    return utf16(text, start, end + 1)


def utf8(text: str, start: int, end: int) -> Located | None:
    """Offsets in bytes of UTF-8."""
    return by_units(text, start, end, "utf-8", 1)


def by_units(text: str, start: int, end: int, encoding: str, width: int) -> Located | None:
    """Characters of offsets that count units of an encoding; None if they split a character."""
    edges = unit_edges(text, encoding, width)
    if not 0 <= start <= end <= edges[-1]:
        return None
    first, last = bisect_left(edges, start), bisect_left(edges, end)
    return (first, last) if (edges[first], edges[last]) == (start, end) else None


@lru_cache(maxsize=TEXTS)
def unit_edges(text: str, encoding: str, width: int) -> list[int]:
    """Where each character of a text begins, in units of an encoding; and where the last ends."""
    sizes = {character: len(character.encode(encoding)) // width for character in {*text}}
    return list(accumulate(map(sizes.__getitem__, text), initial=0))


def short_line_ends(text: str, start: int, end: int) -> Located | None:
    """Offsets into the text with \\n for each \\r\\n, as a browser's text area has it."""
    return by_runs(text, start, end, r"\r\n")


def single_spaces(text: str, start: int, end: int) -> Located | None:
    """Offsets into the text with one space for each run of white space, as HTML shows it."""
    return by_runs(text, start, end, r"\s+")


def by_runs(text: str, start: int, end: int, run: str) -> Located | None:
    """Characters of offsets that count each match of `run` as one character."""
    places = places_shown(text, run)
    if len(places) == len(text) or not 0 <= start < end <= len(places):
        return None
    return places[start], places[end - 1] + 1


@lru_cache(maxsize=TEXTS)
def places_shown(text: str, run: str) -> list[int]:
    """Where the characters of a text are of which each match of `run` shows the first alone."""
    inside = {place for match in re.finditer(run, text) for place in range(*match.span())[1:]}
    return [place for place in range(len(text)) if place not in inside]


READINGS: dict[str, Reading] = {
    "characters": characters,
    "characters, end included": inclusive,
    "UTF-16 units": utf16,
    "UTF-16 units, end included": utf16_inclusive,
    "UTF-8 bytes": utf8,
    "characters, line ends as one": short_line_ends,
    "characters, white space as one": single_spaces,
}


@dataclass
class Spans:
    """The spans of one record, and what tells where they are.

    Attributes:
        tokens: (start, end) of the record's own tokens; None where it has none to be trusted.
        boundaries: of the tokens that will be used.
        trusted: spans without a witness count characters, end excluded.
    """

    text: str
    spans: Sequence[RawSpan]
    tokens: Sequence[Located] | None
    boundaries: Boundaries
    trusted: bool = True
    notes: list[Note] = field(default_factory=list)

    def locate(self) -> list[Located]:
        """Each span's offsets in characters, inside the text and not empty.

        Raises:
            QuarantineError: a witness contradicts every reading, or two readings are as good.
        """
        if all(map(self.plain, self.spans)):
            return [(span.start, span.end) for span in self.spans]
        witnessed = [span for span in self.spans if self.witnesses(span)]
        readings = (name for name in READINGS if all(self.fits(span, name) for span in witnessed))
        name = next(readings, None)
        if name is None:
            return [self.locate_alone(span) for span in self.spans]
        if len(witnessed) < len(self.spans):
            unwitnessed = [span for span in self.spans if not self.witnesses(span)]
            name = self.choose(unwitnessed, [name, *readings] if witnessed else self.plausible())
        if name != "characters":
            policy = None if witnessed else Policy.WARN
            self.notes.append(Note("shifted_span", f"offsets count {name}", self.text, policy))
        return [self.inside(span, name) for span in self.spans]

    def plain(self, span: RawSpan) -> bool:
        """Whether a span counts characters without a doubt, as nearly all do: a quick look."""
        start, end = span.start, span.end
        if not 0 <= start < end <= len(self.text):
            return False
        if span.text is not None:
            return self.text[start:end] == span.text
        tokens, first, last = self.tokens, span.token_start, span.token_end
        if tokens is None or type(first) is not int or type(last) is not int:
            return self.trusted and self.text.isascii()
        if not 0 <= first <= last < len(tokens):
            return False
        return tokens[first][0] == start and tokens[last][1] == end

    def witnesses(self, span: RawSpan) -> bool:
        """Whether a span says itself where it is."""
        return span.text is not None or self.token_edges(span) is not None

    def token_edges(self, span: RawSpan) -> tuple[int, tuple[int, ...]] | None:
        """Where the tokens that a span names begin, and where they may end."""
        first, last = span.token_start, span.token_end
        if self.tokens is None or not isinstance(first, int) or not isinstance(last, int):
            return None
        if not 0 <= first <= last <= len(self.tokens) or first == len(self.tokens):
            return None
        # Prodigy names the last token, spaCy the one after it.
        ends = [
            self.tokens[place][1] for place in (last, last - 1) if first <= place < len(self.tokens)
        ]
        return self.tokens[first][0], tuple(ends)

    def fits(self, span: RawSpan, name: str) -> bool:
        """Whether a span is where it says it is, under a reading."""
        located = READINGS[name](self.text, span.start, span.end)
        if located is None or not 0 <= located[0] <= located[1] <= len(self.text):
            return False
        if span.text is not None:
            return self.text[slice(*located)] == span.text
        edges = self.token_edges(span)
        return edges is not None and located[0] == edges[0] and located[1] in edges[1]

    def plausible(self) -> list[str]:
        """How spans that nothing proves may count."""
        ways = ["characters"]
        if not self.trusted:
            ways.append("characters, end included")
        if ASTRAL.search(self.text):
            ways.append("UTF-16 units")
        return ways

    def choose(self, unwitnessed: Sequence[RawSpan], names: Sequence[str]) -> str:
        """The reading under which spans without a witness begin and end where tokens do."""
        places = {name: [self.valid(span, name) for span in unwitnessed] for name in names}
        aligned = [
            name
            for name, located in places.items()
            if all(place is not None and self.boundaries.aligned(*place) for place in located)
        ]
        different = {tuple(places[name]) for name in aligned}
        sure = len(different) == 1 or (aligned and self.trusted and aligned[0] == "characters")
        if sure or "UTF-16 units" not in names or places["UTF-16 units"] == places[names[0]]:
            return aligned[0] if aligned else names[0]
        span = unwitnessed[0]
        raise QuarantineError(
            "undecidable_offsets",
            f"the span {span.start}-{span.end} {span.label} may count characters or UTF-16 units",
        )

    def valid(self, span: RawSpan, name: str) -> Located | None:
        """A span under a reading, without white edges; None where it is not inside the text."""
        located = READINGS[name](self.text, span.start, span.end)
        if located is None or not 0 <= located[0] < located[1] <= len(self.text):
            return None
        inside = self.text[slice(*located)]
        start = located[0] + len(inside) - len(inside.lstrip())
        return start, start + len(inside.strip())

    def locate_alone(self, span: RawSpan) -> Located:
        """A span of a record whose spans are not all of one reading, or are spelt otherwise."""
        if not self.witnesses(span):
            return self.inside(span, self.choose([span], self.plausible()))
        for name in READINGS:
            if self.fits(span, name):
                if name != "characters":
                    self.notes.append(Note("shifted_span", f"offsets count {name}", self.text))
                return self.inside(span, name)
        return self.locate_by_spelling(span)

    def locate_by_spelling(self, span: RawSpan) -> Located:
        """A span whose own text is spelt with other white space, or is a part of what it covers."""
        for name in READINGS:
            place = self.valid(span, name)
            if place and span.text and spelling(self.text[slice(*place)]) == spelling(span.text):
                self.notes.append(Note("span_text_spacing", repr(span.text), self.text))
                return place
        place = self.valid(span, "characters")
        if place and self.boundaries.aligned(*place):
            shown = self.text[slice(*place)]
            if span.text is None:
                self.notes.append(Note("span_tokens_differ", repr(shown), self.text))
                return place
            if spelling(span.text) and 2 * len(span.text) >= len(shown) and span.text in shown:
                self.notes.append(Note("span_text_part", f"{span.text!r} of {shown!r}", self.text))
                return place
        raise self.contradiction(span)

    def contradiction(self, span: RawSpan) -> QuarantineError:
        """What to say of a span that is nowhere where it says it is."""
        there = self.text[max(0, span.start) : max(0, span.end)][:80]
        if span.text is None:
            said = f"names the tokens {span.token_start} to {span.token_end}"
        else:
            said = f"says {span.text!r}"
        where = f"the span {span.start}-{span.end} {span.label}"
        return QuarantineError(
            "span_text_differs", f"{where} {said} and the text there is {there!r}"
        )

    def inside(self, span: RawSpan, name: str) -> Located:
        """A span under a reading.

        Raises:
            QuarantineError: it is outside the text, or empty.
        """
        located = READINGS[name](self.text, span.start, span.end)
        if located is None or not 0 <= located[0] < located[1] <= len(self.text):
            raise QuarantineError(
                "bad_offsets",
                f"the span {span.start}-{span.end} {span.label} in a text of "
                f"{len(self.text)} characters",
            )
        return located


def spelling(text: str) -> str:
    """A text in which all runs of white space are alike."""
    return WHITE.sub(" ", text).strip()
