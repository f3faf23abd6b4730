"""`retrain doctor`: is everything there that a run on a service needs?"""

from __future__ import annotations

import typer

from pipelines.cli.options import DEFAULT_CONFIG, AsJson, ConfigPath, print_json

STATES = {True: "ok", False: "MISSING", None: "UNKNOWN"}


def doctor(config: ConfigPath = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Check what a run needs where its target says; change nothing.

    On Vertex AI: credentials, APIs, roles, bucket and mount, service account, images, GPU quota.

    On Kubeflow Pipelines: its version, and the volume as far as your kubeconfig lets one see it.

    Exits with 5 when something is missing, and says for each what to do. UNKNOWN is what could not
    be looked at; it says who can.
    """
    from dataclasses import asdict

    from pipelines.config.load import load
    from pipelines.services.doctor import findings

    results = []
    for finding in findings(load(config)):
        results.append(finding)
        if not as_json:
            print(f"{STATES[finding.passed]:<7}  {finding.check}: {finding.message}")
    if as_json:
        print_json([asdict(finding) for finding in results])
    if any(finding.passed is False for finding in results):
        raise typer.Exit(5)
