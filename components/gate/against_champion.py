"""The rules that compare with the model in production."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from components.gate.rule import EvaluatedTask, Outcome, Rule, number, too_few, too_few_in
from components.gate.settings import GateSettings
from components.html.format import percent, points, points_span, standing


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
