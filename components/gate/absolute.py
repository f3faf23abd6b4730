"""The rules that need no other model: floors, enough to decide by, the data, a teacher's audit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from components.gate.rule import EvaluatedTask, Rule, by_language, number, too_few, too_few_in
from components.gate.settings import GateSettings
from components.html.format import percent, span


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
