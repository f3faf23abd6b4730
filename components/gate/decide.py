"""The gate: scores in, a decision with its reasons out.

Pure functions: the same scores and the same policy give the same decision, on any machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from components.gate.absolute import absolute_rules, quarantine_rule, teacher_rule
from components.gate.against_champion import champion_rules, outcome_of
from components.gate.rule import EvaluatedTask, Outcome, Rule, number
from components.gate.settings import GateSettings
from components.html.format import points
from components.tasks.base import TaskSettings

VERSION = 2  # 1 had no version, and rules without a task
# Which task speaks for several: the gravest, but one that is better before those that are equal.
GRAVITY: tuple[Outcome, ...] = ("worse", "unknown", "better", "equal", "first")


def decide(
    blocks: Mapping[str, Mapping[str, Any]],
    data_report: Mapping[str, Any],
    tasks: Sequence[TaskSettings],
    policy: GateSettings,
    *,
    reseeded: bool = False,
    warm: bool = False,
    audit: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Apply every rule to every task; one that fails holds the model.

    Args:
        blocks: what `evaluate` wrote, by task.
        data_report: what `ingest` wrote.
        tasks: of the phase.
        reseeded: the champion has the same data and config, so that a rise can only be chance.
        warm: the model started from the champion.
        audit: task -> what annotators said of what its teacher was certain of; None without one.

    Returns:
        `decision` ("promote" or "hold"), what the rules alone `would` decide, `mode`, `outcome`
        against the champion, a `headline`, the `reasons` against the model, and all `rules`.
    """
    each = [
        EvaluatedTask(task, block, own, outcome_of(block, own, reseeded=reseeded))
        for task in tasks
        for block, own in [(blocks[task.name], policy.of(task.name))]
    ]
    each = together(each)
    rules = [
        *(named(rule, one, each) for one in each for rule in absolute_rules(one, each)),
        *(
            named(teacher_rule(audit[one.task.name], one.policy), one, each)
            for one in each
            if audit and one.policy.min_teacher_precision is not None
        ),
        quarantine_rule(data_report, policy),
        *(
            named(rule, one, each)
            for one in each
            for rule in champion_rules(one, each, reseeded=reseeded, warm=warm)
        ),
    ]
    reasons = [rule.text for rule in rules if rule.result == "fail"]
    would = "hold" if reasons else "promote"
    decision = would if policy.mode == "enforce" else "promote"
    decisive = min(each, key=lambda one: GRAVITY.index(one.outcome))
    return {
        "version": VERSION,
        "decision": decision,
        "would": would,
        "mode": policy.mode,
        "outcome": decisive.outcome,
        "headline": headline(decision, would, decisive, reasons),
        "reasons": reasons,
        "rules": [asdict(rule) for rule in rules],
    }


def together(each: Sequence[EvaluatedTask]) -> list[EvaluatedTask]:
    """Several tasks: one that is better lets others be equal; one may be new to the champion."""
    some_shared = any(one.shared for one in each)
    better = any(one.outcome == "better" for one in each) and len(each) > 1
    equal = {"on_equal": "promote"} if better else {}
    return [
        replace(
            one,
            policy=one.policy.model_copy(update=equal),
            outcome="first" if some_shared and not one.shared else one.outcome,
        )
        for one in each
    ]


def named(rule: Rule, one: EvaluatedTask, each: Sequence[EvaluatedTask]) -> Rule:
    """The rule with the name of its task, where there are several."""
    if len(each) == 1:
        return rule
    return replace(rule, task=one.task.name, text=f"{one.task.name}: {rule.text}")


def headline(decision: str, would: str, decisive: EvaluatedTask, reasons: Sequence[str]) -> str:
    """The decision in one sentence that a person reads first."""
    if would == "hold":
        why = f"{reasons[0]}" + (f" And {len(reasons) - 1} more." if len(reasons) > 1 else "")
        if decision == "promote":
            return f"Passes in report-only mode. The rules would have held it: {why}"
        return f"Held. {why}"
    if decisive.outcome == "first":
        return "Passes the gate: the first model of its name, and it meets every rule."
    change = number(decisive.block["champion"]["comparison"]["overall"]["difference"])
    if decisive.outcome == "better":
        return f"Passes the gate: {points(change)} points of F against the model in production."
    return "Passes the gate: as good as the model in production, as the policy allows."
