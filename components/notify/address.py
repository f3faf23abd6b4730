"""A webhook's address: it is a secret, so a config and a spec only say where it stands."""

from __future__ import annotations

import re

from components.errors import ConfigError
from components.secret_references import checked_reference, secret_of


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
    address = secret_of(reference, "notify.webhook")
    if not re.fullmatch(r"(https://[^/\s]+|http://127\.0\.0\.1[:/])\S*", address):
        raise ConfigError(
            f"notify.webhook: {reference} holds no address. Put https://… there (http only for "
            "127.0.0.1)."
        )
    return address
