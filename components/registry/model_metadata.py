"""What a model was made from, stored with it, and what changed since the one in production."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VERSION = 2
AFTER_TRAINING = ("evaluate", "gate", "model")  # sections of a phase that come after the training
TEXTS = "texts_digest"


def deciding(context: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a phase's config that decides the model, but for its annotations."""
    return {key: value for key, value in context.items() if key not in AFTER_TRAINING}


def with_teacher(context: Mapping[str, Any], teacher: str, texts: str) -> dict[str, Any]:
    """A phase's config with what it was at that time that its `teacher` names.

    Args:
        teacher, texts: digests of the teacher and of the texts for it; '' for a phase without one.
    """
    if not teacher:
        return dict(context)
    return {
        **context,
        "teacher": {**(context.get("teacher") or {}), "digest": teacher, TEXTS: texts},
    }


@dataclass(frozen=True)
class Change:
    """One thing that differs; "" where it was or is not there."""

    what: str
    before: str
    now: str


def facts_of(
    data_report: Mapping[str, Any],
    blocks: Mapping[str, Mapping[str, Any]],
    context: Mapping[str, Any],
) -> dict[str, Any]:
    """Gather what the next run will want to know about this model.

    Args:
        data_report: what `ingest` wrote.
        blocks: what `evaluate` wrote, by task.
        context: the phase's config.
    """
    return {
        "version": VERSION,
        "digest": data_report["digest"],
        "records": data_report["records"]["kept"],
        "tasks": {
            name: {
                "task": one["task"],
                "unit": one["unit"],
                "labels": {label: counts["count"] for label, counts in one["labels"].items()},
            }
            for name, one in data_report["tasks"].items()
        },
        "test_documents": max(block["documents"] for block in blocks.values()),
        "config": flat(context),
    }


def read_facts(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """What `facts_of` gathered, whichever version of it a model keeps.

    Version 1 had no version, and the entities of the one task, ner, where `tasks` is.
    """
    if "version" in document:
        return document
    entities = {"task": "ner", "unit": "entities", "labels": document["entities"]}
    return {**document, "tasks": {"ner": entities}}


def counts_in(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What there was to learn from, by what it is called to people."""
    several = len(facts["tasks"]) > 1
    return {
        f"{one['unit'].capitalize()} of {f'{name}: ' if several else ''}{label}": count
        for name, one in facts["tasks"].items()
        for label, count in one["labels"].items()
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
    """Compare the facts of two models: documents, examples per label, config."""
    now, before = read_facts(now), read_facts(before)
    pairs = [
        ("Digest of the annotations", before["digest"][:12], now["digest"][:12]),
        ("Documents", before["records"], now["records"]),
        ("Test documents", before["test_documents"], now["test_documents"]),
    ]
    for old, new in ((counts_in(before), counts_in(now)), (before["config"], now["config"])):
        pairs += [(key, old.get(key), new.get(key)) for key in sorted({*old, *new})]
    return [Change(what, as_text(old), as_text(new)) for what, old, new in pairs if old != new]


def reseeded(now: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether two models come from the same annotations and config, but for seeds.

    Settings of evaluate, gate and registry do not change the model, so they do not count.
    """
    same_data = now["digest"] == before["digest"]
    return same_data and making(now["config"]) == making(before["config"])


def making(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a phase's config that decides what is learnt."""
    return {
        key: value
        for key, value in config.items()
        if key.partition(".")[0] not in AFTER_TRAINING and key.rpartition(".")[2] != "seed"
    }


def as_text(value: Any) -> str:
    """A value as text; "" if there is none."""
    return "" if value is None else str(value)
