"""What a phase may say about its split."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from components.settings import Settings


class SplitSettings(Settings):
    """How a phase's documents are assigned to train, dev and test."""

    dev: float = Field(
        0.1, ge=0, lt=1, description="fraction of the documents on which the best step is chosen"
    )
    test: float = Field(
        0.2, ge=0, lt=1, description="fraction of the documents that the model is scored on"
    )
    group_by: str = Field(
        "",
        pattern=r"^(meta(\.[^.]+)+)?$",
        description="key whose equal values keep records on one split, such as meta.base_path; "
        "empty: none. Records with the same text always stay together.",
        examples=["meta.base_path"],
    )
    near_duplicates: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Jaccard similarity from which two texts stay on one split; 0: not looked for",
        examples=[0.8],
    )
    seed: int = Field(0, description="seed of the hash that assigns groups to splits")
    reshuffle: bool = Field(
        False, description="start afresh: no document keeps the split of the previous run"
    )

    @model_validator(mode="after")
    def leaves_something_to_train_on(self) -> Self:
        """Refuse fractions that leave no train split."""
        if self.dev + self.test >= 1:
            raise ValueError(
                f"dev ({self.dev}) and test ({self.test}) leave nothing to train on: "
                "their sum must be under 1"
            )
        return self

    @property
    def fractions(self) -> tuple[float, float, float]:
        """Fractions of train, dev and test."""
        return 1 - self.dev - self.test, self.dev, self.test
