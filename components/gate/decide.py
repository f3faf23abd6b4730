"""The rules of the gate: scores in, a decision with its reasons out.

Pure functions: the same scores and the same policy give the same decision, on any machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from components.gate.settings import GateSettings
from components.html.format import percent, points, points_span, span, standing
from components.records.languages import LANG
from components.scoring.slices import is_named
from components.tasks.base import TaskSettings

VERSION = 2  # 1 had no version, and rules without a task
Outcome = Literal["first", "better", "equal", "worse", "unknown"]
# Which task speaks for several: the gravest, but one that is better before those that are equal.
GRAVITY: tuple[Outcome, ...] = ("worse", "unknown", "better", "equal", "first")


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


def absolute_rules(one: EvaluatedTask, each: Sequence[EvaluatedTask]) -> Iterator[Rule]:
    """Yield the rules that need no other model; a label that the policy names is its task's."""
    block, policy = one.block, one.policy
    others = {label for other in each if other is not one for label in other.task.labels}
    others -= {*one.task.labels}
    overall = number(block["overall"]["f"])
    if overall is None:
        yield Rule(
            "min_f", "fail", "There is no overall F: the test set is empty or it is not a number."
        )
    else:
        yield enough_rule(block, policy)
        yield at_least("min_f", "", overall, policy.min_f)
    yield from class_rules(one, each)
    for label in policy.required_labels:
        if label not in others:
            yield required_rule(label, block, policy)
    for label, floor in floors(one.task.labels, policy).items():
        if label not in others:
            yield label_rule(label, floor, block, policy)
    yield from language_rules(block, policy)


def class_rules(one: EvaluatedTask, each: Sequence[EvaluatedTask]) -> Iterator[Rule]:
    """Yield the rules about scores that only some kinds of tasks have."""
    asked = (
        ("min_macro_f", "macro", "f", "Macro F", one.policy.min_macro_f),
        ("max_ece", "calibration", "ece", "Expected calibration error", one.policy.max_ece),
    )
    for rule, part, key, title, limit in asked:
        if limit is None:
            continue
        if part in one.block:
            yield class_rule(rule, title, number(one.block[part][key]), limit)
        elif any(part in other.block for other in each):
            yield Rule(rule, "note", f"{title} was not checked: this kind of task has none.")
        else:
            yield Rule(
                rule,
                "fail",
                f"{title} is asked for, and no task of this phase has one: take gate.{rule} away.",
                limit=limit,
            )


def class_rule(rule: str, title: str, measured: float | None, limit: float) -> Rule:
    """Compare a score with its limit, a floor or, by the rule's name, a ceiling."""
    floor = rule.startswith("min")
    if measured is None:
        return Rule(rule, "fail", f"There is no {title}: too little of test is known.", limit=limit)
    return Rule(
        rule,
        "pass" if (measured >= limit if floor else measured <= limit) else "fail",
        f"{title} is {percent(measured)}; at {'least' if floor else 'most'} {percent(limit)} "
        f"is {'asked for' if floor else 'allowed'}.",
        measured=measured,
        limit=limit,
    )


def enough_rule(block: Mapping[str, Any], policy: GateSettings) -> Rule:
    """Hold what was scored on a test set that is too small to decide by."""
    overall = block["overall"]
    interval = overall["interval"]["f"]
    width = interval[1] - interval[0] if interval else None
    text = (
        f"The test set has {overall['support']} {block['unit']}; the 95 % interval of overall F is "
        f"{span(interval)}. It may be {percent(policy.max_interval)} points wide."
    )
    if width is not None and width <= policy.max_interval:
        return Rule("max_interval", "pass", text, measured=width, limit=policy.max_interval)
    return Rule(
        "max_interval",
        "fail",
        f"The test set is too small to decide by. {text} More test documents narrow it.",
        measured=width,
        limit=policy.max_interval,
    )


def required_rule(label: str, block: Mapping[str, Any], policy: GateSettings) -> Rule:
    """A required label must occur often enough to be scored."""
    scored = block["labels"]
    support = scored[label]["support"] if label in scored else 0
    return Rule(
        "required_labels",
        "pass" if support >= policy.min_support else "fail",
        f"{label} is required and has {support} {block['unit']} in the test set; "
        f"at least {policy.min_support} are asked for.",
        label,
        support,
        policy.min_support,
    )


def floors(labels: Sequence[str], policy: GateSettings) -> dict[str, float]:
    """The lowest F that is asked of each label, for the labels that have one."""
    asked = policy.min_f_per_label
    if isinstance(asked, Mapping):
        return dict(asked)
    return dict.fromkeys(labels, asked) if asked else {}


def label_rule(label: str, floor: float, block: Mapping[str, Any], policy: GateSettings) -> Rule:
    """A label's F must reach its floor, if the label occurs often enough to be scored."""
    scored = block["labels"]
    f = number(scored[label]["f"]) if label in scored else None
    why = too_few(label, block, policy) or ("" if f is not None else "it has no F")
    if why or f is None:
        return Rule("min_f_per_label", "note", f"{label} was not checked: {why}.", label, f, floor)
    return at_least("min_f_per_label", label, f, floor)


def language_rules(block: Mapping[str, Any], policy: GateSettings) -> Iterator[Rule]:
    """Yield a rule for each language that has a floor: its F must reach it."""
    name, asked, scored = "min_f_per_language", policy.min_f_per_language, by_language(block)
    if asked and not scored:
        yield Rule(
            name,
            "fail",
            "An F per language is asked for, and no test document says its language: give the "
            "records meta.lang, or their source a `language`.",
        )
        return
    floors = asked if isinstance(asked, Mapping) else dict.fromkeys(scored, asked)
    for language, floor in floors.items():
        f = number(scored[language]["f"]) if language in scored else None
        why = too_few_in(language, block, policy) or ("" if f is not None else "it has no F")
        if why or f is None:
            text = f"Language {language} was not checked: {why}."
            yield Rule(name, "note", text, measured=f, limit=floor, language=language)
        else:
            rule = at_least(name, "", f, floor, f"F of texts in {language}")
            yield replace(rule, language=language)


def by_language(block: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The scores of the languages that the test documents name."""
    parts = block.get("slices", {}).get(LANG, {})
    return {language: row for language, row in parts.items() if is_named(language)}


def too_few_in(language: str, block: Mapping[str, Any], policy: GateSettings) -> str:
    """Why the scores of a language say too little; "" if they say enough."""
    support = by_language(block).get(language, {}).get("support", 0)
    return few(support, block, policy)


def at_least(name: str, label: str, f: float, floor: float, what: str = "") -> Rule:
    """Compare an F with its floor.

    Args:
        what: whose F it is; "" for that of the label, or of all.
    """
    what = what or (f"F of {label}" if label else "Overall F")
    return Rule(
        name,
        "pass" if f >= floor else "fail",
        f"{what} is {percent(f)}; at least {percent(floor)} is asked for.",
        label,
        f,
        floor,
    )


def too_few(label: str, block: Mapping[str, Any], policy: GateSettings) -> str:
    """Why a label's scores say too little; "" if they say enough."""
    scored = block["labels"]
    return few(scored[label]["support"] if label in scored else 0, block, policy)


def few(support: int, block: Mapping[str, Any], policy: GateSettings) -> str:
    """Why so much support is too little; "" if it is enough."""
    if support >= policy.min_support:
        return ""
    return f"{support} {block['unit']} in the test set, {policy.min_support} are asked for"


def teacher_rule(audit: Mapping[str, Any], policy: GateSettings) -> Rule:
    """What annotators found of the texts that the teacher was certain of, once there are enough."""
    name, limit = "min_teacher_precision", policy.min_teacher_precision
    reviewed, waiting = audit["texts"], audit["waiting"]
    if reviewed < policy.min_support:
        return Rule(
            name,
            "note",
            f"The teacher's precision was not checked: {reviewed} of {reviewed + waiting} audited "
            f"texts are reviewed, {policy.min_support} are asked for.",
            measured=audit["precision"],
            limit=limit,
        )
    return Rule(
        name,
        "pass" if audit["precision"] >= (limit or 0.0) else "fail",
        f"Of {reviewed} audited texts annotators found the teacher right in {audit['right']}: "
        f"{percent(audit['precision'])} % (95 % interval {span(audit['interval'])}); at least "
        f"{percent(limit)} % is asked for.",
        measured=audit["precision"],
        limit=limit,
    )


def quarantine_rule(data_report: Mapping[str, Any], policy: GateSettings) -> Rule:
    """Too large a part of the data set aside: the rest may not be what it should be."""
    records, set_aside = data_report["records"]["in"], data_report["records"]["quarantined"]
    fraction = set_aside / records if records else 0.0
    return Rule(
        "max_quarantined",
        "pass" if fraction <= policy.max_quarantined else "fail",
        f"{set_aside} of {records} annotation records ({percent(fraction)} %) were set aside as "
        f"unusable; at most {percent(policy.max_quarantined)} % may be.",
        measured=fraction,
        limit=policy.max_quarantined,
    )


def champion_rules(
    one: EvaluatedTask, each: Sequence[EvaluatedTask], *, reseeded: bool, warm: bool
) -> Iterator[Rule]:
    """Yield the rules that compare with the model in production."""
    block, policy = one.block, one.policy
    champion = block["champion"]
    if champion is None:
        yield Rule("champion", "note", "There is no model in production to compare with.")
        return
    yield from seen_rules(champion, warm=warm)
    if "error" in champion:
        yield Rule(
            "champion",
            "fail",
            f"There is no comparison with the model in production ({champion['error']}), so nobody "
            "can say that this one is better.",
        )
        return
    yield from label_set_rules(champion, one, each)
    comparison = champion["comparison"]
    if not comparison["labels"]:
        return
    yield drop_rule("Overall F", comparison["overall"], policy.max_drop.overall)
    for label, compared in comparison["per_label"].items():
        if why := too_few(label, block, policy):
            yield Rule("max_drop", "note", f"{label} was not compared: {why}.", label)
        else:
            rule = drop_rule(f"F of {label}", compared, policy.max_drop.per_label)
            yield replace(rule, label=label)
    for language, compared in comparison.get("per_language", {}).items():
        if why := too_few_in(language, block, policy):
            text = f"Language {language} was not compared: {why}."
            yield Rule("max_drop", "note", text, language=language)
        else:
            what = f"F of texts in {language}"
            rule = drop_rule(what, compared, policy.max_drop.per_language)
            yield replace(rule, language=language)
    if reseeded:
        yield Rule(
            "champion",
            "note",
            "The model in production has the same annotations and config, but for seeds: "
            "a rise can only be chance, so this one counts as equal at best.",
        )
    yield improvement_rule(comparison["overall"], one.outcome, policy, reseeded=reseeded)


def seen_rules(champion: Mapping[str, Any], *, warm: bool) -> Iterator[Rule]:
    """Say how many test documents the model in production was trained on, if not none."""
    seen = champion.get("seen")
    if seen is None:
        yield Rule(
            "seen",
            "note",
            "The model in production kept no list of what it was trained on: nobody knows whether "
            "test documents are among it.",
        )
    elif seen:
        left_out = "all scores, since this model started from it" if warm else "the comparison"
        yield Rule(
            "seen",
            "note",
            f"{seen} of the test documents were in train or dev when the model in production was "
            f"trained: they are left out of {left_out}.",
            measured=seen,
        )


def label_set_rules(
    champion: Mapping[str, Any], one: EvaluatedTask, each: Sequence[EvaluatedTask]
) -> Iterator[Rule]:
    """Say where the label sets differ; with nothing in common there is no comparison."""
    shared, labels = champion["comparison"]["labels"], one.task.labels
    if not shared and any(other.shared for other in each):
        yield Rule("champion", "note", "The model in production does not do this task yet.")
    elif not shared:
        yield Rule(
            "champion",
            "fail",
            "The model in production shares no label with this phase: is it the right one?",
        )
    added = [label for label in labels if label not in shared]
    gone = [label for label in champion["model_labels"] if label not in labels]
    if added and shared:
        yield Rule(
            "champion",
            "note",
            f"New against the model in production, so not compared: {', '.join(added)}.",
        )
    if gone:
        yield Rule(
            "champion",
            "note",
            f"The model in production also finds {', '.join(gone)}, which this phase no longer "
            "asks for.",
        )


def drop_rule(what: str, compared: Mapping[str, Any], allowed: float) -> Rule:
    """F may not fall further than allowed; a fall within the noise is not a fall.

    Args:
        what: whose F it is.
    """
    change, interval = number(compared["difference"]), compared["interval"]
    if change is None or interval is None:
        return Rule("max_drop", "note", f"{what} was not compared: it is undefined.")
    fell = change < -allowed
    clearly = interval[1] < 0
    text = (
        f"{what} changed by {points(change)} points (95 % interval {points_span(interval)}); "
        f"a fall of {percent(allowed)} is allowed."
    )
    if fell and not clearly:
        text += " The fall is within the noise of the test set."
    result: Literal["pass", "fail"] = "fail" if fell and clearly else "pass"
    return Rule("max_drop", result, text, measured=change, limit=-allowed)


def improvement_rule(
    compared: Mapping[str, Any], outcome: Outcome, policy: GateSettings, *, reseeded: bool
) -> Rule:
    """A model that takes another's place must be better, or equal where that is enough."""
    change, interval = number(compared["difference"]), compared["interval"]
    change_text = (
        f"{points(change)} points (95 % interval {points_span(interval)}; "
        f"probability of being better {percent(number(compared['better']))} %)"
    )
    if standing(compared) == "same":
        change_text = "the same scores on every test document"
    if outcome == "better":
        passed, text = True, f"Better than the model in production: {change_text}."
    elif outcome == "equal":
        passed = policy.on_equal == "promote"
        if reseeded:
            change_text += ", by another seed alone"
        text = (
            f"Not clearly better than the model in production: {change_text}. "
            f"The policy is to {policy.on_equal} a model that is merely equal."
        )
    else:
        passed, text = False, f"Not better than the model in production: {change_text}."
    return Rule(
        "min_improvement",
        "pass" if passed else "fail",
        text,
        measured=change,
        limit=policy.min_improvement,
    )


def outcome_of(block: Mapping[str, Any], policy: GateSettings, *, reseeded: bool) -> Outcome:
    """How the model stands against the champion, by overall F."""
    champion = block["champion"]
    if champion is None:
        return "first"
    compared = champion.get("comparison", {}).get("overall", {})
    change, interval = number(compared.get("difference")), compared.get("interval")
    if change is None or interval is None:
        return "unknown"
    if interval[0] > 0 and change >= policy.min_improvement:
        return "equal" if reseeded else "better"
    if interval[1] < 0 and change < -policy.max_drop.overall:
        return "worse"
    return "equal"


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


def number(value: Any) -> float | None:
    """The value if it is a number that can be compared, else None (NaN, infinite, missing)."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
