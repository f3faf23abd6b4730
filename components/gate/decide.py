"""The rules of the gate: scores in, a decision with its reasons out.

Pure functions: the same scores and the same policy give the same decision, on any machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from components.gate.settings import GateSettings
from components.html.format import percent, points, points_span, span

Outcome = Literal["first", "better", "equal", "worse", "unknown"]


@dataclass(frozen=True)
class Rule:
    """One rule applied.

    Attributes:
        name: key of the config that it stands for.
        label: the label it was applied to, "" for all together.
        result: "pass", "fail", or "note" where it could not or need not be applied.
        measured: the number that was compared, a fraction; None when there is none.
        limit: what it was compared with.
        text: the whole in one sentence.
    """

    name: str
    result: Literal["pass", "fail", "note"]
    text: str
    label: str = ""
    measured: float | None = None
    limit: float | None = None


def judge(
    scores: Mapping[str, Any],
    data_report: Mapping[str, Any],
    labels: Sequence[str],
    policy: GateSettings,
    *,
    reseeded: bool = False,
    warm: bool = False,
) -> dict[str, Any]:
    """Apply every rule.

    Args:
        scores: what `evaluate` wrote.
        data_report: what `ingest` wrote.
        labels: labels of the phase.
        reseeded: the champion has the same data and config, so that a rise can only be chance.
        warm: the model started from the champion.

    Returns:
        `decision` ("promote" or "hold"), what the rules alone `would` decide, `mode`, `outcome`
        against the champion, a `headline`, the `reasons` against the model, and all `rules`.
    """
    rules = [
        *absolute_rules(scores, labels, policy),
        quarantine_rule(data_report, policy),
        *champion_rules(scores, labels, policy, reseeded=reseeded, warm=warm),
    ]
    reasons = [rule.text for rule in rules if rule.result == "fail"]
    would = "hold" if reasons else "promote"
    decision = would if policy.mode == "enforce" else "promote"
    outcome = outcome_of(scores, policy, reseeded=reseeded)
    return {
        "decision": decision,
        "would": would,
        "mode": policy.mode,
        "outcome": outcome,
        "headline": headline(decision, would, outcome, scores, reasons),
        "reasons": reasons,
        "rules": [asdict(rule) for rule in rules],
    }


def absolute_rules(
    scores: Mapping[str, Any], labels: Sequence[str], policy: GateSettings
) -> Iterator[Rule]:
    """Yield the rules that need no other model."""
    overall = number(scores["overall"]["f"])
    if overall is None:
        yield Rule(
            "min_f", "fail", "There is no overall F: the test set is empty or it is not a number."
        )
    else:
        yield enough_rule(scores["overall"], policy)
        yield at_least("min_f", "", overall, policy.min_f)
    for label in policy.required_labels:
        yield required_rule(label, scores["labels"], policy)
    for label, floor in floors(labels, policy).items():
        yield label_rule(label, floor, scores["labels"], policy)


def enough_rule(overall: Mapping[str, Any], policy: GateSettings) -> Rule:
    """Refuse to judge on a test set that is too small to tell."""
    interval = overall["interval"]["f"]
    width = interval[1] - interval[0] if interval else None
    text = (
        f"The test set has {overall['support']} entities; the 95 % interval of overall F is "
        f"{span(interval)}. It may be {percent(policy.max_interval)} points wide."
    )
    if width is not None and width <= policy.max_interval:
        return Rule("max_interval", "pass", text, measured=width, limit=policy.max_interval)
    return Rule(
        "max_interval",
        "fail",
        f"The test set is too small to tell. {text} More test documents narrow it.",
        measured=width,
        limit=policy.max_interval,
    )


def required_rule(label: str, scored: Mapping[str, Any], policy: GateSettings) -> Rule:
    """A required label must occur often enough to be judged."""
    support = scored[label]["support"] if label in scored else 0
    return Rule(
        "required_labels",
        "pass" if support >= policy.min_support else "fail",
        f"{label} is required and has {support} entities in the test set; "
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


def label_rule(label: str, floor: float, scored: Mapping[str, Any], policy: GateSettings) -> Rule:
    """A label's F must reach its floor, if the label occurs often enough to be judged."""
    few = too_few(label, scored, policy)
    found = number(scored[label]["f"]) if label in scored else None
    if few or found is None:
        why = few or "it has no F"
        return Rule(
            "min_f_per_label", "note", f"{label} was not judged: {why}.", label, found, floor
        )
    return at_least("min_f_per_label", label, found, floor)


def at_least(name: str, label: str, found: float, floor: float) -> Rule:
    """Compare an F with its floor."""
    return Rule(
        name,
        "pass" if found >= floor else "fail",
        f"{'F of ' + label if label else 'Overall F'} is {percent(found)}; "
        f"at least {percent(floor)} is asked for.",
        label,
        found,
        floor,
    )


def too_few(label: str, scored: Mapping[str, Any], policy: GateSettings) -> str:
    """Why a label's scores say too little; "" if they say enough."""
    support = scored[label]["support"] if label in scored else 0
    if support >= policy.min_support:
        return ""
    return f"{support} entities in the test set, {policy.min_support} are asked for"


def quarantine_rule(data_report: Mapping[str, Any], policy: GateSettings) -> Rule:
    """Too large a share of the data set aside: the rest may not be what it should be."""
    records, set_aside = data_report["records"]["in"], data_report["records"]["quarantined"]
    share = set_aside / records if records else 0.0
    return Rule(
        "max_quarantined",
        "pass" if share <= policy.max_quarantined else "fail",
        f"{set_aside} of {records} annotation records ({percent(share)} %) were set aside as "
        f"unusable; at most {percent(policy.max_quarantined)} % may be.",
        measured=share,
        limit=policy.max_quarantined,
    )


def champion_rules(
    scores: Mapping[str, Any],
    labels: Sequence[str],
    policy: GateSettings,
    *,
    reseeded: bool,
    warm: bool,
) -> Iterator[Rule]:
    """Yield the rules that compare with the model in production."""
    champion = scores["champion"]
    if champion is None:
        yield Rule("champion", "note", "There is no model in production to compare with.")
        return
    yield from seen_rules(scores, warm=warm)
    if "error" in champion:
        yield Rule(
            "champion",
            "fail",
            f"There is no comparison with the model in production ({champion['error']}), so nobody "
            "can say that this one is better.",
        )
        return
    yield from label_set_rules(champion, labels)
    comparison = champion["comparison"]
    if not comparison["labels"]:
        return
    yield drop_rule("", comparison["overall"], policy.max_drop.overall)
    for label, compared in comparison["per_label"].items():
        few = too_few(label, scores["labels"], policy)
        if few:
            yield Rule("max_drop", "note", f"{label} was not compared: {few}.", label)
        else:
            yield drop_rule(label, compared, policy.max_drop.per_label)
    if reseeded:
        yield Rule(
            "champion",
            "note",
            "The model in production has the same annotations and config, but for seeds: "
            "a rise can only be chance, so this one counts as equal at best.",
        )
    outcome = outcome_of(scores, policy, reseeded=reseeded)
    yield improvement_rule(comparison["overall"], outcome, policy, reseeded=reseeded)


def seen_rules(scores: Mapping[str, Any], *, warm: bool) -> Iterator[Rule]:
    """Say how many test documents the model in production was trained on, if not none."""
    seen = scores["champion"].get("seen")
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


def label_set_rules(champion: Mapping[str, Any], labels: Sequence[str]) -> Iterator[Rule]:
    """Say where the label sets differ; with nothing in common there is no comparison."""
    shared = champion["comparison"]["labels"]
    if not shared:
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


def drop_rule(label: str, compared: Mapping[str, Any], allowed: float) -> Rule:
    """F may not fall further than allowed; a fall within the noise is not a fall."""
    what = f"F of {label}" if label else "Overall F"
    change, interval = number(compared["difference"]), compared["interval"]
    if change is None or interval is None:
        return Rule("max_drop", "note", f"{what} was not compared: it is undefined.", label)
    fell = change < -allowed
    clearly = interval[1] < 0
    text = (
        f"{what} changed by {points(change)} points (95 % interval {points_span(interval)}); "
        f"a fall of {percent(allowed)} is allowed."
    )
    if fell and not clearly:
        text += " The fall is within the noise of the test set."
    return Rule("max_drop", "fail" if fell and clearly else "pass", text, label, change, -allowed)


def improvement_rule(
    compared: Mapping[str, Any], outcome: Outcome, policy: GateSettings, *, reseeded: bool
) -> Rule:
    """A model that takes another's place must be better, or equal where that is enough."""
    change, interval = number(compared["difference"]), compared["interval"]
    told = (
        f"{points(change)} points (95 % interval {points_span(interval)}; "
        f"probability of being better {percent(number(compared['better']))} %)"
    )
    if outcome == "better":
        passed, text = True, f"Better than the model in production: {told}."
    elif outcome == "equal":
        passed = policy.on_equal == "promote"
        if reseeded:
            told += ", by another seed alone"
        text = (
            f"Not clearly better than the model in production: {told}. "
            f"The policy is to {policy.on_equal} a model that is merely equal."
        )
    else:
        passed, text = False, f"Not better than the model in production: {told}."
    return Rule(
        "min_improvement",
        "pass" if passed else "fail",
        text,
        measured=change,
        limit=policy.min_improvement,
    )


def outcome_of(scores: Mapping[str, Any], policy: GateSettings, *, reseeded: bool) -> Outcome:
    """How the model stands against the champion, by overall F."""
    champion = scores["champion"]
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


def headline(
    decision: str, would: str, outcome: Outcome, scores: Mapping[str, Any], reasons: Sequence[str]
) -> str:
    """The decision in one sentence that a person reads first."""
    if would == "hold":
        why = f"{reasons[0]}" + (f" And {len(reasons) - 1} more." if len(reasons) > 1 else "")
        if decision == "promote":
            return f"Promoted in report-only mode. The rules would have held it: {why}"
        return f"Held. {why}"
    if outcome == "first":
        return "Promoted: the first model of its name, and it meets every rule."
    change = number(scores["champion"]["comparison"]["overall"]["difference"])
    if outcome == "better":
        return f"Promoted: {points(change)} points of F against the model in production."
    return "Promoted: as good as the model in production, as the policy allows."


def number(value: Any) -> float | None:
    """The value if it is a number that can be compared, else None (NaN, infinite, missing)."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
