"""Turn scores and a verdict into a page that people read."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.errors import DataError
from components.files import writing
from components.stage import StageResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's inputs and outputs."""
    parser.add_argument("--scores", type=Path, required=True, help="scores of the evaluate stage")
    parser.add_argument("--gate-decision", type=Path, required=True, help="of the gate stage")
    parser.add_argument("--predictions", type=Path, required=True, help="of the evaluate stage")
    parser.add_argument("--data-report", type=Path, required=True, help="of the ingest stage")
    parser.add_argument("--split-report", type=Path, required=True, help="of the split stage")
    parser.add_argument("--convert-report", type=Path, required=True, help="of the convert stage")
    parser.add_argument("--log", type=Path, required=True, help="log folder of the train stage")
    parser.add_argument(
        "--champion-metadata",
        type=Path,
        required=True,
        help="kept beside the model in production, or empty",
    )
    parser.add_argument("--context", required=True, help="the phase's config as JSON")
    parser.add_argument("--report", type=Path, required=True, help="HTML to write")
    parser.add_argument("--review", type=Path, required=True, help="Prodigy JSON Lines to write")
    parser.add_argument("--model-card", type=Path, required=True, help="Markdown to write")
    parser.add_argument("--facts", type=Path, required=True, help="JSON to write, for the next run")


def run(args: argparse.Namespace) -> StageResult:
    """Write the report, the likeliest annotation mistakes, the model card and the facts.

    Raises:
        DataError: an input is not what its stage writes.
    """
    from components.records.prediction import read_predictions
    from components.registry.model_metadata import facts_of
    from components.report import build, card, disagreements

    scores, gate_decision = read(args.scores), read(args.gate_decision)
    data, split, context = read(args.data_report), read(args.split_report), json.loads(args.context)
    predictions = list(read_predictions(args.predictions))
    facts = facts_of(data, scores, context)
    written = datetime.now(UTC).strftime("%-d %B %Y")
    origin = card.Origin(
        written, os.environ.get("RETRAIN_COMMIT", ""), os.environ.get("RETRAIN_IMAGE", "")
    )
    material = build.Material(
        title=f"Report on {context['phase']}",
        kicker=f"{context['model']['name']}, {written}",
        name="new model",
        other="the model in production",
        scores=scores,
        headline=gate_decision["headline"],
        mood=mood(gate_decision),
        reasons=gate_decision["reasons"][1:],
        rules=gate_decision["rules"],
        predictions=predictions,
        history=build.read_history(args.log / "history.jsonl"),
        data=data,
        split=split,
        corpus=read(args.convert_report)["corpora"]["train"],
        changes=changes_since(args.champion_metadata, facts),
        review="review",
    )
    mistakes = disagreements.likeliest_mistakes(disagreements.worst_first(predictions))
    write(args.report, [build.html(material)])
    review = disagreements.prodigy_lines(mistakes, predictions)
    write(args.review, (f"{line}\n" for line in review))
    write(args.model_card, [card.model_card(scores, gate_decision, facts, origin)])
    write(args.facts, [json.dumps(facts, ensure_ascii=False, indent=1)])
    print(f"{gate_decision['headline']}\nThe report is {args.report}")
    return StageResult()


def mood(gate_decision: Mapping[str, Any]) -> str:
    """The colour of the gate_decision."""
    if gate_decision["decision"] == "hold":
        return "bad"
    return "good" if gate_decision["would"] == "promote" else "warn"


def changes_since(champion_metadata: Path, facts: Mapping[str, Any]) -> Any:
    """What changed since the champion; None if there is none or it left no facts."""
    from components.registry.model_metadata import FILE_NAME, changes

    before = champion_metadata / FILE_NAME
    return changes(facts, read(before)) if before.is_file() else None


def read(path: Path) -> Any:
    """Read a JSON file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as JSON ({error}).") from error


def write(path: Path, texts: Iterable[str]) -> None:
    """Write a text file, whole or not at all."""
    with writing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(texts)
