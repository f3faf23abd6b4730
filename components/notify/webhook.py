"""Posting JSON to an address, with patience but not for ever."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from components.errors import RemoteError
from components.html.format import counted

ATTEMPTS = 4
FIRST_WAIT_SECONDS = 2.0
CALL_SECONDS = 15.0
# Only these may pass.
PASSING = (408, 429, 500, 502, 503, 504)


def post(url: str, message: Mapping[str, Any]) -> None:
    """Post a message as JSON; redirects are not followed, since they may lead anywhere.

    Raises:
        RemoteError: it was refused, or nobody answered in several attempts. The message names the
            host alone: the rest of an address may be a secret.
    """
    host = urlsplit(url).hostname
    for attempt in range(1, ATTEMPTS + 1):
        problem, passing = attempted(url, message)
        if not problem:
            print(f"Notified {host}.")
            return
        if not passing or attempt == ATTEMPTS:
            break
        time.sleep(FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
    raise RemoteError(
        f"{host} did not take the message in {counted(attempt, 'attempt')}: {problem}."
    )


def attempted(url: str, message: Mapping[str, Any]) -> tuple[str, bool]:
    """What went wrong with one attempt ('' for nothing), and whether that may pass."""
    request = urllib.request.Request(  # noqa: S310 - the address was checked
        url,
        json.dumps(message, ensure_ascii=False).encode(),
        {"Content-Type": "application/json; charset=utf-8", "User-Agent": "retrain"},
        method="POST",
    )
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=CALL_SECONDS):
            return "", False
    except urllib.error.HTTPError as error:
        error.close()
        return f"it answered {error.code} {error.reason}", error.code in PASSING
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        return f"it cannot be reached ({reason or type(error).__name__})", True


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect as the error that it then is."""

    def redirect_request(self, *_arguments: Any, **_options: Any) -> None:
        return None
