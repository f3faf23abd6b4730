"""A rule of the gate, as it was applied, and what rules share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from components.gate.settings import GateSettings
from components.records.languages import LANG
from components.scoring.slices import is_named
from components.tasks.base import TaskSettings

Outcome = Literal["first", "better", "equal", "worse", "unknown"]


@dataclass(frozen=True)
class Rule:
    """One rule applied.

    Attributes:
        name: key of the config that it stands for.
        label: the label it was applied to, "" for all together; `language` likewise.
        result: "pass", "fail", or "note" where it could not or need not be applied.
        measured: the number that was compared, a fraction; None when there is none.
        limit: what it was compared with.
        text: the whole in one sentence.
        task: the task it was applied to, "" where there is only one.
    """

    name: str
    result: Literal["pass", "fail", "note"]
    text: str
    label: str = ""
    measured: float | None = None
    limit: float | None = None
    task: str = ""
    language: str = ""


@dataclass(frozen=True)
class EvaluatedTask:
    """One task: its scores, the policy for it, and how it stands against the champion."""

    task: TaskSettings
    block: Mapping[str, Any]
    policy: GateSettings
    outcome: Outcome

    @property
    def shared(self) -> bool:
        """Whether the champion does this task, too."""
        return bool((self.block["champion"] or {}).get("comparison", {}).get("labels"))


def number(value: Any) -> float | None:
    """The value if it is a number that can be compared, else None (NaN, infinite, missing)."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def too_few(label: str, block: Mapping[str, Any], policy: GateSettings) -> str:
    """Why a label's scores say too little; "" if they say enough."""
    scored = block["labels"]
    return few(scored[label]["support"] if label in scored else 0, block, policy)


def too_few_in(language: str, block: Mapping[str, Any], policy: GateSettings) -> str:
    """Why the scores of a language say too little; "" if they say enough."""
    support = by_language(block).get(language, {}).get("support", 0)
    return few(support, block, policy)


def few(support: int, block: Mapping[str, Any], policy: GateSettings) -> str:
    """Why so much support is too little; "" if it is enough."""
    if support >= policy.min_support:
        return ""
    return f"{support} {block['unit']} in the test set, {policy.min_support} are asked for"


def by_language(block: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The scores of the languages that the test documents name."""
    parts = block.get("slices", {}).get(LANG, {})
    return {language: row for language, row in parts.items() if is_named(language)}
