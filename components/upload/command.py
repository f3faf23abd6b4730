"""Keep the model as a version of the registry; put it in production if the gate says so."""

from __future__ import annotations

import argparse

from components.interface import Input, Parameter, Result
from components.registry import examples
from components.registry.base import Artefact, Version, take_in
from components.registry.lineage import trace
from components.registry.open import open_registry
from components.registry.settings import ModelSettings
from components.settings import parse
from components.stage import StageResult

INTERFACE = (
    Input("model", "Model", "folder of the spaCy pipeline"),
    Input("scores", "Artifact", "scores of the evaluate stage"),
    Input("gate_decision", "Artifact", "of the gate stage"),
    Input("report", "HTML", "the report, one HTML file"),
    Input("model_card", "Markdown", "of the report stage"),
    Input("facts", "Artifact", "of the report stage"),
    Input("assignment", "Artifact", "of the split stage"),
    Input("examples", "Artifact", "of the due stage"),
    Parameter("decision", "of the gate stage", choices=["promote", "hold"]),
    Parameter("registry", "folder, or vertex://PROJECT/LOCATION/…"),
    Parameter("settings", "ModelSettings as JSON", dict),
    Parameter("digest", "digest of the input (fingerprint)"),
    Parameter("run", "name of this run"),
    Result("version"),
    Result("model_uri"),
)


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
