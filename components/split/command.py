"""Deal records out to train, dev and test: balanced by label, without leaks, stable."""

from __future__ import annotations

import argparse
from pathlib import Path

from components.settings import parse
from components.split.settings import SplitSettings
from components.stage import StageResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the stage reads and writes."""
    parser.add_argument("--annotations", type=Path, required=True, help="JSON Lines from `ingest`")
    parser.add_argument("--task", default="ner", help="what the records are annotated for")
    parser.add_argument("--settings", default="{}", help="SplitSettings as JSON")
    parser.add_argument(
        "--previous",
        default="",
        help="assignment.json of an earlier run, or a model's folder that may hold one: its "
        "documents keep their splits",
    )
    for split in ("train", "dev", "test"):
        parser.add_argument(f"--{split}-set", type=Path, required=True, help="JSON Lines to write")
    parser.add_argument("--assignment", type=Path, required=True, help="JSON to write")
    parser.add_argument("--split-report", type=Path, required=True, help="JSON to write")


def run(args: argparse.Namespace) -> StageResult:
    """Read the records twice: for the few numbers that decide, and to copy the lines."""
    import msgspec

    from components.files import writing
    from components.split.assignment import (
        assignment_of,
        decided,
        previous_assignment,
        write_assignment,
    )
    from components.split.deal import deal
    from components.split.facts import read_facts
    from components.split.grouping import anchors, group
    from components.split.near_duplicates import near_duplicates
    from components.split.splits import UNDECIDED
    from components.split.summary import in_words, summarise
    from components.split.writing import write_splits

    settings = parse(SplitSettings, args.settings, "--settings")
    facts = read_facts(args.annotations, args.task, settings.group_by)
    previous = previous_assignment(args.previous)
    near = near_duplicates(args.annotations, facts, settings.near_duplicates)
    groups = group(facts, near)

    earlier = previous.splits_of(facts.text_keys)
    anchored = previous.splits_of(facts.group_keys)
    anchored[earlier != UNDECIDED] = earlier[earlier != UNDECIDED]
    if settings.reshuffle:
        anchored[:] = UNDECIDED
    fixed = decided(facts, groups, anchored)
    splits = deal(facts, groups, fixed, anchors(facts, groups, settings.seed), settings.shares)
    splits = splits[groups]

    write_splits(args.annotations, facts, splits, (args.train_set, args.dev_set, args.test_set))
    write_assignment(args.assignment, assignment_of(facts, splits))
    report = summarise(facts, groups, splits, earlier, settings)
    with writing(args.split_report) as path:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    print(in_words(report))
    return StageResult(
        metadata={
            f"{split}_set": {"documents": count} for split, count in report["documents"].items()
        }
    )
