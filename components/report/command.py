"""Turn scores and a decision into a page that people read."""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.files import read_json, write_json, writing
from components.interface import TASKS, Input, Output, Parameter
from components.registry import documents
from components.scoring.document import read_scores
from components.stage import StageResult
from components.tasks import tasks_of

if TYPE_CHECKING:
    from components.registry.model_metadata import Change

INTERFACE = (
    Input("scores", "Artifact", "scores of the evaluate stage"),
    Input("gate_decision", "Artifact", "of the gate stage"),
    Input("predictions", "Artifact", "of the evaluate stage"),
    Input("data_report", "Artifact", "of the ingest stage"),
    Input("split_report", "Artifact", "of the split stage"),
    Input("convert_report", "Artifact", "of the convert stage"),
    Input("log", "Artifact", "log folder of the train stage"),
    Input(
        "champion_metadata",
        "Artifact",
        "folder of what is kept beside the model in production; left out: there is none",
        required=False,
    ),
    Input(
        "examples",
        "Artifact",
        "of the ingest stage; left out: what is annotated otherwise is not said",
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
    Output("report", "HTML", "HTML to write"),
    Output("review", "Dataset", "Prodigy JSON Lines to write"),
    Output("model_card", "Markdown", "Markdown to write"),
    Output("facts", "Artifact", "JSON to write, for the next run"),
)


def run(args: argparse.Namespace) -> StageResult:
    """Write the report, the likeliest annotation mistakes, the model card and the facts.

    Raises:
        DataError: an input is not what its stage writes.
    """
    from components.records.prediction import read_predictions
    from components.registry.model_metadata import facts_of
    from components.report import build, card, disagreements

    blocks, gate_decision = read_scores(args.scores), read_json(args.gate_decision)
    tasks = {task.name: task for task in tasks_of(args.tasks)}
    data, split = read_json(args.data_report), read_json(args.split_report)
    context = json.loads(args.context)
    predictions = list(read_predictions(args.predictions))
    facts = facts_of(data, blocks, context)
    written = datetime.now(UTC).strftime("%-d %B %Y")
    origin = card.Origin(
        written, os.environ.get("RETRAIN_COMMIT", ""), os.environ.get("RETRAIN_IMAGE", "")
    )
    material = build.Material(
        title=f"Report on {context['phase']}",
        kicker=f"{context['model']['name']}, {written}",
        name="new model",
        other="the model in production",
        blocks=blocks,
        headline=gate_decision["headline"],
        mood=mood(gate_decision),
        reasons=gate_decision["reasons"][1:],
        rules=gate_decision["rules"],
        report_only=gate_decision["mode"] == "report-only",
        predictions=predictions,
        history=build.read_history(args.log / "history.jsonl"),
        data=data,
        split=split,
        corpus=read_json(args.convert_report)["corpora"]["train"],
        changes=changes_since(args.champion_metadata, facts, args.examples),
        review="review",
        teaching=read_json(args.teaching) if args.teaching else None,
    )
    mistakes = disagreements.suspected_label_errors(disagreements.by_confidence(predictions))
    write(args.report, [build.html(material)])
    review = disagreements.prodigy_lines(mistakes, predictions, tasks)
    write(args.review, (f"{line}\n" for line in review))
    taught = material.teaching
    write(args.model_card, [card.model_card(blocks, tasks, gate_decision, facts, origin, taught)])
    write_json(args.facts, facts)
    print(f"{gate_decision['headline']}\nThe report is {args.report}")
    return StageResult()


def mood(gate_decision: Mapping[str, Any]) -> str:
    """The colour of the gate_decision."""
    if gate_decision["decision"] == "hold":
        return "bad"
    return "good" if gate_decision["would"] == "promote" else "warn"


def changes_since(
    champion_metadata: Path | None, facts: Mapping[str, Any], examples: Path | None
) -> list[Change] | None:
    """What changed since the champion; None if there is none or it left no facts.

    Args:
        examples: what annotators said, as `ingest` wrote it; None: nothing is said of that.
    """
    from components.registry.model_metadata import changes

    before = champion_metadata and champion_metadata / documents.FACTS
    if champion_metadata is None or not before or not before.is_file():
        return None
    said = champion_metadata / documents.EXAMPLES
    otherwise = annotated_otherwise(said, examples) if examples and said.is_file() else []
    return [*changes(facts, read_json(before)), *otherwise]


def annotated_otherwise(before: Path, now: Path) -> list[Change]:
    """The labels that texts of both models' annotations have in the place of others."""
    from components.registry.examples import relabelled
    from components.registry.model_metadata import Change

    counts = relabelled(before.read_bytes(), now.read_bytes()) or Counter()
    return [
        Change(f"Known texts: {old or 'nothing'} → {new or 'nothing'}", "", f"{count}")
        for (old, new), count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def write(path: Path, texts: Iterable[str]) -> None:
    """Write a text file, whole or not at all."""
    with writing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(texts)
