"""The one way to reach a Kubeflow Pipelines: its client, patience, and errors one can act on."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import urllib3
from google.api_core.exceptions import RetryError
from google.api_core.retry import Retry
from kfp_server_api import ApiException

from components import patience
from components.errors import RemoteError
from pipelines.config.schema import Kubeflow

# What a cluster behind a login asks for: a bearer token, or the cookie of a browser's session.
TOKEN_VARIABLE = "KUBEFLOW_TOKEN"  # noqa: S105 (a name)
COOKIE_VARIABLE = "KUBEFLOW_COOKIE"
PASSING = (408, 429, 500, 502, 503, 504)


class Connection:
    """Kubeflow Pipelines as the kfp client reaches it."""

    def __init__(self, settings: Kubeflow) -> None:
        self.settings = settings

    @cached_property
    def client(self) -> Any:
        """The kfp client, signed in if the environment says how."""
        import kfp

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return kfp.Client(
                host=self.settings.host,
                # Without one it would ask the cluster at once, five times and without a timeout.
                namespace=self.settings.namespace or "none",
                existing_token=os.environ.get(TOKEN_VARIABLE),
                cookies=os.environ.get(COOKIE_VARIABLE),
            )

    def once(self, call: Callable[..., Any], **arguments: Any) -> Any:
        """Call a method of the client's generated services, with a timeout."""
        return call(_request_timeout=(patience.CALL_SECONDS, patience.CALL_SECONDS), **arguments)

    def ask(self, call: Callable[..., Any], **arguments: Any) -> Any:
        """The same, again after a passing fault: for what may be repeated without harm."""
        return retry()(self.once)(call, **arguments)

    def pages(self, call: Callable[..., Any], field: str, **arguments: Any) -> Iterator[Any]:
        """Everything that a list method has, page by page."""
        token = ""
        while True:
            page = self.ask(call, page_token=token, page_size=100, **arguments)
            yield from getattr(page, field) or []
            token = page.next_page_token
            if not token:
                return


def retry() -> Retry:
    """Repeats a call after a passing fault, with growing and randomised waits."""
    return patience.retry_if(is_passing)


def is_passing(error: BaseException) -> bool:
    """Whether the same call may succeed a little later."""
    if isinstance(error, ApiException):
        return error.status in PASSING
    return isinstance(error, urllib3.exceptions.HTTPError)


@contextmanager
def reaching(what: str) -> Iterator[None]:
    """Turn every failure of a call into one message.

    Args:
        what: what was being done, e.g. "submit the run".

    Raises:
        RemoteError: the call failed for good, or the cluster stayed away too long.
    """
    try:
        yield
    except RetryError as error:
        raise RemoteError(patience.gave_up(what, reason(error.cause))) from error
    except ApiException as error:
        if error.status in (401, 403):
            raise RemoteError(
                f"{what}: permission denied ({reason(error)}). Set {TOKEN_VARIABLE} or "
                f"{COOKIE_VARIABLE}: docs/kubeflow.md."
            ) from error
        raise RemoteError(f"{what}: Kubeflow Pipelines refused: {reason(error)}") from error
    except urllib3.exceptions.HTTPError as error:
        raise RemoteError(f"{what}: {reason(error)}") from error


def reason(error: BaseException | None) -> str:
    """The gist of an error."""
    if isinstance(error, urllib3.exceptions.MaxRetryError):
        error = error.reason
    if not isinstance(error, ApiException):
        return f"{type(error).__name__}: {error}"
    try:
        body = json.loads(error.body)
        return f"{error.status} {body.get('message') or body['error']}"
    except (TypeError, ValueError, KeyError):
        return f"{error.status} {error.reason}"
