"""Each test here runs once per service, with the service's own client against its double."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.config.load import load
from pipelines.services.base import Backend
from pipelines.services.choose import backend_of
from pipelines.services.submission import Submission
from tests.kubeflow.conftest import config as kubeflow_config
from tests.kubeflow.conftest import double as kubeflow_double
from tests.kubeflow.conftest import submission as kubeflow_submission
from tests.services.kits import KITS, Kit
from tests.support.service import Service
from tests.vertex.conftest import bucket, gcs_server
from tests.vertex.conftest import config as vertex_config
from tests.vertex.conftest import double as vertex_double
from tests.vertex.conftest import submission as vertex_submission

__all__ = [
    "bucket",
    "gcs_server",
    "kubeflow_config",
    "kubeflow_double",
    "kubeflow_submission",
    "vertex_config",
    "vertex_double",
    "vertex_submission",
]


@pytest.fixture(params=[*KITS])
def name(request: pytest.FixtureRequest) -> str:
    """The service."""
    return str(request.param)


@pytest.fixture
def double(name: str, request: pytest.FixtureRequest) -> Service:
    service: Service = request.getfixturevalue(f"{name}_double")
    return service


@pytest.fixture
def kit(name: str, double: Service) -> Kit:
    return KITS[name](double)


@pytest.fixture
def config(name: str, double: Service, request: pytest.FixtureRequest) -> Path:
    """A committed config of two phases whose target is the service."""
    path: Path = request.getfixturevalue(f"{name}_config")
    return path


@pytest.fixture
def submission(name: str, request: pytest.FixtureRequest) -> Submission:
    """The compiled pipeline of that config."""
    made: Submission = request.getfixturevalue(f"{name}_submission")
    return made


@pytest.fixture
def runs(config: Path) -> Backend:
    """The runs of the double."""
    return backend_of(load(config))
