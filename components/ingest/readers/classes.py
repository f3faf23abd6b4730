"""Classes of whole texts, in the ways that exports write them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

from components.records.annotation import RawChoice
from components.records.problems import QuarantineError

SEPARATORS = "[|;]"
LISTED = ('["', "['", "[]", '{"choices"')


def of_cats(cats: Mapping[Any, Any]) -> list[RawChoice]:
    """The classes of `doc.cats`: 1 is right, 0 wrong, and what is missing unknown.

    Raises:
        QuarantineError: a value is neither, such as a model's probability.
    """
    for label, value in cats.items():
        if not isinstance(label, str) or not isinstance(value, bool | int | float):
            raise QuarantineError("wrong_shape", f"cats must be numbers by label, not {value!r}")
        if value not in (0, 1):
            raise QuarantineError("soft_class", f"{label} is {value}; 1 is right and 0 is wrong")
    if not cats:
        return []
    accepted = [label for label, value in cats.items() if value == 1]
    return [RawChoice(accepted, list(cats), by_label=True)]


def of_value(value: Any, question: str = "") -> RawChoice:
    """One class, or a list of all that a text has.

    Raises:
        QuarantineError: it is something else; numbers stand for classes that only the dataset
            names.
    """
    values = value if isinstance(value, list) else [value]
    if any(isinstance(one, int | float) and not isinstance(one, bool) for one in values):
        raise QuarantineError(
            "wrong_shape",
            "a class is a number, and nothing says which it stands for: write its name, or (of a "
            "Hugging Face dataset) say `features: dataset_info.json` next to the path",
        )
    if not all(isinstance(one, str) and one.strip() for one in values):
        raise QuarantineError(
            "wrong_shape", f"a class must be a text, not {json.dumps(value)[:80]}"
        )
    return RawChoice([one.strip() for one in values], question=question)


def of_cell(cell: str, separator: str) -> RawChoice | None:
    """The classes of a cell of CSV; None where it is empty, which says nothing.

    Args:
        separator: what parts several; "" for those that labels hardly ever contain.

    Raises:
        QuarantineError: it is a list that can't be read.
    """
    cell = cell.strip()
    if cell.startswith(LISTED):
        return of_value(listed(cell))
    parts = re.split(re.escape(separator) if separator else SEPARATORS, cell)
    names = [part.strip() for part in parts if part.strip()]
    return RawChoice(names) if names else None


def listed(cell: str) -> Any:
    """The list that a cell holds, as JSON, as Python writes it, or as Label Studio's choices."""
    try:
        value = json.loads(cell) if cell.startswith(('["', "{")) else ast.literal_eval(cell)
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise QuarantineError("wrong_shape", f"no list of classes: {cell[:80]!r}") from error
    return value["choices"] if isinstance(value, dict) else value
