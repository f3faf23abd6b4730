"""Settings that say where texts are that nobody has annotated."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

TextFiles = Annotated[
    list[str],
    Field(
        min_length=1,
        description="files of texts: .jsonl, .txt, .csv or .tsv, packed (.gz) or not; paths, globs "
        "or gs://, relative to this file",
        examples=[["pool/*.jsonl.gz"]],
    ),
]
TextKey = Annotated[
    str,
    Field(
        description="the key or column of the text; empty: text, or what else is usual",
        examples=["body"],
    ),
]
