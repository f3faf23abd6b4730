"""What a model stands on, kept beside it, and what of it changed since the one in production."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

JUDGING = ("evaluate", "gate", "model")  # sections of a phase that come after the training


def deciding(context: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a phase's config that decides the model, but for its annotations."""
    return {key: value for key, value in context.items() if key not in JUDGING}


@dataclass(frozen=True)
class Change:
    """One thing that differs; "" where it was or is not there."""

    what: str
    before: str
    now: str


def facts_of(
    data_report: Mapping[str, Any], scores: Mapping[str, Any], context: Mapping[str, Any]
) -> dict[str, Any]:
    """Gather what the next run will want to know about this model.

    Args:
        data_report: what `ingest` wrote.
        scores: what `evaluate` wrote.
        context: the phase's config.
    """
    return {
        "digest": data_report["digest"],
        "records": data_report["records"]["kept"],
        "entities": {label: one["spans"] for label, one in data_report["labels"].items()},
        "test_documents": scores["documents"],
        "config": flat(context),
    }


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, with dotted keys."""
    if not isinstance(value, Mapping):
        return {prefix: value}
    return {
        key: leaf
        for name, part in value.items()
        for key, leaf in flat(part, f"{prefix}.{name}" if prefix else str(name)).items()
    }


def changes(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[Change]:
    """Compare the facts of two models: documents, entities per label, config."""
    pairs = [
        ("Digest of the annotations", before["digest"][:12], now["digest"][:12]),
        ("Documents", before["records"], now["records"]),
        ("Test documents", before["test_documents"], now["test_documents"]),
    ]
    for part, title in (("entities", "Entities of {}"), ("config", "{}")):
        old, new = before[part], now[part]
        pairs += [(title.format(key), old.get(key), new.get(key)) for key in sorted({*old, *new})]
    return [Change(what, told(old), told(new)) for what, old, new in pairs if old != new]


def reseeded(now: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether two models come from the same annotations and config, but for seeds.

    What evaluate, gate and registry are told does not change the model, so it does not count.
    """
    same_data = now["digest"] == before["digest"]
    return same_data and making(now["config"]) == making(before["config"])


def making(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a phase's config that decides what is learnt."""
    return {
        key: value
        for key, value in config.items()
        if key.partition(".")[0] not in JUDGING and key.rpartition(".")[2] != "seed"
    }


def told(value: Any) -> str:
    """A value as text; "" if there is none."""
    return "" if value is None else str(value)
