"""What models say of one text, as the server answers and `retrain predict` writes it."""

from __future__ import annotations

from pydantic import BaseModel


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
