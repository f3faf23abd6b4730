"""The groups of `doc.spans` that hold what annotators said is wrong."""

from __future__ import annotations

INCORRECT_SPANS = "incorrect_spans"  # of entities: spaCy's own default for incorrect_spans_key
SUFFIX = ":incorrect"


def rejected_of(group: str) -> str:
    """The group that holds what is wrong of another."""
    return group + SUFFIX


def is_rejected(group: str) -> bool:
    """Whether a group holds what is wrong."""
    return group == INCORRECT_SPANS or group.endswith(SUFFIX)
