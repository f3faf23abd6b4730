"""Keep the model as a version of the registry; put it in production if the gate says so."""

from __future__ import annotations

import argparse

from components.errors import DataError
from components.interface import Input, Parameter, Result
from components.registry import documents
from components.registry.base import Artefact, Registry, Version, is_news
from components.registry.lineage import trace
from components.registry.manifest import describe
from components.registry.open import open_registry
from components.registry.outcome import IN_PRODUCTION
from components.registry.promotion import Outcome, add_and_promote, withdrawal_of
from components.registry.settings import ModelSettings
from components.scoring.document import model_digest_in
from components.settings import parse
from components.stage import StageResult

INTERFACE = (
    Input("model", "Model", "folder of the spaCy pipeline"),
    Parameter("model_digest", "of the model, as `train` wrote it; '' not compared", default=""),
    Input("scores", "Artifact", "scores of the evaluate stage"),
    Input("gate_decision", "Artifact", "of the gate stage"),
    Input("report", "HTML", "the report, one HTML file"),
    Input("model_card", "Markdown", "of the report stage"),
    Input("facts", "Artifact", "of the report stage"),
    Input("assignment", "Artifact", "of the split stage"),
    Input("examples", "Artifact", "of the due stage"),
    Input("audit", "Artifact", "texts on which the teacher is audited", required=False),
    Parameter("decision", "of the gate stage", choices=["promote", "hold"]),
    Parameter("registry", "folder, or vertex://PROJECT/LOCATION/…"),
    Parameter("settings", "ModelSettings as JSON", dict),
    Parameter("champion_version", "version that the model was compared with; '' none", default=""),
    Parameter("digest", "digest of the input (fingerprint)"),
    Parameter("origin", "digest of what of the input decides the model", default=""),
    Parameter("run", "name of this run"),
    Result("outcome"),
    Result("not_promoted"),
    Result("version"),
    Result("model_uri"),
    Result("since"),
)


def run(args: argparse.Namespace) -> StageResult:
    """Upload the model.

    Returns:
        parameters `outcome` (see `components.registry.promotion`), `not_promoted` (why the model is
        not in production; '' if it is), `version` (number) and `model_uri`, both '' for a model
        that is not kept, and `since`, the run that brought the same model from the same data and
        settings to the same decision before ('' for none).

    Raises:
        ConfigError: the settings are wrong.
        DataError: the model or a document is not there.
    """
    settings = parse(ModelSettings, args.settings, "--settings")
    registry = open_registry(args.registry, settings.serving_image)
    digest = proven_digest(args)
    same = [each for each in registry.versions(settings.name) if each.artefact == digest]
    # What is kept anyway learns how it was decided now; else the next run would decide it again.
    if args.decision == "hold" and settings.on_hold == "skip" and not same:
        why = "The gate holds this model back and on_hold is 'skip': nothing is uploaded."
        print(why)
        return StageResult(
            parameters={
                "outcome": "not-kept",
                "not_promoted": why,
                "version": "",
                "model_uri": "",
                "since": "",
            }
        )
    artefact = Artefact(
        model=args.model,
        documents={
            documents.REPORT: args.report,
            documents.MODEL_CARD: args.model_card,
            documents.FACTS: args.facts,
            documents.ASSIGNMENT: args.assignment,
            documents.EXAMPLES: args.examples,
            documents.SCORES: args.scores,
            documents.GATE_DECISION: args.gate_decision,
            **({documents.AUDIT: args.audit} if args.audit else {}),
        },
        lineage=trace(
            args.model,
            args.scores,
            decision=args.decision,
            digest=args.digest,
            origin=args.origin,
            run=args.run,
            compared_with=args.champion_version,
            model_digest=digest,
        ),
    )
    since = "" if not same or is_news(artefact.lineage, same[-1].stored) else same[-1].stored.run
    version, outcome = add_and_promote(
        registry, settings.name, settings.alias, artefact, args.champion_version
    )
    said = log_message(registry, version, settings.alias, outcome)
    print(said)
    return StageResult(
        parameters={
            "outcome": outcome,
            "not_promoted": "" if outcome in IN_PRODUCTION else said,
            "version": version.number,
            "model_uri": version.uri,
            "since": "" if since == args.run else since,
        }
    )


def proven_digest(args: argparse.Namespace) -> str:
    """The digest of the model's files, which are those that `train` wrote and `evaluate` scored.

    Raises:
        DataError: they are not, so that the scores are another model's.
    """
    digest = describe(args.model).digest
    for stage, expected in (
        ("train wrote", args.model_digest),
        ("evaluate scored", model_digest_in(args.scores)),
    ):
        if expected and expected != digest:
            raise DataError(
                f"{args.model}: not the files that {stage} (digest {digest[:16]}, expected "
                f"{expected[:16]}): they were damaged or changed since, so nothing is kept. "
                "Run again without the cache."
            )
    return digest


def log_message(registry: Registry, version: Version, alias: str, outcome: Outcome) -> str:
    """One sentence for the log: what became of the model."""
    where = f"version {version.number} of {version.name} ({version.uri})"
    if outcome in IN_PRODUCTION:
        replaced = version.lineage.replaced
        instead = f", in place of version {replaced}" if replaced else ""
        before = " It was before this run." if outcome == "in-production" else ""
        return f"In production as {alias!r}: {where}{instead}.{before}"
    if outcome == "held":
        return f"Kept as {where}, held back by the gate: {alias!r} was not moved."
    back = f"`retrain models promote {version.name} {version.number}` moves it back."
    if outcome == "withdrawn":
        withdrawal = withdrawal_of(registry, version, alias)
        by = f", by {withdrawal.by} on {withdrawal.time}" if withdrawal else ""
        return f"Kept as {where}. It was in production before and was withdrawn{by}: {back}"
    present = registry.pointed(version.name, alias)
    compared = version.stored.compared_with
    return (
        f"Kept as {where} and not promoted: it was compared with version {compared or '(none)'}, "
        f"and {alias!r} points to version {present or '(none)'} now. Run again to compare the two."
    )
