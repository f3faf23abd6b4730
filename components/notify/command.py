"""Notify a webhook that a phase has failed, or that its model was held back."""

from __future__ import annotations

import argparse
import json
import re
from typing import Any

from components.errors import ConfigError
from components.interface import FinalStatus, Parameter
from components.notify.address import address_of
from components.notify.webhook import post
from components.registry.outcome import End, InProduction, ask, sentence
from components.stage import StageResult

INTERFACE = (
    Parameter("webhook", "where the address stands: env:NAME or a secret; '' to send nothing"),
    Parameter("pipeline", "name of the config"),
    Parameter("phase", "name of the phase"),
    Parameter("run", "name of this run"),
    Parameter("place", "PROJECT/LOCATION on Vertex AI", default=""),
    Parameter("registry", "folder, or vertex://PROJECT/LOCATION/…", default=""),
    Parameter("model", "name of the phase's model in the registry", default=""),
    Parameter("alias", "alias of the version in production", default="champion"),
    Parameter("outcome", "what became of the model, of the upload stage", default="held"),
    Parameter("version", "version that it became", default=""),
    Parameter("since", "run that brought it to the same end before", default=""),
    Parameter("held", "why the model did not go into production", default=""),
    Parameter("status", "KFP's final status of the phase, as JSON", FinalStatus, default=""),
)


def run(args: argparse.Namespace) -> StageResult:
    """Send a message, if the phase failed or its model was held back.

    Raises:
        ConfigError: the status is none, or the address is not one that may be used.
        RemoteError: nobody took the message.
    """
    message = held(args) if args.held else failed(args)
    if message is None:
        print(f"{args.phase} has not failed: nothing to send.")
        return StageResult()
    print(message["text"])
    if args.webhook:
        post(address_of(args.webhook), message)
    return StageResult()


def held(args: argparse.Namespace) -> dict[str, Any]:
    """The message about a model that did not go into production."""
    said = {"version": args.version, "since": args.since}
    return message(args, "held", "SUCCEEDED", args.held, args.outcome, said)


def failed(args: argparse.Namespace) -> dict[str, Any] | None:
    """The message about a phase that failed; None for one that did not."""
    try:
        status = json.loads(args.status)
        state, error = status["state"], status.get("error") or {}
    except (ValueError, KeyError, TypeError) as problem:
        raise ConfigError(
            f"--status: not a final status of KFP, as JSON with a state ({problem!r})."
        ) from problem
    if state != "FAILED":
        return None
    why = error.get("message") or "Its logs say why."
    return message(args, "failed", state, why, "failed", {"stage": failed_stage(why)})


def failed_stage(error: str) -> str:
    """The stage that an error is of, as Vertex AI or the local runner names it; "" if neither."""
    named = re.search(r"failed tasks are: \[([^\]]+)\]", error) or re.match(
        r"\S+/([\w-]+): ", error
    )
    return named[1] if named else ""


def message(
    args: argparse.Namespace, event: str, state: str, why: str, end: End, more: dict[str, str]
) -> dict[str, Any]:
    """A message; `text` alone is what chat services show."""
    link = console_link(args.run, args.place)
    production = InProduction(None, unknown="no registry was named")
    if args.registry:
        production = ask(args.registry, args.model, args.alias)
    said = sentence(end, production, run=args.run, **more)
    return {
        "text": f"{args.pipeline}, {args.phase}: {said}. {why} Run {args.run} {link}".rstrip(),
        "event": event,
        "outcome": end,
        "message": said,
        "in_production": production.version,
        "pipeline": args.pipeline,
        "run": args.run,
        "phase": args.phase,
        "state": state,
        "decision": "hold" if event == "held" else "",
        "why": why,
        "link": link,
    }


def console_link(run: str, place: str) -> str:
    """The run's page in the console; '' for a run elsewhere."""
    project, _, location = place.partition("/")
    if not location:
        return ""
    return (
        "https://console.cloud.google.com/vertex-ai/locations/"
        f"{location}/pipelines/runs/{run}?project={project}"
    )
