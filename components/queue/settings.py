"""What a phase says of the texts that wait to be labelled."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from components.settings import Settings

Tool = Literal["prodigy", "labelstudio"]
TOOLS: tuple[Tool, ...] = get_args(Tool)
NUMBER = 200


class QueueSettings(Settings):
    """Texts that nobody has labelled, and how many of them each run puts up for labelling."""

    texts: list[str] = Field(
        min_length=1,
        description="paths, globs or gs:// of the pool: .jsonl, .txt, .csv or .tsv, each also with "
        ".gz behind it; relative to this file",
        examples=[["pool/*.jsonl.gz"]],
    )
    text: str = Field(
        "",
        description="the key or column of the text; empty: text, or what else is usual",
        examples=["body"],
    )
    number: int = Field(NUMBER, ge=1, description="how many texts are chosen")
    format: Tool = Field("prodigy", description="the tool that they are for")
    seed: int = Field(0, ge=0, description="draws other random texts")
