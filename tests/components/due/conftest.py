"""Models to register: those of the upload stage."""

from tests.components.upload.conftest import artefact, model, outputs  # noqa: F401
