"""Decide whether the model may go into production, with reasons."""

from __future__ import annotations

import argparse
from typing import Any

from components.errors import DataError
from components.files import read_json, write_json, write_text
from components.gate.decide import decide
from components.gate.settings import GateSettings
from components.gate.summary import markdown
from components.interface import TASKS, Input, Output, Parameter, Result
from components.registry import documents
from components.registry.model_metadata import facts_of, reseeded
from components.scoring.document import read_scores
from components.settings import parse
from components.stage import StageResult
from components.tasks.base import TaskSettings

INTERFACE = (
    Input("scores", "Artifact", "scores of the evaluate stage"),
    Input("data_report", "Artifact", "report of the ingest stage"),
    Input(
        "champion_metadata",
        "Artifact",
        "folder of what is kept beside the model in production; left out: there is none",
        required=False,
    ),
    Input(
        "teaching",
        "Artifact",
        "of the label stage, with the audit of `upload`; left out: there was no teacher",
        required=False,
    ),
    TASKS,
    Parameter("context", "the phase's config as JSON", dict),
    Parameter("settings", "GateSettings as JSON", dict),
    Output("gate_decision", "Artifact", "JSON to write"),
    Output("summary", "Markdown", "Markdown to write"),
    Result("decision"),
    Result("headline"),
)


def run(args: argparse.Namespace) -> StageResult:
    """Decide whether the model may be promoted.

    A hold is a result, not a failure: the stage succeeds, and the pipeline goes on to upload the
    model without promoting it.

    Returns:
        parameters `decision` ("promote" or "hold") and `headline`, a sentence.

    Raises:
        ConfigError: the settings or tasks are wrong.
        DataError: the scores or the data report are not what their stages write.
    """
    policy = parse(GateSettings, args.settings, "--settings")
    tasks = parse(list[TaskSettings], args.tasks, "--tasks")
    context = parse(dict[str, Any], args.context, "--context")
    blocks, data_report = read_scores(args.scores), read_json(args.data_report)
    try:
        before = args.champion_metadata and args.champion_metadata / documents.FACTS
        kept = before is not None and before.is_file()
        same = kept and reseeded(facts_of(data_report, blocks, context), read_json(before))
        warm = (context.get("train") or {}).get("init") == "champion"
        audit = read_json(args.teaching)["audit"] if args.teaching else {}
        gate_decision = decide(
            blocks, data_report, tasks, policy, reseeded=same, warm=warm, audit=audit
        )
        summary = markdown(gate_decision, blocks)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{args.scores} or {args.data_report}: {error!r} is not as evaluate and ingest write "
            "it. Run them again."
        ) from error
    write_json(args.gate_decision, gate_decision)
    write_text(args.summary, summary)
    print(log(gate_decision))
    return StageResult(
        parameters={"decision": gate_decision["decision"], "headline": gate_decision["headline"]}
    )


def log(gate_decision: dict[str, Any]) -> str:
    """The decision as text; a hold must be hard to overlook."""
    lines = [f"{rule['result'].upper():5} {rule['text']}" for rule in gate_decision["rules"]]
    mark = "!!! " if gate_decision["would"] == "hold" else ""
    return "\n".join([*lines, "", f"{mark}{gate_decision['headline']}"])
