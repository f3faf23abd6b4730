"""How numbers are written wherever people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

UNDEFINED = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


def percent(fraction: float | None) -> str:
    """Return 0.8731 as "87.3", and an undefined value as a dash."""
    return UNDEFINED if fraction is None else f"{100 * fraction:.1f}"


def points(difference: float | None) -> str:
    """Return a difference of fractions in points with its sign: "+1.2", "0.0"."""
    if difference is None:
        return UNDEFINED
    rounded = round(100 * difference, 1)
    return f"{rounded:+.1f}".replace("-", MINUS) if rounded else "0.0"


def count(number: float | None) -> str:
    """Return 12345 as "12,345"."""
    return UNDEFINED if number is None else f"{number:,.0f}"


def counted(number: int, noun: str) -> str:
    """Return "1 file", "1,200 files"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def span(interval: tuple[float, float] | list[float] | None) -> str:
    """Return an interval of fractions as "84.1 to 90.2"."""
    return UNDEFINED if interval is None else f"{percent(interval[0])} to {percent(interval[1])}"


def points_span(interval: tuple[float, float] | list[float] | None) -> str:
    """Return an interval of a difference in points as "+0.9 to +3.2"."""
    return UNDEFINED if interval is None else f"{points(interval[0])} to {points(interval[1])}"


Standing = Literal["better", "worse", "same", "can't tell", "\N{EN DASH}"]


def standing(compared: Mapping[str, Any]) -> Standing:
    """How a model stands against another, from a comparison of their F and its interval.

    An interval of 0 to 0 says that no resample of the documents tells them apart.
    """
    interval = compared["interval"]
    if interval is None:
        return "\N{EN DASH}"
    low, high = interval
    if low == high == 0:
        return "same"
    if low <= 0 <= high:
        return "can't tell"
    return "better" if low > 0 else "worse"


def tone(compared: Mapping[str, Any]) -> str:
    """CSS class of a change: coloured only where it is larger than noise."""
    return {"better": "good", "worse": "bad"}.get(standing(compared), "")
