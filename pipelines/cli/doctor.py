"""`retrain doctor`: is everything there that a run on Vertex AI needs?"""

from __future__ import annotations

import typer

from pipelines.cli.options import AsJson, ConfigPath, print_json


def doctor(config: ConfigPath, as_json: AsJson = False) -> None:
    """Check credentials, APIs, bucket, service account, images and GPU quota; change nothing.

    Exits with 5 when something is missing, and says for each what to do.
    """
    from dataclasses import asdict

    from pipelines.load import load
    from pipelines.vertex_doctor import Doctor

    findings = []
    for finding in Doctor(load(config)).findings():
        findings.append(finding)
        if not as_json:
            print(
                f"{'ok     ' if finding.passed else 'MISSING'}  {finding.check}: {finding.message}"
            )
    if as_json:
        print_json([asdict(finding) for finding in findings])
    if not all(finding.passed for finding in findings):
        raise typer.Exit(5)
