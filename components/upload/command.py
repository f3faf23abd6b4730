"""Apply the gate, report on the model, keep it in the registry, and promote it if it may be."""

from __future__ import annotations

import argparse
import json
import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from components.digests import check
from components.errors import DataError
from components.files import read_json, write_json
from components.interface import TASKS, Input, Output, Parameter, Result
from components.registry import documents
from components.registry.base import Registry, numbered
from components.registry.open import open_registry
from components.registry.outcome import End, ask, sentence
from components.registry.settings import ModelSettings
from components.settings import parse
from components.stage import StageResult

if TYPE_CHECKING:
    from components.registry.audit import Audited

INTERFACE = (
    Input("model", "Model", "folder of the spaCy pipeline"),
    Parameter("model_digest", "of the model, as `train` wrote it; '' not compared", default=""),
    Input("scores", "Artifact", "of the evaluate stage"),
    Input("predictions", "Artifact", "of the evaluate stage"),
    Input("data_report", "Artifact", "of the ingest stage"),
    Input("examples", "Artifact", "of the ingest stage"),
    Input("split_report", "Artifact", "of the split stage"),
    Input("assignment", "Artifact", "of the split stage"),
    Input("convert_report", "Artifact", "of the convert stage"),
    Input("log", "Artifact", "log folder of the train stage"),
    TASKS,
    Parameter("context", "the phase's config as JSON", dict),
    Parameter("gate", "GateSettings as JSON", dict),
    Parameter("registry", "folder, or vertex://PROJECT/LOCATION/…"),
    Parameter("settings", "ModelSettings as JSON", dict),
    Parameter("champion_version", "version that the model was compared with; '' none", default=""),
    Parameter("digest", "digest of the input, of the ingest stage"),
    Parameter("origin", "digest of what of the input decides the model", default=""),
    Parameter("run", "name of this run"),
    Input("annotations", "Dataset", "of the ingest stage, for the audit", required=False),
    Input("label_report", "Artifact", "of the label stage, if there was a teacher", required=False),
    Input("audit", "Artifact", "of the label stage", required=False),
    Parameter("teacher_digest", "of the teacher; '' none", default=""),
    Parameter("texts_digest", "of the texts that it answered; '' none", default=""),
    Output("gate_decision", "Artifact", "JSON to write"),
    Output("summary", "Markdown", "Markdown to write"),
    Output("report", "HTML", "HTML to write"),
    Output("review", "Dataset", "Prodigy JSON Lines to write"),
    Output("model_card", "Markdown", "Markdown to write"),
    Output("facts", "Artifact", "JSON to write, for the next run"),
    Result("decision"),
    Result("headline"),
    Result("outcome"),
    Result("not_promoted"),
    Result("version"),
    Result("model_uri"),
    Result("since"),
)


def run(args: argparse.Namespace) -> StageResult:
    """Run `gate`, `report` and `register`, one after the other, and conclude the report.

    A second attempt of the same run does it all again, and ends in the same words.

    Returns:
        parameters `decision` and `headline` of the gate, and what `register` returns; of a model
        that the gate holds back, `not_promoted` is the headline.

    Raises:
        ConfigError: a setting is wrong.
        DataError: an input is not what its stage wrote.
    """
    from components.gate import command as gate
    from components.register import command as register
    from components.registry.model_metadata import with_teacher
    from components.report import command as report

    check(args.model_digest, model=args.model)
    with TemporaryDirectory() as folder:
        metadata = champion_metadata(args, Path(folder))
        context = parse(dict[str, Any], args.context, "--context")
        known = with_teacher(context, args.teacher_digest, args.texts_digest)
        audit, teaching = audited(args, Path(folder)) if args.label_report else (None, None)
        given = {
            **vars(args),
            "champion_metadata": metadata,
            "settings": args.gate,
            "context": json.dumps(known),
            "teaching": teaching,
        }
        gate_result = gate.run(Namespace(**given)).parameters
        report.run(Namespace(**given))
        decided = {**vars(args), "decision": gate_result["decision"], "audit": audit}
        result = {**gate_result, **register.run(Namespace(**decided)).parameters}
    if result["decision"] == "hold":
        result["not_promoted"] = result["headline"]
    conclude(args, result)
    return StageResult(parameters=result)


def conclude(args: argparse.Namespace, result: Mapping[str, Any]) -> None:
    """Say in the report what became of the model and what is in production now."""
    from components.report import conclusion

    settings = parse(ModelSettings, args.settings, "--settings")
    end = cast(End, result["outcome"])
    said = sentence(
        end,
        ask(args.registry, settings.name, settings.alias),
        run=args.run,
        version=result["version"],
        since=result["since"],
    )
    conclusion.conclude(args.report, end, said, links(args.report, args.data_report))


def links(report: Path, data_report: Path) -> list[tuple[str, str]]:
    """Where the report leads: to pages that are written where all runs lie in one folder."""
    from components.html.page import all_runs

    runs = all_runs()
    # The page of `ingest`, which has the name of this one.
    data = os.path.relpath(data_report.parent / report.name, report.parent)
    return [("Data report", data), *runs] if runs else []


def audited(args: argparse.Namespace, folder: Path) -> tuple[Path, Path]:
    """The audits of the teacher so far with this run's, and what annotators said of them.

    Returns:
        a file to keep beside the model, and the label report with `audit`, by task.
    """
    from components.registry import audit
    from components.tasks import tasks_of

    name = parse(ModelSettings, args.settings, "--settings").name
    earlier = earlier_audit(open_registry(args.registry), name)
    now = audit.read(args.audit.read_bytes(), str(args.audit))
    texts = audit.together(earlier, now)
    places = {task.name: task.place for task in tasks_of(args.tasks)}
    measured = audit.measured(texts, args.annotations, places)
    kept, teaching = folder / documents.AUDIT, folder / "teaching.json"
    audit.write(kept, texts)
    write_json(teaching, {**read_json(args.label_report), "audit": measured})
    return kept, teaching


def earlier_audit(registry: Registry, name: str) -> list[Audited]:
    """What the newest version that learnt from a teacher kept: all audits up to then."""
    from components.registry import audit

    for version in registry.versions(name)[::-1]:
        content = registry.document(version, documents.AUDIT)
        if content is not None:
            return audit.read(content, f"{documents.AUDIT} of {version.uri}")
    return []


def champion_metadata(args: argparse.Namespace, folder: Path) -> Path | None:
    """A folder with what the model in production has kept of its run; None without one."""
    if not args.champion_version:
        return None
    name = parse(ModelSettings, args.settings, "--settings").name
    registry = open_registry(args.registry)
    version = numbered(registry.versions(name), args.champion_version)
    if version is None:
        raise DataError(
            f"version {args.champion_version} of {name}, which this model was compared with, is "
            "gone from the registry. Restore it from a backup, or run again."
        )
    for name in (documents.FACTS, documents.EXAMPLES):
        if content := registry.document(version, name):
            (folder / name).write_bytes(content)
    return folder
