"""Training and its debugging share what they need."""

from tests.components.train.conftest import base_models, corpora  # noqa: F401
