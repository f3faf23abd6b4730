"""What the server takes and gives, as Vertex AI's contract for custom containers has it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


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


class Status(BaseModel):
    """What the text says of an entity, such as that it is absent; `confidence` as in Entity."""

    label: str
    confidence: float | None = None


class Entity(BaseModel):
    """An entity: character offsets into the instance's text, end exclusive.

    `confidence` (0 to 1) is left out where nobody asked for it, or the model gives none;
    `statuses`, by task, where the model says none.
    """

    text: str
    label: str
    start: int
    end: int
    phase: str
    confidence: float | None = None
    statuses: dict[str, Status] | None = None


class LabelledSpan(Entity):
    """A span that may overlap others; `task` is the group of `doc.spans` that it is in."""

    task: str


class Classes(BaseModel):
    """What one classifier says of an instance's text as a whole.

    `labels` are those that it says: one of several, or of any those that reach the threshold that
    training chose; none, and no `scores`, of a text without a word. `calibrated` is left out where
    the model does not say, `task` where it has no name.
    """

    phase: str
    task: str | None = None
    labels: list[str]
    scores: dict[str, float]
    calibrated: bool | None = None


class Findings(BaseModel):
    """What the models say about a text.

    `spans` is left out where none of them finds spans that may overlap, `classes` where none
    classifies.
    """

    entities: list[Entity]
    spans: list[LabelledSpan] | None = None
    classes: list[Classes] | None = None


class Prediction(Findings):
    """What the models say about one instance, and the version of each model that was asked."""

    versions: dict[str, str]
    meta: dict[str, Any] | None = None


class Response(BaseModel):
    """The body of an answer: one prediction per instance, in the same order."""

    predictions: list[Prediction]
