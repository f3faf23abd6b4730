"""Keep the model as a version of the registry; put it in production if the gate says so."""

from __future__ import annotations

import argparse
from pathlib import Path

from components.registry import examples
from components.registry.base import Artefact, Version, take_in
from components.registry.lineage import trace
from components.registry.open import open_registry
from components.registry.settings import ModelSettings
from components.settings import parse
from components.stage import StageResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's inputs and outputs."""
    parser.add_argument("--model", type=Path, required=True, help="folder of the spaCy pipeline")
    parser.add_argument("--scores", type=Path, required=True, help="scores of the evaluate stage")
    parser.add_argument("--gate-decision", type=Path, required=True, help="of the gate stage")
    parser.add_argument("--report", type=Path, required=True, help="the report, one HTML file")
    parser.add_argument("--model-card", type=Path, required=True, help="of the report stage")
    parser.add_argument("--facts", type=Path, required=True, help="of the report stage")
    parser.add_argument("--assignment", type=Path, required=True, help="of the split stage")
    parser.add_argument("--examples", type=Path, required=True, help="of the due stage")
    parser.add_argument("--decision", choices=["promote", "hold"], required=True)
    parser.add_argument("--registry", required=True, help="folder, or vertex://PROJECT/LOCATION/…")
    parser.add_argument("--settings", required=True, help="ModelSettings as JSON")
    parser.add_argument("--digest", required=True, help="digest of the input (fingerprint)")
    parser.add_argument("--run", required=True, help="name of this run")


def run(args: argparse.Namespace) -> StageResult:
    """Upload the model.

    Returns:
        parameters `version` (number) and `model_uri`, both '' for a model that is not kept.

    Raises:
        ConfigError: the settings are wrong.
        DataError: the model or a document is not there.
    """
    settings = parse(ModelSettings, args.settings, "--settings")
    if args.decision == "hold" and settings.on_hold == "skip":
        print("The gate holds this model back and on_hold is 'skip': nothing is uploaded.")
        return StageResult(parameters={"version": "", "model_uri": ""})
    artefact = Artefact(
        model=args.model,
        documents={
            "report.html": args.report,
            "MODEL_CARD.md": args.model_card,
            "facts.json": args.facts,
            "assignment.json": args.assignment,
            examples.FILE_NAME: args.examples,
            "scores.json": args.scores,
            "gate_decision.json": args.gate_decision,
        },
        lineage=trace(
            args.model, args.scores, decision=args.decision, digest=args.digest, run=args.run
        ),
    )
    registry = open_registry(args.registry, settings.serving_image)
    version = take_in(registry, settings.name, settings.alias, artefact)
    print(outcome(version, settings.alias, args.decision))
    return StageResult(parameters={"version": version.number, "model_uri": version.uri})


def outcome(version: Version, alias: str, decision: str) -> str:
    """One sentence for the log: what became of the model."""
    where = f"version {version.number} of {version.name} ({version.uri})"
    if alias in version.aliases:
        replaced = version.lineage.replaced
        return f"In production as {alias!r}: {where}" + (
            f", in place of version {replaced}." if replaced else "."
        )
    if decision == "promote":
        return (
            f"Kept as {where}. It was in production before and {alias!r} has been moved away "
            f"since: `retrain models promote {version.name} {version.number}` moves it back."
        )
    return f"Kept as {where}, held back by the gate: {alias!r} was not moved."
