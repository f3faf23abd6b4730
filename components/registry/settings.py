"""Under which name a phase's model is kept, and when it is put in production."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from components.settings import Settings

CANDIDATE = "candidate"
NAME = r"^[a-z][a-z0-9_-]{0,62}$"
ALIAS = r"^[a-z][a-zA-Z0-9-]{0,126}[a-z0-9]$"
# The registries move these themselves.
RESERVED = frozenset({CANDIDATE, "default"})


class ModelSettings(Settings):
    """Under which name a phase's model is kept, and which alias is in production."""

    name: str = Field(
        pattern=NAME,
        description="Name of the model in the registry: lower case letters, digits, - and _.",
        examples=["ner-phase-1"],
    )
    alias: str = Field(
        default="champion",
        pattern=ALIAS,
        description="Alias that marks the version in production; a promotion moves it.",
        examples=["production"],
    )
    on_hold: Literal["upload", "skip"] = Field(
        default="upload",
        description="What happens to a model that the gate holds back: 'upload' keeps it as a "
        "version without the alias, so that a person may promote it; 'skip' keeps nothing.",
    )

    serving_image: str = Field(
        default="",
        description="Image that a version runs in when it is deployed to an endpoint of "
        "Vertex AI; empty: the versions are registered, and cannot be deployed as they are.",
        examples=["europe-west2-docker.pkg.dev/my-project/retrain/retrain-serve:3f2a91c"],
    )

    @field_validator("alias")
    @classmethod
    def _not_reserved(cls, alias: str) -> str:
        if alias in RESERVED:
            raise ValueError(f"{alias!r} is reserved by the registry: choose another alias")
        return alias


class DueSettings(Settings):
    """When a scheduled run trains; otherwise it ends well at once."""

    min_new_examples: int = Field(
        default=1,
        ge=1,
        description="New or corrected accepted annotations since the model in production that "
        "make a scheduled run train.",
        examples=[50],
    )
    max_age_days: int | None = Field(
        default=None,
        ge=1,
        description="Age of the model in production at which a scheduled run trains with fewer "
        "new annotations; unset: age does not matter.",
        examples=[90],
    )
