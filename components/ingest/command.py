"""Read the annotations, and decide whether they and the model in production call for a retrain."""

from __future__ import annotations

import argparse
import json
from argparse import Namespace
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from components.errors import DataError
from components.files import write_json, write_text, writing
from components.html.format import counted
from components.ingest.settings import IngestSettings
from components.ingest.store import Store
from components.interface import TASKS, Output, Parameter, Result
from components.records.passed_over import write_passed_over
from components.records.record import write_records
from components.records.sources import Copy, Source, content_digest, copy_files, list_files
from components.settings import parse
from components.stage import StageResult
from components.tasks import tasks_of

INTERFACE = (
    Parameter("sources", "JSON list of {path, format}", list),
    TASKS,
    Parameter("settings", "IngestSettings as JSON", dict, default="{}"),
    Parameter("context", "the phase's config as JSON", dict, default="{}"),
    Parameter("registry", "folder, or vertex://PROJECT/LOCATION/…; '' none", default=""),
    Parameter("model", "name of the model in the registry", default=""),
    Parameter("alias", "alias of the version in production", default="champion"),
    Parameter("when", "always: train; due: only if a retrain is due", default="always"),
    Parameter("due", "DueSettings as JSON", dict, default="{}"),
    Parameter("store", "folder or gs://… for what later stages read, by its content"),
    Parameter("teacher", "folder, or NAME@VERSION of the registry; '' none", default=""),
    Parameter("texts", "JSON list of files of texts for it", list, default="[]"),
    Output("quarantine", "Dataset", "refused records"),
    Output("passed_over", "Dataset", "texts that are annotated, and no record", required=False),
    Output("snapshot", "Artifact", "folder of the raw input"),
    Output("examples", "Artifact", "which annotations these are, as JSON"),
    Output("data_report", "Artifact", "report as JSON"),
    Output("report", "HTML", "report as HTML"),
    Output("summary", "Markdown", "report as Markdown"),
    Output("decision_summary", "Markdown", "whether a retrain is due, as Markdown"),
    Result("digest"),
    Result("origin"),
    Result("decision"),
    Result("why"),
    Result("annotations_uri"),
    Result("annotations_digest"),
    Result("previous_uri"),
    Result("previous_digest"),
    Result("champion_uri"),
    Result("champion_digest"),
    Result("champion_version"),
    Result("teacher_uri", given="teacher"),
    Result("teacher_digest", given="teacher"),
    Result("teacher_version", given="teacher"),
    Result("teacher_assignment_uri", given="teacher"),
    Result("text_files", given="teacher"),
    Result("texts_digest", given="teacher"),
)


def run(args: argparse.Namespace) -> StageResult:
    """Read the annotations, decide, and look up what is in production.

    On unfit data everything but the records is written, so that a person can see why.

    Returns:
        parameters `digest` (of data and config), `origin` (of what decides the model), `decision`
        ("train" or "wait") and `why`; where the clean records, the assignment of the model in
        production and that model lie, with their digests; the number of its version, '' for none;
        and with a teacher where it lies and what it is called, and the files of texts for it.

    Raises:
        ConfigError: a setting is wrong, or a source is not there.
        DataError: the annotations are unfit, or what is in production cannot be read.
    """
    from components.due import command as due
    from components.fingerprint.command import digest_of
    from components.ingest.production import in_production
    from components.registry.model_metadata import deciding, with_teacher

    store = Store(args.store)
    context = parse(dict[str, Any], args.context, "--context")
    taught = teacher(args, store)
    context = with_teacher(
        context, taught.get("teacher_digest", ""), taught.get("texts_digest", "")
    )
    with TemporaryDirectory() as folder:
        records = Path(folder) / "annotations.jsonl"
        report = read(args, records, store)
        digest = digest_of(report["digest"], context)
        origin = digest_of(report["digest"], deciding(context))
        settings = {"settings": args.due, "summary": args.decision_summary}
        given = {**vars(args), "annotations": records, "digest": digest, **settings}
        given["context"] = json.dumps(context)
        decided = due.run(Namespace(**given)).parameters
        annotations = store.keep_file(records, records.name)
    look = bool(args.registry) and decided["decision"] == "train"
    champion = in_production(
        args.registry if look else "", args.model, args.alias, (digest, origin), store
    )
    return StageResult(
        parameters={
            "digest": digest,
            "origin": origin,
            **decided,
            "annotations_uri": annotations.uri,
            "annotations_digest": annotations.digest,
            **champion,
            **taught,
        },
        metadata={"data_report": {"status": report["status"], **report["records"]}},
    )


def teacher(args: argparse.Namespace, store: Store) -> dict[str, str]:
    """The teacher and the files of texts for it; nothing without one."""
    if not args.teacher:
        return {}
    from components.ingest.teaching import teaching

    return teaching(args.teacher, parse(list[str], args.texts, "--texts"), args.registry, store)


def read(args: argparse.Namespace, records: Path, store: Store) -> dict[str, Any]:
    """Write clean records, quarantine, snapshot and report; raise DataError on unfit data."""
    from components.ingest.collect import Collector
    from components.ingest.coverage import Coverage
    from components.ingest.page import markdown, page
    from components.ingest.summary import make_report

    tasks = tasks_of(args.tasks)
    collector = Collector(tasks, parse(IngestSettings, args.settings, "--settings"))
    sources = parse(list[Source], args.sources, "--sources")
    digest, copies = take_snapshot(sources, args.snapshot, store)
    collector.read(copies)
    coverage = Coverage(tasks)
    write_records(records, coverage.counting(collector.finish()))
    report = make_report(collector, coverage, digest)
    write_quarantine(args.quarantine, collector.quarantine)
    if args.passed_over:
        write_passed_over(args.passed_over, collector.passed_over)
    write_json(args.data_report, report)
    write_text(args.report, page(report))
    write_text(args.summary, markdown(report))
    print(markdown(report))
    if report["status"] == "unfit":
        print(
            f"See {args.report} for all problems and {args.quarantine} for the records left "
            "out; docs/data.md explains each problem."
        )
        raise unfit(report["reasons"])
    return report


def take_snapshot(sources: Sequence[Source], folder: Path, store: Store) -> tuple[str, list[Copy]]:
    """Copy the raw input; its digest, and the copies."""
    files = list_files(sources)
    with writing(folder) as temporary:
        copies = copy_files(files, temporary, store.folder)
    digest = content_digest(files, [copy.identity for copy in copies])
    print(f"{counted(len(files), 'source file')}, content {digest}")
    return digest, [
        replace(copy, path=folder / copy.path.relative_to(temporary)) for copy in copies
    ]


def write_quarantine(path: Path, quarantined: Iterable[msgspec.Struct]) -> None:
    with writing(path) as temporary, temporary.open("wb") as file:
        for line in quarantined:
            file.write(msgspec.json.encode(line) + b"\n")


def unfit(reasons: Sequence[str]) -> DataError:
    """One message with all that must be fixed."""
    if len(reasons) == 1:
        return DataError(reasons[0])
    listed = "".join(f"\n  - {reason}" for reason in reasons)
    return DataError(f"{len(reasons)} problems stop the run:{listed}")
