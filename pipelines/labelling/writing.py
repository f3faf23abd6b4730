"""A labelling config for Label Studio that asks for the tasks of a phase."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from components.errors import ConfigError
from components.tasks.base import TaskSettings

# As Label Studio's own templates: light enough that the text stays readable.
COLOURS = ("#ffd54f", "#81d4fa", "#a5d6a7", "#ef9a9a", "#ce93d8", "#ffcc80", "#80cbc4", "#bcaaa4")
KINDS = ("ner", "spans", "textcat", "assertion")


def labelling_config(tasks: Sequence[TaskSettings], text: str = "text") -> str:
    """The XML of a project in which people answer all tasks of a phase.

    Args:
        text: the field of the data that holds the text.

    Raises:
        ConfigError: a task is of a kind that Label Studio is not known to ask for, or goes by the
            name of another there.
    """
    for task in tasks:
        if task.kind not in KINDS:
            raise ConfigError(
                f"tasks.{task.name}: how annotators are asked about a task of kind {task.kind} is "
                f"yours to say; a labelling config is written for {', '.join(KINDS)}."
            )
    refuse_same_names(tasks)
    marking = [task for task in tasks if task.kind in ("ner", "spans")]
    asking = [task for task in tasks if task.kind not in ("ner", "spans")]
    lines = [
        "<View>",
        *(line for task in marking for line in labels(task)),
        "  " + element("Text", {"name": "text", "value": f"${text}"}, closed=True),
        *(line for task in asking for line in choices(task)),
        "</View>",
    ]
    return "\n".join(lines) + "\n"


def refuse_same_names(tasks: Sequence[TaskSettings]) -> None:
    """Refuse two controls of one name: Label Studio does, and no export could tell them apart.

    Raises:
        ConfigError: saying which.
    """
    taken = {"text": "the text itself"}
    for task in tasks:
        name = control_name(task)
        if name in taken:
            setting = {"assertion": "key", "textcat": "question"}.get(task.kind)
            remedy = f"give it a `{setting}` of its own" if setting else "rename the task"
            raise ConfigError(
                f"tasks.{task.name}: in Label Studio it would be called {name!r}, as "
                f"{taken[name]} is: {remedy}."
            )
        taken[name] = f"tasks.{task.name}"


def control_name(task: TaskSettings) -> str:
    """The name by which an export says what was answered."""
    described = task.model_dump()
    return str(described.get("question") or described.get("key") or task.name)


def labels(task: TaskSettings) -> Iterator[str]:
    """The control that marks spans.

    Label Studio lets spans overlap in any case; `kind` is for `retrain init`, which reads it again.
    """
    kind = {"kind": task.kind} if task.kind != "ner" else {}
    yield "  " + element("Labels", {"name": task.name, "toName": "text", **kind})
    for number, label in enumerate(task.labels):
        colour = {"background": COLOURS[number % len(COLOURS)]}
        yield "    " + element("Label", {"value": label, **colour}, closed=True)
    yield "  </Labels>"


def choices(task: TaskSettings) -> Iterator[str]:
    """The control that asks about the whole text, or about each entity."""
    described: Mapping[str, Any] = task.model_dump()
    several = task.kind == "textcat" and not described.get("exclusive", True)
    name = control_name(task)  # where it is not the task's, `task` says that
    about = {"name": name, "toName": "text", "choice": "multiple" if several else "single"}
    if task.kind == "assertion":
        about |= {"perRegion": "true", "whenTagName": described["of"]}
    if name != task.name:
        about["task"] = task.name
    yield "  " + element("Choices", about)
    for label in task.labels:
        chosen = {"selected": "true"} if label == described.get("default") else {}
        yield "    " + element("Choice", {"value": label, **chosen}, closed=True)
    yield "  </Choices>"


def element(tag: str, attributes: Mapping[str, str], *, closed: bool = False) -> str:
    """The start of an element, or all of one that is empty."""
    given = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return f"<{tag}{given}/>" if closed else f"<{tag}{given}>"
