"""Which tool wrote a JSON record: recognised by the keys at its top, and by no others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import islice
from typing import Any

WORK = {"annotations", "completions", "predictions"}  # of a Label Studio task
PRODIGY = {"spans", "answer", "options", "_view_id", "_input_hash", "_task_hash", "_session_id"}
MIN = {"annotation_id", "annotator", "lead_time"}
TAGS = {"ner_tags", "tags", "ner"}
TEXTS = ("text", "sentence", "content")
# A name of a class stands beside its number.
CLASSES = ("label_text", "label_name", "label", "labels", "category", "class")
LISTS = ("label", "labels", "entities", "annotations", "cats")  # doccano's, and others'
KEY = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(:)?|[{}\[\]]')
START = re.compile(r"^[ \t]*[{\[]", re.MULTILINE)  # of a record
LIST = re.compile(r"\[\s*(?=[\[{])")  # of records
SCANNED = 100_000  # characters

Record = dict[str, Any]


def is_pair(value: Any) -> bool:
    """Whether a value is spaCy's old [text, {"entities": …}]."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], dict)
    )


def holds(record: Record, key: str, kind: type, inner: type | None = None) -> bool:
    """Whether a key's value is of a kind, and the first thing in it, if there is one."""
    value = record.get(key)
    if value is None:  # not known, where the record is cut
        return key in record and inner is None
    if not isinstance(value, kind):
        return False
    return inner is None or not value or isinstance(value[0], inner)  # type: ignore[index]


# The first that fits counts. A value that is not known, in a record that is cut, is None.
FORMATS: dict[str, Callable[[Record], bool]] = {
    "labelstudio": lambda r: (
        ("data" in r and "text" not in r and bool(WORK & {*r})) or {"result", "task"} <= {*r}
    ),
    "spacy": lambda r: (
        "paragraphs" in r
        or ({"text", "ents"} <= {*r})
        or ("text" in r and holds(r, "cats", dict) and not PRODIGY & {*r})
        or {"classes", "annotations"} <= {*r}
        or (bool(r.get("annotations")) and holds(r, "annotations", list, list))
    ),
    "prodigy": lambda r: bool(PRODIGY & {*r}),
    "labelstudio-min": lambda r: bool(MIN & {*r}),
    "dataturks": lambda r: {"content", "annotation"} <= {*r},
    "lighttag": lambda r: "examples" in r or {"content", "annotations"} <= {*r},
    "labelbox": lambda r: {"data_row", "projects"} <= {*r},
    "argilla": lambda r: (
        {"fields", "responses"} <= {*r} or ("annotation" in r and bool({"text", "inputs"} & {*r}))
    ),
    "groundtruth": lambda r: "source" in r and any(key.endswith("-metadata") for key in r),
    "huggingface": lambda r: (
        ("tokens" in r and bool(TAGS & {*r}) and not holds(r, "tokens", list, dict))
        or (bool({*TEXTS} & {*r}) and any(isinstance(r.get(key), str | int) for key in CLASSES))
    ),
    "doccano": lambda r: "text" in r and any(holds(r, key, list) for key in LISTS),
}


def format_of(value: Any) -> str:
    """The name of a record's format; prodigy, the plainest, where nothing tells."""
    if is_pair(value):
        return "spacy"
    if not isinstance(value, dict):
        return "prodigy"
    return next((name for name, fits in FORMATS.items() if fits(value)), "prodigy")


def first_record(head: str) -> Any:
    """The first record in the head of a file, or its keys alone where it is cut or damaged.

    Lines that are no JSON are passed over: the first may be damaged.
    """
    decoder = json.JSONDecoder()
    starts = []
    for match in islice(START.finditer(head), 50):
        starts.append(match.start())
        place = match.end() - 1
        inside = LIST.match(head, place)
        try:
            value, _ = decoder.raw_decode(head, inside.end() if inside else place)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) or is_pair(value):
            return value
    return dict.fromkeys(top_level_keys(head[starts[0] if starts else 0 :]))


def top_level_keys(text: str) -> list[str]:
    """The keys of the first object in a text that may be cut."""
    keys: list[str] = []
    depth, within = 0, 0
    for match in KEY.finditer(text, 0, SCANNED):
        mark = match[0]
        if mark in "{[":
            depth += 1
            within = within or (depth if mark == "{" else 0)
        elif mark in "}]":
            depth -= 1
            if within and depth < within:
                break
        elif match[2] and depth == within:
            keys.append(match[1])
    return keys
