"""Apply the gate, report on the model, keep it in the registry, and promote it if it may be."""

from __future__ import annotations

import argparse
import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from components.digests import check
from components.errors import DataError
from components.interface import TASKS, Input, Output, Parameter, Result
from components.registry import documents
from components.registry.base import numbered
from components.registry.open import open_registry
from components.registry.outcome import End, ask, sentence
from components.registry.settings import ModelSettings
from components.settings import parse
from components.stage import StageResult

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
    from components.report import command as report

    check(args.model_digest, model=args.model)
    with TemporaryDirectory() as folder:
        metadata = champion_metadata(args, Path(folder))
        given = {**vars(args), "champion_metadata": metadata, "settings": args.gate}
        gate_result = gate.run(Namespace(**given)).parameters
        report.run(Namespace(**given))
    decided = {**vars(args), "decision": gate_result["decision"]}
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
    conclusion.conclude(args.report, end, said, os.environ.get(conclusion.RUNS_PAGE, ""))


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
