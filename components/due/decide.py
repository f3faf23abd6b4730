"""What is new since the model in production, and whether that is enough to train again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from components.html.format import count
from components.registry import documents, examples
from components.registry.base import Registry, Version, numbered
from components.registry.model_metadata import TEXTS, flat
from components.registry.settings import DueSettings

Decision = tuple[Literal["train", "wait"], str]


@dataclass(frozen=True)
class Input:
    """What a training would start from now.

    Attributes:
        digest: of all of it, as `fingerprint` gives it.
        context: the phase's config.
        keys: see `components.registry.examples`.
    """

    digest: str
    context: Mapping[str, Any]
    keys: set[str]


def decide(
    registry: Registry, name: str, alias: str, now: Input, settings: DueSettings
) -> Decision:
    """Whether to train, and why.

    The same input gives the same model, so nothing is trained from one that has a version already,
    however old it is and whether or not the gate held it back.

    Raises:
        DataError: what is kept beside the model in production cannot be read.
    """
    present = registry.pointed(name, alias)
    versions = registry.versions(name)
    champion = numbered(versions, present)
    same = next((each for each in versions[::-1] if each.lineage.digest == now.digest), None)
    if same and same.lineage.decision == "promote" and not same.lineage.promoted:
        return "train", (
            f"version {same.number} of {name} passed the gate and was not promoted: what it was "
            "compared with was no longer in production."
        )
    if same:
        held = "" if same.lineage.promoted else ", which the gate held back"
        return "wait", (
            f"data and config are those of version {same.number} of {name}{held}: "
            "the same input gives the same model."
        )
    if champion is None:
        return "train", f"no version of {name} is in production yet."
    changed = changed_since(registry, champion, now.context)
    if changed == {"teacher.digest"}:
        return "train", f"the teacher is another than that of version {champion.number} of {name}."
    if changed:
        return "train", f"the config has changed since version {champion.number} of {name}."
    return enough(registry, champion, now.keys, settings)


def changed_since(registry: Registry, champion: Version, context: Mapping[str, Any]) -> set[str]:
    """Keys of the config in which the champion's was another; none if it did not keep its own.

    Other texts for a teacher are no reason to train again: a pool grows every day.
    """
    facts = registry.document(champion, documents.FACTS)
    if facts is None:
        return set()
    before, now = json.loads(facts).get("config") or {}, flat(context)
    keys = {*before, *now} - {f"teacher.{TEXTS}"}
    missing = object()
    return {key for key in keys if before.get(key, missing) != now.get(key, missing)}


def enough(
    registry: Registry, champion: Version, keys: set[str], settings: DueSettings
) -> Decision:
    """Whether enough annotations are new, or the champion is old."""
    since = f"since version {champion.number} of {champion.name}"
    kept = registry.document(champion, documents.EXAMPLES)
    if kept is None:
        return "train", f"version {champion.number} kept no list of its annotations to compare."
    new = len(keys - examples.read_keys(kept, f"{documents.EXAMPLES} of {champion.uri}"))
    annotations = f"{count(new)} new or corrected annotation{'' if new == 1 else 's'} {since}"
    if new >= settings.min_new_examples:
        return "train", f"{annotations}; {count(settings.min_new_examples)} are enough."
    age = (datetime.now(UTC) - datetime.fromisoformat(champion.lineage.created)).days
    limit = settings.max_age_days
    if limit is not None and age >= limit:
        return "train", f"version {champion.number} is {age} days old, and {limit} is the limit."
    old = "" if limit is None else f", or an age of {limit} days (it is {age})"
    return "wait", f"{annotations}; a retrain needs {count(settings.min_new_examples)}{old}."
