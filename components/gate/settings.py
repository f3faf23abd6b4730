"""The gate's policy: what a model must show before it goes into production."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field

from components.settings import Settings, parse

Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class MaxDrop(Settings):
    """How far F may fall below the champion's; only a fall larger than noise counts."""

    overall: Fraction = Field(
        default=0.005, description="largest fall of overall F; 0.005 is half a point"
    )
    per_label: Fraction = Field(default=0.03, description="largest fall of any one label's F")
    per_language: Fraction = Field(
        default=0.03, description="largest fall of F in any one language, by meta.lang"
    )


class GateSettings(Settings):
    """What a model must score to go into production. Scores are fractions: 0.75 is F 75."""

    min_f: Fraction = Field(default=0.5, description="lowest overall F on test", examples=[0.75])
    min_f_per_label: Fraction | dict[str, Fraction] = Field(
        default={},
        description="lowest F per label: one number for all, or {LABEL: number}",
        examples=[{"MONEY": 0.8}],
    )
    min_f_per_language: Fraction | dict[str, Fraction] = Field(
        default={},
        description="lowest overall F per language, by meta.lang: one number for all, or "
        "{LANGUAGE: number}",
        examples=[{"da": 0.7}],
    )
    min_macro_f: Fraction | None = Field(
        default=None,
        description="lowest mean F over the labels in test, of tasks that classify",
        examples=[0.7],
    )
    max_ece: Fraction | None = Field(
        default=None,
        description="largest expected calibration error on test, of tasks that classify",
        examples=[0.05],
    )
    min_teacher_precision: Fraction | None = Field(
        default=None,
        description="lowest share of the audited texts that annotators found the teacher right in; "
        "counts once `min_support` of them are reviewed",
        examples=[0.9],
    )
    required_labels: list[str] = Field(
        default=[],
        description="labels that the test set must hold often enough to be scored",
        examples=[["MONEY", "DATE"]],
    )
    max_drop: MaxDrop = Field(default=MaxDrop(), description="largest fall against the champion")
    min_improvement: Fraction = Field(
        default=0.005,
        description="a rise of overall F smaller than this counts as equal: another seed alone "
        "moves F by about half a point",
    )
    min_support: int = Field(
        default=10,
        ge=1,
        description="entities that a label or language needs in test before its F counts",
    )
    max_interval: Fraction = Field(
        default=0.2,
        description="widest 95 % interval of overall F; a wider one means too small a test set",
    )
    max_quarantined: Fraction = Field(
        default=0.1,
        description="largest fraction of the annotations that ingest may have set aside",
    )
    on_equal: Literal["promote", "hold"] = Field(
        default="hold", description="what to do with a model that is neither better nor worse"
    )
    mode: Literal["enforce", "report-only"] = Field(
        default="enforce",
        description="report-only: say what would be held, and promote all the same",
    )
    tasks: dict[str, dict[str, Any]] = Field(
        default={},
        description="by task, where there are several: the keys above that differ for it",
        examples=[{"topic": {"min_f": 0.6}}],
    )

    def of(self, task: str) -> GateSettings:
        """The policy for one task.

        Raises:
            ConfigError: what is otherwise for it is wrong.
        """
        changed = {**self.model_dump(exclude={"tasks"}), **self.tasks.get(task, {})}
        return parse(GateSettings, json.dumps(changed), f"gate.tasks.{task}")
