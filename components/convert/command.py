"""Write each split as spaCy's DocBin files, with a manifest."""

from __future__ import annotations

import argparse

from components.convert.settings import ConvertSettings
from components.files import write_json
from components.interface import TASKS, Input, Output, Parameter, Result
from components.settings import parse
from components.stage import StageResult
from components.tasks.base import TaskSettings

SPLITS = ("train", "dev", "test")


INTERFACE = (
    TASKS,
    *(Input(f"{split}_set", "Dataset", "JSON Lines of `split`") for split in SPLITS),
    Parameter("splits_digest", "of the three splits; '' not compared", default=""),
    Parameter("settings", "ConvertSettings as JSON", dict, default="{}"),
    *(Output(f"{split}_corpus", "Dataset", "folder to write") for split in SPLITS),
    Output("convert_report", "Artifact", "JSON to write"),
    Result("training_digest"),
    Result("test_digest"),
)


def run(args: argparse.Namespace) -> StageResult:
    """Write the shards of all three splits with the same processes, then their manifests."""
    from contextlib import ExitStack

    from components import progress
    from components.convert.corpus import VERSION, in_words, summary, write_manifest
    from components.convert.counts import Counts
    from components.convert.shards import jobs, write_all
    from components.digests import check, digest_of
    from components.files import writing
    from components.tasks import task_of

    check(args.splits_digest, train=args.train_set, dev=args.dev_set, test=args.test_set)
    settings = parse(ConvertSettings, args.settings, "--settings")
    tasks = tuple(parse(list[TaskSettings], args.tasks, "--tasks"))
    units = {task.name: task.unit for task in map(task_of, tasks)}
    report, digests = {}, {}
    with ExitStack() as stack:
        folders, work = {}, {}
        for split in SPLITS:
            folder = stack.enter_context(writing(getattr(args, f"{split}_corpus")))
            folder.mkdir()
            folders[split] = folder
            work[split] = jobs(getattr(args, f"{split}_set"), folder, tasks, settings)
        written = write_all([job for each in work.values() for job in each], settings.workers)
        done = 0
        for split in SPLITS:
            counts, shards = Counts(), []
            for _ in work[split]:
                shards.append(next(written))
                counts.update(shards[-1].counts)
                done += shards[-1].counts.records
                progress.report(documents=done)
            digests[split] = write_manifest(folders[split], shards, counts)
            report[split] = summary(counts)
            print(in_words(split, report[split], units))
    document = {"version": VERSION, "language": settings.language, "corpora": report}
    write_json(args.convert_report, document)
    return StageResult(
        parameters={
            "training_digest": digest_of({"train": digests["train"], "dev": digests["dev"]}),
            "test_digest": digests["test"],
        },
        metadata={
            f"{split}_corpus": {key: report[split][key] for key in ("documents", "words")}
            for split in SPLITS
        },
    )
