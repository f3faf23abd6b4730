"""What the server takes and gives, as Vertex AI's contract for custom containers has it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from components.answers.findings import Findings


class Instance(BaseModel):
    """A text and whatever its sender wants back with the prediction."""

    model_config = ConfigDict(extra="forbid")

    text: str
    meta: dict[str, Any] | None = None


class Parameters(BaseModel):
    """How to predict; Vertex AI sends null where a caller says nothing."""

    model_config = ConfigDict(extra="forbid")

    phases: list[str] | None = Field(
        None, min_length=1, description="only these phases; all when left out"
    )
    confidence: bool = Field(False, description="say how sure the models are; takes more time")


class Request(BaseModel):
    """The body of a prediction request."""

    model_config = ConfigDict(extra="forbid")

    instances: list[str | Instance]
    parameters: Parameters | None = None

    def texts(self) -> list[str]:
        """The text of each instance, in order."""
        return [one if isinstance(one, str) else one.text for one in self.instances]

    def metas(self) -> list[dict[str, Any] | None]:
        """What came with each instance, in order."""
        return [None if isinstance(one, str) else one.meta for one in self.instances]


class Prediction(Findings):
    """What the models say about one instance, and the version of each model that was asked."""

    versions: dict[str, str]
    meta: dict[str, Any] | None = None


class Response(BaseModel):
    """The body of an answer: one prediction per instance, in the same order."""

    predictions: list[Prediction]
