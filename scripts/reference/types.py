"""What a type of Python is called in the documentation."""

from __future__ import annotations

import types
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel

PLAIN = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    date: "date",
    type(None): "null",
    Any: "anything",
    dict: "mapping",
    object: "anything",
}


def in_words(kind: Any) -> str:
    """A type as a reader of YAML or JSON knows it: `list of text`, `a` or `b`."""
    if kind in PLAIN:
        return PLAIN[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return in_words(arguments[0])
    if origin is Literal:
        return either(f"`{value}`" for value in arguments)
    if origin in (Union, types.UnionType):
        return either(dict.fromkeys(in_words(each) for each in arguments))
    if origin in (list, tuple):
        return f"list of {in_words(arguments[0])}"
    if origin is dict:
        return f"mapping of {in_words(arguments[0])} to {in_words(arguments[1])}"
    if isinstance(kind, type) and (issubclass(kind, BaseModel) or hasattr(kind, "__total__")):
        return "mapping"
    raise TypeError(f"scripts/reference/types.py has no words for {kind!r}")


def either(words: Iterable[str]) -> str:
    """`a`, `b` or `c`."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def limits(metadata: Iterable[Any]) -> str:
    """The bounds of a number or a length, such as `0 to 1` or `at least 1`."""
    bounds: dict[str, Any] = {}
    for each in metadata:
        for name in ("ge", "gt", "le", "lt", "min_length", "max_length"):
            if (value := getattr(each, name, None)) is not None:
                bounds[name] = value
        if isinstance(each, annotated_types.Len):
            bounds["min_length"] = each.min_length
    if "ge" in bounds and "le" in bounds:
        return f"{bounds['ge']:g} to {bounds['le']:g}"
    words = {
        "ge": "at least {:g}",
        "gt": "above {:g}",
        "le": "at most {:g}",
        "lt": "below {:g}",
        "min_length": "at least {} of them",
        "max_length": "at most {} of them",
    }
    lengths = ("min_length", "max_length")
    return ", ".join(
        words[name].format(value) for name, value in bounds.items() if value or name not in lengths
    )
