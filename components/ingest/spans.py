"""Where a span really is: its offsets checked against its own text and the text around it."""

from __future__ import annotations

from collections.abc import Callable

from components.ingest.annotation import RawSpan
from components.ingest.problems import Note, QuarantineError

Located = tuple[int, int]


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
    data = text.encode(encoding)
    if not 0 <= start <= end <= len(data) // width:
        return None
    try:
        before = data[: start * width].decode(encoding)
        inside = data[start * width : end * width].decode(encoding)
    except UnicodeDecodeError:
        return None
    return len(before), len(before) + len(inside)


Reading = Callable[[str, int, int], Located | None]

READINGS: dict[str, Reading] = {
    "characters": characters,
    "characters, end included": inclusive,
    "UTF-16 units": utf16,
    "UTF-16 units, end included": utf16_inclusive,
    "UTF-8 bytes": utf8,
}


def choose_reading(text: str, spans: list[RawSpan]) -> str:
    """How the offsets of a record count: the first reading under which all span texts fit.

    Raises:
        QuarantineError: there is none.
    """
    told = [span for span in spans if span.text is not None]
    for name, reading in READINGS.items():
        if all(fits(text, span, reading) for span in told):
            return name
    wrong = next(span for span in told if not fits(text, span, characters))
    raise QuarantineError(
        "span_text_differs",
        f"the span {wrong.start}-{wrong.end} {wrong.label} says {wrong.text!r} and the text there "
        f"is {text[max(0, wrong.start) : max(0, wrong.end)][:80]!r}",
    )


def fits(text: str, span: RawSpan, reading: Reading) -> bool:
    located = reading(text, span.start, span.end)
    if located is None or located[0] < 0 or located[1] > len(text):
        return False
    return text[slice(*located)] == span.text


def locate(text: str, span: RawSpan, reading: str) -> Located:
    """Offsets in characters, inside the text and not empty.

    Raises:
        QuarantineError: they are not.
    """
    located = READINGS[reading](text, span.start, span.end)
    if located is None or not 0 <= located[0] < located[1] <= len(text):
        raise QuarantineError(
            "bad_offsets",
            f"the span {span.start}-{span.end} {span.label} in a text of {len(text)} characters",
        )
    return located


def trim(text: str, start: int, end: int) -> tuple[Located, list[Note]]:
    """Take white space off both edges.

    Raises:
        QuarantineError: nothing is left.
    """
    inside = text[start:end]
    word = inside.strip()
    if not word:
        raise QuarantineError("bad_offsets", f"the span {start}-{end} holds white space only")
    if word == inside:
        return (start, end), []
    new_start = start + len(inside) - len(inside.lstrip())
    return (new_start, new_start + len(word)), [Note("white_edges", excerpt=repr(inside))]
