"""Settings of `ingest`: what to select and what to do with bad input."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from components.records.record import composed
from components.settings import Settings

Answer = Literal["accept", "reject", "ignore"]


def spelt(value: Any) -> str:
    """A value of a record's meta as JSON spells it (`true` and "true" are one); a text as is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


Label = Annotated[str, AfterValidator(composed)]
FilterValue = Annotated[str, BeforeValidator(spelt)]


class Select(Settings):
    """Which annotations to train on. Everything left out is counted in the data report."""

    answers: tuple[Answer, ...] = Field(
        default=("accept",), min_length=1, description="answers to keep", examples=[["accept"]]
    )
    annotators: tuple[str, ...] = Field(
        default=(),
        description="annotators by priority: whose annotation of a text wins; empty: a vote",
        examples=[["ada", "bob"]],
    )
    reviewed: bool = Field(default=False, description="keep only what a reviewer accepted")
    include: dict[str, tuple[FilterValue, ...]] = Field(
        default={},
        description="keep only records whose key (meta.doc_type, tags) has one of these values",
        examples=[{"meta.doc_type": ["guide", "form"]}],
    )
    exclude: dict[str, tuple[FilterValue, ...]] = Field(
        default={},
        description="leave out records whose key has one of these values",
        examples=[{"tags": ["draft"]}],
    )
    since: date | None = Field(
        default=None, description="first day of annotation (UTC)", examples=["2025-01-01"]
    )
    until: date | None = Field(
        default=None, description="last day of annotation (UTC)", examples=["2025-12-31"]
    )
    rename: dict[Label, Label] = Field(
        default={},
        description="label in the annotations: label here",
        examples=[{"COMPANY": "ORG"}],
    )
    drop: tuple[Label, ...] = Field(
        default=(),
        description="labels (after renaming) whose spans are left out",
        examples=[["MISC"]],
    )
    keep: tuple[Label, ...] = Field(
        default=(),
        description="labels (after renaming) to keep, dropping all others; empty: all",
        examples=[["ORG", "PERSON"]],
    )

    @model_validator(mode="after")
    def check(self) -> Self:
        """Refuse choices that contradict each other, or would teach what nobody said."""
        untrue = sorted({*self.answers} - {"accept"})
        if untrue:
            raise ValueError(
                f"answers: {', '.join(untrue)}: whoever rejected or ignored a document did not say "
                "that its spans are right, so it cannot be trained on. What yes-or-no answers "
                "reject is always used, as what a span is not: write answers: [accept]"
            )
        both = sorted({*self.keep} & {*self.drop})
        if both:
            raise ValueError(f"labels in both keep and drop: {', '.join(both)}")
        if self.since and self.until and self.since > self.until:
            raise ValueError(f"since ({self.since}) is after until ({self.until})")
        for key in (*self.include, *self.exclude):
            if key != "tags" and not key.startswith("meta."):
                raise ValueError(f"include and exclude know `tags` and `meta.KEY`, not {key!r}")
        return self


class IngestSettings(Settings):
    """Which annotations to use, and how strict to be; docs/data.md explains each problem."""

    select: Select = Select()
    misaligned: Literal["expand", "contract", "quarantine"] = Field(
        default="expand", description="a span that starts or ends inside a token"
    )
    overlap: Literal["longest", "first", "quarantine"] = Field(
        default="longest", description="which of two overlapping spans stays"
    )
    conflicts: Literal["majority", "fail"] = Field(
        default="majority",
        description="annotators who disagree on a text, when neither review nor priority decides",
    )
    required: Literal["all"] | tuple[Label, ...] = Field(
        default="all",
        description="labels that must have examples in two documents; other labels only warn",
        examples=[["ORG"]],
    )
    max_quarantined: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="fraction of the records that may be in quarantine; more stop the run",
    )
    max_moved: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="fraction of a label's spans that may cut a token; more stop the run",
    )
    max_record: int = Field(
        default=16_000_000, gt=0, description="bytes in one record; a longer one stops the run"
    )
    max_unpacked: float = Field(
        default=200, gt=1, description="how many times its own size a packed file may unpack to"
    )
    language: str = Field(
        default="en",
        description="spaCy language whose tokeniser is used where tokens are missing",
        examples=["de"],
    )
