"""The split report: what went where, how far from the aim, and what stayed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.records.keys import NO_KEY
from components.split.balance import targets_of
from components.split.features import Features
from components.split.settings import SplitSettings
from components.split.splits import SPLITS, UNDECIDED

VERSION = 1
# Why a document is on another split than before.
RESHUFFLED = "split.reshuffle asks for it"
TAGGED = "the export says the split of its group"
JOINED = "documents of several splits are one group now"


def summarise(
    features: Features,
    groups: NDArray[np.int64],
    splits: NDArray[np.int8],
    decided: NDArray[np.int8],
    earlier: NDArray[np.int8],
    settings: SplitSettings,
) -> dict[str, Any]:
    """Describe a split.

    Args:
        groups: number of the group of each record.
        splits: split of each record.
        decided: split of each record that could not choose, or UNDECIDED.
        earlier: split of each record in the previous run, or UNDECIDED.
    """
    known = earlier != UNDECIDED
    tagged = features.tags != UNDECIDED
    sizes = np.bincount(groups)
    documents = np.bincount(splits, minlength=len(SPLITS))
    labels = label_counts(features, groups, splits, decided, settings.fractions)
    deviations = [abs(value) for label in labels.values() for value in label["deviation"].values()]
    return {
        "version": VERSION,
        "settings": settings.model_dump(),
        "documents": named(documents),
        "labels": labels,
        "worst_deviation": max(deviations, default=0.0),
        "mean_deviation": round(float(np.mean(deviations or [0.0])), 4),
        "missing": [
            {"label": name, "split": split, "groups": label["groups"]}
            for name, label in labels.items()
            for split, fraction, count in zip(SPLITS, settings.fractions, documents, strict=True)
            if (fraction or count) and not label["documents"][split]
        ],
        "groups": {
            "count": len(sizes),
            "largest": int(sizes.max(initial=0)),
            "leaked": leaks(features, splits),
        },
        "stability": {
            "known": int(known.sum()),
            "new": int((~known).sum()),
            "moved": int((known & (earlier != splits)).sum()),
            "why": why_moved(features, groups, known & (earlier != splits), settings),
        },
        "tags": {
            "tagged": int(tagged.sum()),
            "overruled": int((tagged & (features.tags != splits)).sum()),
            "drawn_along": int((~tagged & np.isin(groups, groups[tagged])).sum()),
        },
    }


def why_moved(
    features: Features, groups: NDArray[np.int64], moved: NDArray[np.bool_], settings: SplitSettings
) -> dict[str, int]:
    """How many of the documents that moved did so for each reason; a reason of none is left out.

    Args:
        moved: which records have another split than before.
    """
    if settings.reshuffle:
        counts = {RESHUFFLED: int(moved.sum())}
    else:
        by_tag = np.isin(groups, groups[features.tags != UNDECIDED])
        counts = {TAGGED: int((moved & by_tag).sum()), JOINED: int((moved & ~by_tag).sum())}
    return {reason: count for reason, count in counts.items() if count}


def in_words(report: dict[str, Any]) -> str:
    """The report for the log, in a line and one more for each label that a split lacks."""
    sizes = ", ".join(f"{count:,} {split}" for split, count in report["documents"].items())
    stability = report["stability"]
    lines = [
        f"{sizes}; labels at most {report['worst_deviation']:g} documents off their share; "
        f"{stability['moved']:,} of {stability['known']:,} known documents moved"
        + "".join(f", {count:,} since {why}" for why, count in stability["why"].items())
        + "."
    ]
    tags = report["tags"]
    if tags["tagged"]:
        lines.append(
            f"The annotations name the split of {tags['tagged']:,} documents; "
            f"{tags['overruled']:,} of them are on another and {tags['drawn_along']:,} others went "
            "along, since one of their group belongs there."
        )
    lines += [
        f"{one['split']} has no {one['label']} (groups that have it: {one['groups']:,})."
        for one in report["missing"]
    ]
    return "\n".join(lines)


def label_counts(
    features: Features,
    groups: NDArray[np.int64],
    splits: NDArray[np.int8],
    decided: NDArray[np.int8],
    fractions: tuple[float, float, float],
) -> dict[str, dict[str, Any]]:
    """Per label: documents on each split, the deviation from the aim, and its groups."""
    result = {}
    for name in sorted({label for labels in features.sets for label in labels}):
        rows = np.array([name in labels for labels in features.sets])[features.label_sets]
        counts = np.bincount(splits[rows], minlength=len(SPLITS))
        fixed = np.bincount(decided[rows & (decided != UNDECIDED)], minlength=len(SPLITS))
        targets = targets_of(counts.sum(keepdims=True), fixed[None], fractions)[0]
        result[name] = {
            "documents": named(counts),
            "deviation": named(np.round(counts - targets, 2)),
            "groups": len(np.unique(groups[rows])),
        }
    return result


def leaks(features: Features, splits: NDArray[np.int8]) -> int:
    """Count records whose text or group key is in another split too; 0 unless there is a bug."""
    total = 0
    for keys in (features.text_keys, features.group_keys):
        order = np.argsort(keys, kind="stable")
        order = order[keys[order] != NO_KEY]
        same = keys[order][1:] == keys[order][:-1]
        total += int((same & (splits[order][1:] != splits[order][:-1])).sum())
    return total


def named(values: NDArray[Any]) -> dict[str, Any]:
    """One value per split, under its name."""
    return dict(zip(SPLITS, values.tolist(), strict=True))
