"""The command lines with which Prodigy asks for the tasks of a phase."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from components.tasks.base import TaskSettings

RECIPES = {"ner": "ner.manual", "spans": "spans.manual", "textcat": "textcat.manual"}
OF_QUEUE = Path(__file__).with_name("retrain_prodigy.py")


def commands(
    tasks: Sequence[TaskSettings], phase: str, language: str, texts: str = "texts.jsonl"
) -> Iterator[str]:
    """A command line for each task; for one that no recipe of Prodigy's asks for, why not.

    Args:
        phase: its name is the first part of those of the datasets.
        texts: the file that they read.
    """
    for task in tasks:
        recipe = RECIPES.get(task.kind)
        if recipe is None:
            yield f"# {task.name}: no recipe of Prodigy's own asks for a task of kind {task.kind}"
            continue
        if any("," in label for label in task.labels):
            yield (
                f"# {task.name}: a label has a comma: write the labels into labels.txt, one a "
                "line, and give that file to --label"
            )
        model = [] if task.kind == "textcat" else [f"blank:{language}"]
        exclusive = task.kind == "textcat" and task.model_dump().get("exclusive", True)
        words = [
            *("prodigy", recipe, f"{phase}-{task.name}", *model, texts),
            *("--label", ",".join(task.labels)),
            *(["--exclusive"] if exclusive else []),
        ]
        yield shlex.join(words)


def command_of_queue(tasks: Sequence[TaskSettings], phase: str, queue: str) -> str:
    """The command line that opens what `retrain queue` chose, for all tasks at once."""
    marking = [task for task in tasks if task.kind in ("ner", "spans")]
    labels = ",".join(label for task in marking[:1] for label in task.labels)
    words = [
        *("prodigy", "retrain.queue", phase, queue),
        *(["--label", labels] if labels else []),
        *(["--overlapping"] if marking and marking[0].kind == "spans" else []),
        *("-F", str(OF_QUEUE)),
    ]
    return shlex.join(words)
