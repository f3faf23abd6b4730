"""Where a secret stands: a config and a spec only say that, and never hold it."""

from __future__ import annotations

import base64
import os
import re

MANAGER = "secretmanager.googleapis.com"
VARIABLE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
SECRET = re.compile(r"projects/[\w:.-]+/secrets/[\w-]+/versions/(\d+|latest)")


def checked_reference(reference: str) -> str:
    """What names a secret, unchanged.

    Raises:
        ValueError: it is no reference; it is not repeated, since it may be the secret itself.
    """
    if not (VARIABLE.fullmatch(reference) or SECRET.fullmatch(reference)):
        raise ValueError(
            "this is a secret, so name where it stands: env:VARIABLE, or "
            "projects/PROJECT/secrets/NAME/versions/latest of Secret Manager"
        )
    return reference


def in_environment(reference: str) -> bool:
    """Whether a secret stands in an environment variable."""
    return VARIABLE.fullmatch(reference) is not None


def secret_of(reference: str, what: str) -> str:
    """The secret that a checked reference names; "" where the variable is not set.

    Args:
        what: whose it is, for messages.

    Raises:
        RemoteError: Secret Manager did not give it.
    """
    variable = VARIABLE.fullmatch(reference)
    if variable:
        return os.environ.get(variable[1], "").strip()
    from components.google_cloud import Place, reaching

    project = reference.split("/")[1]
    with reaching(f"{what}: {reference} (roles/secretmanager.secretAccessor is needed)"):
        answer = Place(project, "").request("GET", MANAGER, f"/v1/{reference}:access")
    return base64.b64decode(answer["payload"]["data"]).decode().strip()
