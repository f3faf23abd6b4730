"""Read, check, select and resolve annotations; quarantine what cannot be trusted."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from components.errors import DataError, RetrainError
from components.files import write_json, write_text, writing
from components.ingest.settings import IngestSettings
from components.interface import Output, Parameter
from components.records.record import write_records
from components.records.sources import Copy, Source, content_digest, copy_files, list_files
from components.settings import parse
from components.stage import StageResult

INTERFACE = (
    Parameter("sources", "JSON list of {path, format}", list),
    Parameter("digest", "`data_digest` of fingerprint"),
    Parameter("task", "what is annotated: ner"),
    Parameter("labels", "JSON list of the declared labels", list),
    Parameter("settings", "IngestSettings as JSON", dict, default="{}"),
    Output("annotations", "Dataset", "clean records"),
    Output("quarantine", "Dataset", "refused records"),
    Output("snapshot", "Artifact", "folder of the raw input"),
    Output("data_report", "Artifact", "report as JSON"),
    Output("report", "HTML", "report as HTML"),
    Output("summary", "Markdown", "report as Markdown"),
)


class SourceMovedError(RetrainError):
    """The source is no longer what was fingerprinted; a retry sees it afresh."""


def run(args: argparse.Namespace) -> StageResult:
    """Write clean records, quarantine, snapshot and report; raise DataError on unfit data.

    On unfit data everything but the records is written, so that a person can see why.
    """
    from components.ingest.collect import Collector
    from components.ingest.coverage import Coverage
    from components.ingest.page import markdown, page
    from components.ingest.summary import make_report

    collector = Collector(
        args.task,
        parse(list[str], args.labels, "--labels"),
        parse(IngestSettings, args.settings, "--settings"),
    )
    sources = parse(list[Source], args.sources, "--sources")
    collector.read(take_snapshot(sources, args.digest, args.snapshot))
    coverage = Coverage(collector.labels)
    with writing(args.annotations) as annotations:
        write_records(annotations, coverage.counting(collector.finish()))
        report = make_report(collector, coverage, args.digest)
        write_quarantine(args.quarantine, collector.quarantine)
        write_json(args.data_report, report)
        write_text(args.report, page(report))
        write_text(args.summary, markdown(report))
        print(markdown(report))
        if report["verdict"] == "unfit":
            print(
                f"See {args.report} for all problems and {args.quarantine} for the records left "
                "out; docs/data.md explains each problem."
            )
            raise unfit(report["reasons"])
    return StageResult(
        metadata={
            "annotations": report["records"],
            "data_report": {"verdict": report["verdict"]},
        }
    )


def take_snapshot(sources: Sequence[Source], digest: str, folder: Path) -> list[Copy]:
    """Copy the raw input, and make sure that it is what was fingerprinted.

    Raises:
        SourceMovedError: it is not.
    """
    files = list_files(sources)
    with writing(folder) as temporary:
        copies = copy_files(files, temporary)
        found = content_digest(files, [copy.identity for copy in copies])
        if found != digest:
            raise SourceMovedError(
                f"the annotations have changed since they were fingerprinted (digest {digest}, "
                f"now {found}). Run again."
            )
    return [replace(copy, path=folder / copy.path.relative_to(temporary)) for copy in copies]


def write_quarantine(path: Path, quarantined: Iterable[msgspec.Struct]) -> None:
    with writing(path) as temporary, temporary.open("wb") as file:
        for line in quarantined:
            file.write(msgspec.json.encode(line) + b"\n")


def unfit(reasons: Sequence[str]) -> DataError:
    """One message with all that must be mended."""
    if len(reasons) == 1:
        return DataError(reasons[0])
    listed = "".join(f"\n  - {reason}" for reason in reasons)
    return DataError(f"{len(reasons)} problems stop the run:{listed}")
