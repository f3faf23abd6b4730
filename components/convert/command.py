"""Write each side as spaCy's DocBin files, with a manifest."""

from __future__ import annotations

import argparse
from pathlib import Path

from components.convert.settings import ConvertSettings
from components.settings import parse
from components.stage import StageResult

SIDES = ("train", "dev", "test")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the stage reads and writes."""
    parser.add_argument("--task", default="ner", help="what the records are annotated for")
    parser.add_argument("--settings", default="{}", help="ConvertSettings as JSON")
    for side in SIDES:
        parser.add_argument(f"--{side}-set", type=Path, required=True, help="JSON Lines of `split`")
        parser.add_argument(f"--{side}-corpus", type=Path, required=True, help="folder to write")
    parser.add_argument("--convert-report", type=Path, required=True, help="JSON to write")


def run(args: argparse.Namespace) -> StageResult:
    """Write the shards of all three sides with the same processes, then their manifests."""
    import json
    from contextlib import ExitStack

    from components import progress
    from components.convert.corpus import in_words, summary, write_manifest
    from components.convert.counts import Counts
    from components.convert.shards import jobs, write_all
    from components.files import writing

    settings = parse(ConvertSettings, args.settings, "--settings")
    report = {}
    with ExitStack() as stack:
        folders, work = {}, {}
        for side in SIDES:
            folder = stack.enter_context(writing(getattr(args, f"{side}_corpus")))
            folder.mkdir()
            folders[side] = folder
            work[side] = jobs(getattr(args, f"{side}_set"), folder, args.task, settings)
        written = write_all([job for each in work.values() for job in each], settings.workers)
        done = 0
        for side in SIDES:
            counts, shards = Counts(), []
            for _ in work[side]:
                shards.append(next(written))
                counts.update(shards[-1].counts)
                done += shards[-1].counts.records
                progress.report(documents=done)
            write_manifest(folders[side], shards, counts)
            report[side] = summary(counts)
            print(in_words(side, report[side]))
    document = {"version": 1, "language": settings.language, "corpora": report}
    with writing(args.convert_report) as path:
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return StageResult(
        metadata={
            f"{side}_corpus": {key: report[side][key] for key in ("documents", "words")}
            for side in SIDES
        }
    )
