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
    parser.add_argument("--verdict", type=Path, required=True, help="verdict of the gate stage")
    parser.add_argument("--predictions", type=Path, required=True, help="of the evaluate stage")
    parser.add_argument("--data-report", type=Path, required=True, help="of the ingest stage")
    parser.add_argument("--split-report", type=Path, required=True, help="of the split stage")
    parser.add_argument("--convert-report", type=Path, required=True, help="of the convert stage")
    parser.add_argument("--log", type=Path, required=True, help="log folder of the train stage")
    parser.add_argument(
        "--dossier", type=Path, required=True, help="kept beside the model in production, or empty"
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
    from components.facts import facts_of
    from components.prediction import read_predictions
    from components.report import build, card, disputes

    scores, verdict = read(args.scores), read(args.verdict)
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
        headline=verdict["headline"],
        mood=mood(verdict),
        reasons=verdict["reasons"][1:],
        rules=verdict["rules"],
        predictions=predictions,
        history=build.read_history(args.log / "history.jsonl"),
        data=data,
        split=split,
        corpus=read(args.convert_report)["corpora"]["train"],
        changes=changes_since(args.dossier, facts),
        review="review",
    )
    mistakes = disputes.likeliest_mistakes(disputes.worst_first(predictions))
    write(args.report, [build.html(material)])
    write(args.review, (f"{line}\n" for line in disputes.prodigy_lines(mistakes)))
    write(args.model_card, [card.model_card(scores, verdict, facts, origin)])
    write(args.facts, [json.dumps(facts, ensure_ascii=False, indent=1)])
    print(f"{verdict['headline']}\nThe report is {args.report}")
    return StageResult()


def mood(verdict: Mapping[str, Any]) -> str:
    """The colour of the verdict."""
    if verdict["decision"] == "hold":
        return "bad"
    return "good" if verdict["would"] == "promote" else "warn"


def changes_since(dossier: Path, facts: Mapping[str, Any]) -> Any:
    """What changed since the champion; None if there is none or it left no facts."""
    from components.facts import FILE_NAME, changes

    before = dossier / FILE_NAME
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
