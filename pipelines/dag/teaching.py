"""The part of a phase's branch that only a phase with a teacher has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kfp import dsl

from pipelines.config.schema import Phase
from pipelines.dag.resources import StageTasks, plain


@dataclass(frozen=True)
class Taught:
    """What the stages behind `split` are given; without a teacher what `split` made.

    Attributes:
        train_set, splits_digest, assignment: in the place of `split`'s.
        to_evaluate, to_upload: further inputs of these stages.
    """

    train_set: Any
    splits_digest: Any
    assignment: Any
    to_evaluate: Mapping[str, Any] = field(default_factory=dict)
    to_upload: Mapping[str, Any] = field(default_factory=dict)


def taught(
    stage: StageTasks,
    phase: Phase,
    data: dict[str, Any],
    splits: Mapping[str, Any],
    annotations: Any,
    checkpoints: Any,
) -> Taught:
    """Let the teacher of a phase, if it has one, answer its texts.

    Args:
        data: outputs of `ingest`, `splits` those of `split`.
        annotations: what `ingest` kept of them.
    """
    settings = phase.teacher
    if settings is None:
        return Taught(splits["train_set"], splits["splits_digest"], splits["assignment"])
    teacher = {
        "teacher": stage.stored(data, "teacher", dsl.Model),
        "teacher_digest": data["teacher_digest"],
        "teacher_version": data["teacher_version"],
    }
    labelled = stage(
        "label",
        tasks=[task.model_dump() for task in phase.all_tasks],
        **teacher,
        texts=data["text_files"],
        texts_digest=data["texts_digest"],
        text=settings.text,
        train_set=splits["train_set"],
        dev_set=splits["dev_set"],
        test_set=splits["test_set"],
        splits_digest=splits["splits_digest"],
        assignment=splits["assignment"],
        group_by=phase.split.group_by,
        settings=plain(settings.labelling),
        checkpoints=checkpoints,
    )
    return Taught(
        labelled["taught_set"],
        labelled["taught_digest"],
        labelled["taught_assignment"],
        to_evaluate={
            **teacher,
            "teacher_assignment": stage.stored(data, "teacher_assignment", dsl.Artifact),
        },
        to_upload={
            "teacher_digest": data["teacher_digest"],
            "texts_digest": data["texts_digest"],
            "label_report": labelled["label_report"],
            "audit": labelled["audit"],
            "annotations": annotations,
        },
    )
