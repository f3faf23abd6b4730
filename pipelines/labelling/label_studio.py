"""The command line that puts texts to label into a project of Label Studio."""

from __future__ import annotations

import shlex
from pathlib import Path

from components.records.label_studio import TOKEN, Project
from components.secret_references import in_environment

OWN = TOKEN.removeprefix("env:")  # where the config names a secret that a shell cannot read
JSON = "-H 'Content-Type: application/json'"


def import_command(project: Project, tasks: Path) -> str:
    """A command line of curl that imports a file of tasks.

    It buys an access token, good for minutes, with the personal one of the project's variable.
    """
    variable = project.token.removeprefix("env:") if in_environment(project.token) else OWN
    bought = (
        f"curl -sf {project.address}/api/token/refresh/ {JSON}"
        f""" -d "{{\\"refresh\\": \\"${variable}\\"}}" | cut -d '"' -f 4"""
    )
    return (
        f'curl -f -H "Authorization: Bearer $({bought})" {JSON}'
        f" {project.address}/api/projects/{project.number}/import -d @{shlex.quote(str(tasks))}"
    )
