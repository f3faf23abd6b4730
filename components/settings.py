"""Base of the typed settings that travel from the config file to a stage as JSON."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A stage's settings: unknown keys are errors, values never change.

    The config file (`pipelines/config.py`) and the stage read the same class, so that a value is
    checked before anything runs and again where it is used.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
