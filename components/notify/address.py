"""Where a webhook's address stands: it is a secret, so a config and a spec only say where it is."""

from __future__ import annotations

import base64
import os
import re

from components.errors import ConfigError

SECRETS = "secretmanager.googleapis.com"
VARIABLE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
SECRET = re.compile(r"projects/[\w:.-]+/secrets/[\w-]+/versions/(\d+|latest)")


def checked_reference(reference: str) -> str:
    """What names an address, unchanged.

    Raises:
        ValueError: it is none; an address itself is not repeated.
    """
    if not (VARIABLE.fullmatch(reference) or SECRET.fullmatch(reference)):
        raise ValueError(
            "the address is a secret, so name where it stands: env:VARIABLE, or "
            "projects/PROJECT/secrets/NAME/versions/latest of Secret Manager"
        )
    return reference


def in_environment(reference: str) -> bool:
    """Whether the address stands in an environment variable."""
    return VARIABLE.fullmatch(reference) is not None


def address_of(reference: str) -> str:
    """The address that a reference names: https, or this machine.

    Raises:
        ConfigError: there is none, or not one that may be used; it is not repeated.
        RemoteError: Secret Manager did not give it.
    """
    try:
        checked_reference(reference)
    except ValueError as error:
        raise ConfigError(f"notify.webhook: {error}.") from None
    variable = VARIABLE.fullmatch(reference)
    address = os.environ.get(variable[1], "") if variable else secret(reference)
    if not re.fullmatch(r"(https://[^/\s]+|http://127\.0\.0\.1[:/])\S*", address):
        raise ConfigError(
            f"notify.webhook: {reference} holds no address. Put https://… there (http only for "
            "127.0.0.1)."
        )
    return address


def secret(reference: str) -> str:
    """What a version of a secret holds."""
    from components.google_cloud import Place, reaching

    project = reference.split("/")[1]
    with reaching(f"notify.webhook: {reference} (roles/secretmanager.secretAccessor is needed)"):
        answer = Place(project, "").request("GET", SECRETS, f"/v1/{reference}:access")
    return base64.b64decode(answer["payload"]["data"]).decode().strip()
