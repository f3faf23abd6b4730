"""What a phase may say about its corpora."""

from __future__ import annotations

from pydantic import Field

from components.settings import Settings


class ConvertSettings(Settings):
    """How records become the `.spacy` files that training reads."""

    language: str = Field(
        "en",
        min_length=2,
        description="spaCy language whose tokeniser training uses",
        examples=["de"],
    )
    window_words: int = Field(
        1000,
        ge=0,
        description="longest document in words: a longer one becomes windows of at most this "
        "length, longer only where an entity would be cut; 0: no limit",
    )
    shard_megabytes: int = Field(
        4, ge=1, le=512, description="annotations read into one file of the corpus, in 10^6 bytes"
    )
    workers: int = Field(
        0,
        ge=0,
        description="processes; 0: as many as OMP_NUM_THREADS, or the cores, if there is enough "
        "work. The result is the same whatever their number",
        examples=[2],
    )
