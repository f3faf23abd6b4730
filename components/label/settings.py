"""What a phase may say about its teacher."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from components.records.pool_settings import TextFiles, TextKey
from components.settings import Settings

Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class LabelSettings(Settings):
    """What becomes of the texts that a teacher has answered."""

    accept: Probability | None = Field(
        None,
        description="confidence from which an answer counts as certain; less certain texts go to "
        "`review`. null: every answer does, and nothing is asked for its confidence",
        examples=[0.95],
    )
    skip: Probability = Field(
        0.0,
        description="confidence below which a text is not worth a review",
        examples=[0.5],
    )
    keep: Literal["all", "accepted"] = Field(
        "all",
        description="which answers are learnt: all of them, or only those of `accept`. All were "
        "better wherever it was measured",
    )
    review: int = Field(
        200,
        ge=0,
        description="texts for review at most between `skip` and `accept`, the least certain first",
    )
    audit: int = Field(
        100,
        ge=0,
        description="accepted texts, drawn at random, that go to review among the others: what "
        "annotators say of them is the teacher's measured precision",
    )
    seed: int = Field(0, description="seed of the draw")

    @model_validator(mode="after")
    def thresholds_agree(self) -> Self:
        """Refuse thresholds that leave nothing between them, or mean nothing."""
        if self.accept is None and (self.skip or self.keep == "accepted"):
            raise ValueError(
                "skip and keep: accepted need `accept`: without it every answer counts as certain"
            )
        if self.accept is not None and self.skip > self.accept:
            raise ValueError(f"skip ({self.skip}) must not be above accept ({self.accept})")
        return self


class TeacherSettings(LabelSettings):
    """A model whose answers the phase's own model learns beside the annotations."""

    phase: str = Field(
        "",
        description="the phase whose model in production teaches; it runs first",
        examples=["big"],
    )
    model: str = Field(
        "",
        description="in its place: a folder with a spaCy pipeline, relative to this file, gs://…, "
        "or a model of the registry: NAME (its alias champion), NAME@VERSION, NAME@ALIAS",
        examples=["ner-big@champion"],
    )
    texts: TextFiles
    text: TextKey = ""

    @model_validator(mode="after")
    def one_teacher(self) -> Self:
        """Refuse none, and two."""
        if bool(self.phase) == bool(self.model):
            raise ValueError("give `phase`, or `model`, and not both")
        return self

    @property
    def labelling(self) -> LabelSettings:
        """What the stage itself is given."""
        return LabelSettings(**self.model_dump(include={*LabelSettings.model_fields}))
