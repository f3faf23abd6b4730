"""What a phase's annotators are asked about."""

from __future__ import annotations

from collections.abc import Sequence

from components.answers.formats import Asked
from components.tasks.base import Task


def asked_of(tasks: Sequence[Task]) -> Asked:
    """What annotators are asked about, by the names of the config."""
    described = {task.name: task.described.model_dump() for task in tasks}
    names = {
        name: str(each.get("question") or each.get("key"))
        for name, each in described.items()
        if each.get("question") or each.get("key")
    }
    return Asked(
        entities=next((task.name for task in tasks if task.place == "ents"), ""),
        spans=tuple(task.name for task in tasks if task.place == "spans" and not task.of),
        classes={
            task.name: (task.labels, bool(described[task.name].get("exclusive", True)))
            for task in tasks
            if task.place == "cats"
        },
        names=names,
    )
