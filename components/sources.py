"""Where annotations come from: what the config says about a source."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from components.settings import Settings

Format = Literal["auto", "prodigy", "labelstudio", "conll", "iob", "docbin"]


class Source(Settings):
    """Annotation files: a path, a glob or a gs:// URL, plain or .gz. A bare string is its path."""

    path: str = Field(min_length=1, description="a path, a glob or gs://bucket/prefix/*.jsonl")
    format: Format = Field(default="auto", description="auto tells the formats apart by content")

    @model_validator(mode="before")
    @classmethod
    def from_string(cls, value: Any) -> Any:
        """Let `annotations: [a.jsonl]` stand for `annotations: [{path: a.jsonl}]`."""
        return {"path": value} if isinstance(value, str) else value
