"""Which annotations to keep."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, get_args

from components.ingest.settings import Answer, Select, spelt
from components.records.annotation import Annotation
from components.records.problems import QuarantineError

ANSWERS = get_args(Answer)


def reason_to_skip(annotation: Annotation, select: Select) -> str:
    """Why an annotation is left out; "" if it is not.

    Raises:
        QuarantineError: nobody has answered it.
    """
    answer = annotation.answer
    if answer not in ANSWERS:
        said = "no answer" if answer is None else f"the answer {answer!r}"
        raise QuarantineError("missing_answer", f"{said}; expected accept, reject or ignore")
    # A rejected suggestion teaches what the span is not; a rejected document teaches nothing.
    if answer not in select.answers and not (annotation.binary and answer == "reject"):
        return f"answer: {answer}"
    if select.reviewed and not annotation.reviewed:
        return "not reviewed"
    return by_key(annotation, select) or by_date(annotation.time, select)


def by_key(annotation: Annotation, select: Select) -> str:
    for key, wanted in select.include.items():
        if not {*wanted} & values(annotation, key):
            return f"include: {key}"
    for key, unwanted in select.exclude.items():
        if {*unwanted} & values(annotation, key):
            return f"exclude: {key}"
    return ""


def values(annotation: Annotation, key: str) -> set[str]:
    """The values, as JSON spells them, of `tags` or of a key of meta such as "meta.page.kind"."""
    if key == "tags":
        return {*annotation.tags}
    value: Any = annotation.meta
    for part in key.split(".")[1:]:
        if not isinstance(value, dict) or part not in value:
            return set()
        value = value[part]
    return {spelt(item) for item in (value if isinstance(value, list) else [value])}


def filtered_by(select: Select) -> set[tuple[str, str]]:
    """(key, value) of all that include and exclude name."""
    filters = (*select.include.items(), *select.exclude.items())
    return {(key, value) for key, wanted in filters for value in wanted}


def by_date(time: float | None, select: Select) -> str:
    if select.since is None and select.until is None:
        return ""
    day = day_of(time)
    if day is None:
        return "date unknown"
    if select.since and day < select.since:
        return f"before {select.since}"
    if select.until and day > select.until:
        return f"after {select.until}"
    return ""


def day_of(time: float | None) -> date | None:
    try:
        return None if time is None else datetime.fromtimestamp(time, tz=UTC).date()
    except (OverflowError, ValueError, OSError):
        return None
