"""`retrain doctor`: is everything there that a run on a service needs?"""

from __future__ import annotations

import typer

from pipelines.cli.options import AsJson, ConfigPath, print_json


def doctor(config: ConfigPath, as_json: AsJson = False) -> None:
    """Check what a run needs where its target says; change nothing.

    On Vertex AI: credentials, APIs, roles, bucket, service account, images and GPU quota.

    Exits with 5 when something is missing, and says for each what to do.
    """
    from dataclasses import asdict

    from pipelines.config.load import load
    from pipelines.services.doctor import findings

    results = []
    for finding in findings(load(config)):
        results.append(finding)
        if not as_json:
            print(
                f"{'ok     ' if finding.passed else 'MISSING'}  {finding.check}: {finding.message}"
            )
    if as_json:
        print_json([asdict(finding) for finding in results])
    if not all(finding.passed for finding in results):
        raise typer.Exit(5)
