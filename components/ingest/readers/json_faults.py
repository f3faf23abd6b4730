"""What is wrong with a piece of JSON: the exact, slow look that only suspects get."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, NoReturn

from components.records.problems import QuarantineError


class DuplicateKeyError(ValueError):
    """An object has the same key twice."""


class NotANumberError(ValueError):
    """NaN, Infinity or -Infinity."""


def strict_object(text: bytes) -> dict[str, Any]:
    """Parse a JSON object as the standard has it.

    Raises:
        QuarantineError: with the class of what is wrong.
    """
    value = strict_value(text)
    if not isinstance(value, dict):
        raise QuarantineError("not_object", f"expected an object, not {type(value).__name__}")
    return value


def strict_value(text: bytes) -> Any:
    """Parse JSON as the standard has it.

    Raises:
        QuarantineError: with the class of what is wrong.
    """
    try:
        value = json.loads(text, object_pairs_hook=unique, parse_constant=not_a_number)
    except DuplicateKeyError as error:
        raise QuarantineError("duplicate_keys", str(error)) from error
    except NotANumberError as error:
        raise QuarantineError("nan_literal", str(error)) from error
    except RecursionError as error:
        raise QuarantineError("not_json", "nested too deeply") from error
    except ValueError as error:
        raise QuarantineError("not_json", f"not JSON: {error}") from error
    check_surrogates(value)
    return value


def check_surrogates(value: Any) -> None:
    """Raise QuarantineError if a string in `value` cannot be written as UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise QuarantineError(
            "lone_surrogate", f"half of a surrogate pair (U+{ord(error.object[error.start]):04X})"
        ) from error


# What is left of a literal, a number or an escape where the text ends inside it.
CUT_REST = re.compile(r"(t(ru?)?|f(a(ls?)?)?|n(ul?)?|-|\.|[eE][+-]?|u?[0-9a-fA-F]{0,4})?")


def is_cut(text: bytes) -> bool:
    """Whether JSON that does not parse would need more text to do so."""
    decoded = text.decode(errors="replace").rstrip()
    try:
        json.loads(decoded)
    except json.JSONDecodeError as error:
        inside_string = error.msg.startswith("Unterminated string")
        return inside_string or CUT_REST.fullmatch(decoded[error.pos :]) is not None
    except (RecursionError, ValueError):
        return False
    return False


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise DuplicateKeyError(f"the key {json.dumps(twice)} appears twice in one object")
    return value


def not_a_number(literal: str) -> NoReturn:
    raise NotANumberError(f"{literal} is not JSON")
