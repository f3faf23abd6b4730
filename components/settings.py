"""Base of the typed settings that travel from the config file to a stage as JSON."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from components.errors import ConfigError

T = TypeVar("T")


class Settings(BaseModel):
    """A stage's settings: unknown keys are errors, values never change.

    The config file (`pipelines/config/schema.py`) and the stage read the same class, so that a
    value is checked before anything runs and again where it is used.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


def parse(kind: type[T], text: str, option: str) -> T:
    """Read an option that holds JSON: settings, a list of labels.

    Raises:
        ConfigError: naming the option, the key and what was expected.
    """
    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'the whole'}: {problem['msg']}"
            for problem in error.errors()
        )
        raise ConfigError(f"{option}: {problems}") from None
