"""The one way to reach Google Cloud: credentials, patience, and errors that a person can act on."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import requests  # type: ignore[import-untyped]
from google.api_core import exceptions
from google.api_core.retry import Retry
from google.auth import default
from google.auth import exceptions as auth_exceptions
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession

from components import patience
from components.errors import RemoteError

# Like STORAGE_EMULATOR_HOST: the address of a server that stands in for Vertex AI, http://host:port
EMULATOR_VARIABLE = "VERTEX_EMULATOR_HOST"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"

TRANSIENT = (
    exceptions.TooManyRequests,
    exceptions.InternalServerError,
    exceptions.BadGateway,
    exceptions.ServiceUnavailable,
    exceptions.GatewayTimeout,
    exceptions.Aborted,
    auth_exceptions.TransportError,
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
)


@dataclass(frozen=True)
class Place:
    """A region of a Google Cloud project."""

    project: str
    location: str

    @property
    def name(self) -> str:
        """As the API writes it."""
        return f"projects/{self.project}/locations/{self.location}"

    @cached_property
    def credentials(self) -> Any:
        """Application default credentials; none for an emulator.

        Raises:
            RemoteError: this machine has none.
        """
        if EMULATOR_VARIABLE in os.environ:
            return AnonymousCredentials()  # type: ignore[no-untyped-call]
        with reaching("Google Cloud credentials"):
            credentials, _ = default(scopes=[SCOPE])
        return credentials

    @property
    def endpoint(self) -> str:
        """Address of Vertex AI in this region. A client's own default is us-central1."""
        regional = f"https://{self.location}-aiplatform.googleapis.com"
        return os.environ.get(EMULATOR_VARIABLE, regional)

    def client(self, kind: Callable[..., Any]) -> Any:
        """A client of one of Vertex AI's services, over REST."""
        made = kind(
            credentials=self.credentials,
            transport="rest",
            client_options={"api_endpoint": self.endpoint},
        )
        if operations := getattr(made.transport, "operations_client", None):
            # aiplatform 1.165 would poll them below /ui, which the API does not document.
            operations._transport._http_options.clear()
        return made

    def start_sdk(self) -> None:
        """Point the aiplatform package's own classes, which know one place at a time, here."""
        from google.cloud import aiplatform

        aiplatform.init(
            project=self.project,
            location=self.location,
            credentials=self.credentials,
            api_transport="rest",
            api_endpoint=self.endpoint,
        )

    @cached_property
    def session(self) -> Any:
        """Sends signed requests to services that need no client of their own."""
        return AuthorizedSession(self.credentials)  # type: ignore[no-untyped-call]

    def request(self, method: str, host: str, path: str, **options: Any) -> Any:
        """Ask one of Google's services and return its answer as parsed JSON.

        Only for requests that may be repeated. Raises what the clients raise.
        """
        emulator = os.environ.get(EMULATOR_VARIABLE)
        url = f"{emulator}/{host}{path}" if emulator else f"https://{host}{path}"

        @retry()
        def ask() -> Any:
            answer = self.session.request(method, url, timeout=patience.CALL_SECONDS, **options)
            if not answer.ok:
                raise exceptions.from_http_response(answer)  # type: ignore[no-untyped-call]
            return answer.json()

        return ask()

    @cached_property
    def storage(self) -> Any:
        """A client of Cloud Storage."""
        import google.cloud.storage

        return google.cloud.storage.Client(project=self.project, credentials=self.credentials)


def patient() -> dict[str, Any]:
    """`timeout` and `retry` for a call that may be repeated without harm."""
    return {"timeout": patience.CALL_SECONDS, "retry": retry()}


def retry() -> Retry:
    """Repeats a call after a passing fault, with growing and randomised waits."""
    return patience.retry_if(is_transient)


def is_transient(error: BaseException) -> bool:
    """Whether the same call may succeed a little later."""
    return isinstance(error, TRANSIENT)


@contextmanager
def reaching(what: str) -> Iterator[None]:
    """Turn every failure of a remote call into one message.

    Args:
        what: what was being done, e.g. "submit the run".

    Raises:
        RemoteError: the call failed for good, or the service stayed away too long.
    """
    try:
        yield
    except auth_exceptions.GoogleAuthError as error:
        raise RemoteError(
            f"{what}: no valid Google credentials ({error}). Run `gcloud auth application-default "
            "login`, or point GOOGLE_APPLICATION_CREDENTIALS to a key file."
        ) from error
    except exceptions.RetryError as error:
        raise RemoteError(patience.gave_up(what, reason(error.cause))) from error
    except (exceptions.Forbidden, exceptions.Unauthorized) as error:
        raise RemoteError(
            f"{what}: permission denied ({reason(error)}). docs/setup-gcp.md lists the roles that "
            "each account needs; `retrain doctor` shows which are missing."
        ) from error
    except TRANSIENT as error:
        raise RemoteError(f"{what}: {reason(error)}. {patience.AGAIN}") from error
    except exceptions.GoogleAPICallError as error:
        raise RemoteError(f"{what}: Google Cloud refused: {reason(error)}") from error


def reason(error: BaseException | None) -> str:
    """The gist of an error, without the address of the call."""
    if isinstance(error, exceptions.GoogleAPICallError):
        # Over REST the client puts the method and the address in front.
        return f"{int(error.code or 0)} {re.sub(r'^[A-Z]+ https?://[^ ]+: ', '', error.message)}"
    return f"{type(error).__name__}: {error}"
