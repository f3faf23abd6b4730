"""What a phase may say about training, beside its spaCy config."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.settings import Settings


class TrainSettings(Settings):
    """How training runs. What it learns, and how, stands in the spaCy config."""

    device: Literal["auto", "cpu", "gpu"] = Field(
        "auto", description="auto: a GPU if there is one; gpu: stop where there is none"
    )
