"""What a phase says of the texts that wait to be labelled."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from components.records.pool_settings import TextFiles, TextKey
from components.settings import Settings

Tool = Literal["prodigy", "labelstudio"]
TOOLS: tuple[Tool, ...] = get_args(Tool)
NUMBER = 200


class QueueSettings(Settings):
    """Texts that nobody has labelled, and how many of them each run puts up for labelling."""

    texts: TextFiles
    text: TextKey = ""
    number: int = Field(NUMBER, ge=1, description="how many texts are chosen")
    format: Tool = Field("prodigy", description="the tool that they are for")
    seed: int = Field(0, ge=0, description="draws other random texts")
