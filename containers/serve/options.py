"""Options of the server: Vertex AI's variables, and our own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from components.cores import available_cores
from components.errors import ConfigError
from components.settings import Settings
from containers.serve.cores import MOST_THREADS

VERTEX = "AIP_"
PREFIX = "RETRAIN_SERVE_"
# What Kubernetes sets in every pod of a namespace that has a service called retrain-serve.
SERVICE_LINK = re.compile(
    r".*(_SERVICE_HOST=|_SERVICE_PORT.*=|_PORT=(tcp|udp|sctp)://|_PORT_\d+_(TCP|UDP|SCTP)).*", re.S
)


class Options(Settings):
    """The options of a server.

    Those with an alias are set by Vertex AI; any other by RETRAIN_SERVE_<NAME>.
    """

    http_port: int = Field(8080, ge=0, le=65535, alias="AIP_HTTP_PORT")
    health_route: str = Field("/health", pattern="^/", alias="AIP_HEALTH_ROUTE")
    predict_route: str = Field("/predict", pattern="^/", alias="AIP_PREDICT_ROUTE")
    storage_uri: str = Field("", alias="AIP_STORAGE_URI", description="gs://… or a folder")
    digest: str = Field("", description="what the digest of the model's files begins with")
    max_body: int = Field(4_000_000, gt=0, description="bytes in a request")
    max_texts: int = Field(256, gt=0, description="instances in a request")
    max_characters: int = Field(50_000, gt=0, description="characters in a text")
    max_seconds: float = Field(
        60.0,
        gt=0,
        description="work of a request, and of the long ones that wait; no text waits longer",
    )
    body_seconds: float = Field(20.0, gt=0, description="from the first byte of a body to its last")
    max_queue: int = Field(1024, gt=0, description="texts that wait; more are answered with 429")
    batch_texts: int = Field(16, gt=0, description="most texts predicted together")
    batch_wait: float = Field(0.005, ge=0, le=1, description="seconds a lonely text waits")
    threads: int = Field(
        # At least two: a long text must leave one to short ones.
        default_factory=lambda: max(2, min(MOST_THREADS, available_cores())),
        gt=0,
        description="batches predicted at once; 1 for components that cannot bear more",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="bfloat16 is faster on CPUs that have it, and a little less exact"
    )
    drain: float = Field(2.0, ge=0, description="seconds between SIGTERM and the closed door")
    openapi: bool = Field(True, description="describe the routes at /openapi.json")
    page: bool = Field(False, description="show a page to try the models at /")
    label_studio: bool = Field(
        False, description="answer as an ML backend of Label Studio at /label-studio"
    )

    @model_validator(mode="after")
    def a_full_request_must_fit(self) -> Options:
        """A request of the allowed size could otherwise never be taken."""
        if self.max_texts > self.max_queue:
            raise ValueError("max_texts must not be more than max_queue")
        return self


def from_environment(environment: Mapping[str, str]) -> Options:
    """Read the options from environment variables.

    Raises:
        ConfigError: a variable has a value that cannot be used, or a name that means nothing.
    """
    known = {field.alias for field in Options.model_fields.values()}
    values = {
        name.removeprefix(PREFIX).lower() if name.startswith(PREFIX) else name: value
        for name, value in environment.items()
        if name in known
        or (name.startswith(PREFIX) and not SERVICE_LINK.fullmatch(f"{name}={value}"))
    }
    try:
        return Options.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        # Only the rule that compares two options has no place of its own.
        name = str(first["loc"][0]) if first["loc"] else "max_texts"
        variable = name if name in known else PREFIX + name.upper()
        raise ConfigError(f"{variable}: {first['msg']}. Correct it, or leave it out.") from error
