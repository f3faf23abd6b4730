"""Assign records to train, dev and test: balanced by label, without leaks, stable."""

from __future__ import annotations

import argparse

from components.interface import TASKS, Input, Output, Parameter, Result
from components.settings import parse
from components.split.settings import SplitSettings
from components.stage import StageResult
from components.tasks.base import TaskSettings

SPLITS = ("train", "dev", "test")

INTERFACE = (
    Input("annotations", "Dataset", "JSON Lines from `ingest`"),
    Parameter("annotations_digest", "of the annotations; '' not compared", default=""),
    TASKS,
    Parameter("settings", "SplitSettings as JSON", dict, default="{}"),
    Input(
        "previous",
        "Artifact",
        "assignment.json of an earlier run, or a model's folder that may hold one: its "
        "documents keep their splits",
        required=False,
    ),
    Parameter("previous_digest", "of the earlier assignment; '' not compared", default=""),
    *(
        Output(f"{split}_set", "Dataset", "JSON Lines to write")
        for split in ("train", "dev", "test")
    ),
    Output("assignment", "Artifact", "JSON to write"),
    Output("split_report", "Artifact", "JSON to write"),
    Result("splits_digest"),
)


def run(args: argparse.Namespace) -> StageResult:
    """Read the records twice: for the few numbers that decide, and to copy the lines."""
    import msgspec

    from components.digests import check, together
    from components.files import writing
    from components.split.assign import assign
    from components.split.assignment import (
        assignment_of,
        decided,
        previous_assignment,
        write_assignment,
    )
    from components.split.features import read_features
    from components.split.grouping import group, group_hashes
    from components.split.near_duplicates import near_duplicates
    from components.split.splits import UNDECIDED
    from components.split.summary import in_words, summarise
    from components.split.writing import write_splits

    check(args.annotations_digest, annotations=args.annotations)
    if args.previous:
        check(args.previous_digest, previous=args.previous)
    settings = parse(SplitSettings, args.settings, "--settings")
    tasks = [task.name for task in parse(list[TaskSettings], args.tasks, "--tasks")]
    features = read_features(args.annotations, tasks, settings.group_by)
    previous = previous_assignment(args.previous)
    near = near_duplicates(args.annotations, features, settings.near_duplicates)
    groups = group(features, near)

    earlier = previous.splits_of(features.text_keys)
    anchored = previous.splits_of(features.group_keys)
    anchored[earlier != UNDECIDED] = earlier[earlier != UNDECIDED]
    if settings.reshuffle:
        anchored[:] = UNDECIDED
    fixed = decided(features, groups, anchored)
    splits = assign(
        features, groups, fixed, group_hashes(features, groups, settings.seed), settings.fractions
    )
    splits = splits[groups]

    write_splits(args.annotations, features, splits, (args.train_set, args.dev_set, args.test_set))
    write_assignment(args.assignment, assignment_of(features, splits))
    report = summarise(features, groups, splits, fixed[groups], earlier, settings)
    with writing(args.split_report) as path:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    print(in_words(report))
    digest = together(train=args.train_set, dev=args.dev_set, test=args.test_set)
    return StageResult(
        parameters={"splits_digest": digest},
        metadata={
            f"{split}_set": {"documents": count} for split, count in report["documents"].items()
        },
    )
