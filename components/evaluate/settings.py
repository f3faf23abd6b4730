"""Settings of the evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from components.settings import Settings


class EvaluateSettings(Settings):
    """How the scores are taken; the defaults suit test sets from a hundred documents up."""

    batch_size: int = Field(default=128, ge=1, description="documents per batch while predicting")
    resamples: int = Field(
        default=1000, ge=100, le=100_000, description="bootstrap resamples behind every interval"
    )
    seed: int = Field(default=0, ge=0, description="seed of the bootstrap")
    slices: list[str] = Field(
        default=["doc_type"],
        description="meta keys by whose values the scores are broken down, e.g. doc_type",
        examples=[["doc_type", "source"]],
    )
    group_by: str | None = Field(
        default=None,
        description="key whose records of one value are drawn together for intervals; left out: "
        "that of split",
        examples=["meta.base_path"],
    )


def settings_of(scores: Mapping[str, Any]) -> EvaluateSettings:
    """The settings that scores were taken with; the defaults where older ones do not say."""
    return EvaluateSettings.model_validate(scores.get("settings", {}))
