"""What a phase may say about training, beside its spaCy config."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.settings import Settings


class TrainSettings(Settings):
    """How training runs. What it learns, and how, is in the spaCy config."""

    device: Literal["auto", "cpu", "gpu"] = Field(
        "auto", description="auto: a GPU if there is one; gpu: stop where there is none"
    )
    checkpoint_every: int = Field(
        500, ge=0, description="steps between checkpoints; 0: none by steps"
    )
    checkpoint_minutes: float = Field(
        10.0,
        ge=0,
        description="minutes between checkpoints, whichever comes first; 0: none by time",
    )
    checkpoint_share: float = Field(
        0.025, gt=0, le=1, description="largest fraction of the time that checkpoints may take"
    )
