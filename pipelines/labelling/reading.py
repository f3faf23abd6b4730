"""The tasks that a labelling config of Label Studio or Annotation Lab asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.answers.markup import Element, parse
from components.errors import ConfigError
from components.tasks import ClashError, checked, refuse_clashes, task_of
from components.tasks.base import TaskSettings

LABELS = ("Labels", "HyperTextLabels", "ParagraphLabels")
TEXTS = ("Text", "HyperText", "Paragraphs")
RELATIONS = ("Relations", "Relation")
ENTITIES, STATUS = "entities", "status"

Tasks = dict[str, dict[str, Any]]


@dataclass
class Project:
    """What a labelling config asks for.

    Attributes:
        tasks: name -> what a config of retrain says of it.
        lines: name of a task -> where it stands.
        left_out: what no task is made of, and why.
    """

    source: str
    tasks: Tasks = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def add(self, name: str, line: int, **settings: Any) -> str:
        """Add a task; its name, which no other has."""
        unique, number = name, 2
        while unique in self.tasks:
            unique, number = f"{name}-{number}", number + 1
        self.tasks[unique] = settings
        self.lines[unique] = line
        return unique

    def leave_out(self, element: Element, why: str) -> None:
        self.left_out.append(f"{shown(element)} in line {element.line}: {why}")


def is_labelling_config(path: Path) -> bool:
    """Whether a file is XML; no format of annotations that is read is."""
    with path.open("rb") as file:
        return file.read(1000).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def read(content: bytes, source: str) -> Project:
    """The tasks of a labelling config.

    Raises:
        ConfigError: it is no XML, asks for nothing that is learnt, or for relations.
    """
    root = parse(content, source)
    project = Project(source)
    elements = list(root.walk())
    texts = {one.get("name") for one in elements if one.tag in TEXTS}
    of_regions = []
    for element in elements:
        if element.tag in RELATIONS:
            raise ConfigError(
                f"{source}:{element.line}: {shown(element)}: relations between spans are learnt by "
                "no kind of task. Take <Relations> out of a copy of the file, and give that; "
                "annotations that have some are read without them."
            )
        if not element.get("toName"):
            continue
        if element.tag not in (*LABELS, "Choices"):
            project.leave_out(element, "no kind of task learns it")
        elif element.get("train") == "false":
            project.leave_out(element, 'train="false"')
        elif not texts.intersection(element.get("toName").split(",")):
            project.leave_out(element, "it is not about a text")
        elif element.tag in LABELS:
            add_labels(project, element)
        elif element.get("perRegion") == "true":
            of_regions.append(element)
        else:
            add_classes(project, element)
    for element in of_regions:
        add_status(project, element)
    check(project)
    return project


def shown(element: Element) -> str:
    """An element as a reader finds it again."""
    name = element.get("name")
    return f'<{element.tag} name="{name}">' if name else f"<{element.tag}>"


def add_labels(project: Project, element: Element) -> None:
    """The spans that a control marks, and the status of these that Annotation Lab marks beside."""
    labels: list[str] = []
    statuses: list[str] = []
    for label in element.walk():
        if label.tag == "Label":
            into = statuses if label.get("assertion") == "true" else labels
            into.append(value_of(label, project.source))
    if not labels and not statuses:
        raise ConfigError(dynamic(element, project.source))
    of = ""
    if labels:
        first = all(task["kind"] != "ner" for task in project.tasks.values())
        # What another control marks may well overlap it.
        overlapping = element.get("kind") == "spans" or not first
        kind, usual = ("spans", "spans") if overlapping else ("ner", ENTITIES)
        of = project.add(task_name(element, usual), element.line, kind=kind, labels=labels)
    if statuses:
        of = of or entity_task(project, element)
        project.add(STATUS, element.line, kind="assertion", of=of, labels=statuses)


def add_classes(project: Project, element: Element) -> None:
    """The classes of whole texts that a control asks for."""
    labels = choices_of(element, project.source)
    question = {"question": element.get("name")} if element.get("task") else {}
    exclusive = element.get("choice") != "multiple" and len(labels) > 1
    name = task_name(element, "classes")
    project.add(name, element.line, kind="textcat", exclusive=exclusive, **question, labels=labels)


def add_status(project: Project, element: Element) -> None:
    """What a control asks of each marked span."""
    labels = choices_of(element, project.source)
    of = slug(element.get("whenTagName"))
    if project.tasks.get(of, {}).get("kind") != "ner":
        of = entity_task(project, element)
    settings: dict[str, Any] = {"of": of, "key": element.get("name"), "labels": labels}
    chosen = [one for one in element.walk() if one.get("selected") == "true"]
    if chosen:
        settings["default"] = value_of(chosen[0], project.source)
    project.add(task_name(element, STATUS), element.line, kind="assertion", **settings)


def task_name(element: Element, usual: str) -> str:
    """The name of a control's task: its own, unless that says nothing.

    `task` is what `retrain labelling` writes where the control has another name.
    """
    name = slug(element.get("task") or element.get("name"))
    return usual if name in ("", "label", "choice") else name


def choices_of(element: Element, source: str) -> list[str]:
    """The values of a control's choices."""
    labels = [value_of(one, source) for one in element.walk() if one.tag == "Choice"]
    if not labels:
        raise ConfigError(dynamic(element, source))
    return labels


def entity_task(project: Project, element: Element) -> str:
    """The task whose entities have a status."""
    found = next((name for name, task in project.tasks.items() if task["kind"] == "ner"), "")
    if not found:
        raise ConfigError(
            f"{project.source}:{element.line}: {shown(element)}: it says something of marked "
            "spans, and no <Labels> before it marks any."
        )
    return found


def dynamic(element: Element, source: str) -> str:
    """What to say of a control without labels of its own."""
    return (
        f"{source}:{element.line}: {shown(element)} has no labels of its own"
        + (f": it takes them from {element.get('value')}" if element.get("value") else "")
        + ". Write them into the file, one element each."
    )


def value_of(element: Element, source: str) -> str:
    """What annotations say for a label or a choice: its alias, if it has one.

    Raises:
        ConfigError: it has no value.
    """
    value = (element.get("alias") or element.get("value")).strip()
    if not value:
        raise ConfigError(f"{source}:{element.line}: <{element.tag}> has no value.")
    return value


def slug(name: str) -> str:
    """A name that a task may have; "" if nothing is left of it."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60].strip("-")
    return plain if plain[:1].isalpha() else ""


def check(project: Project) -> None:
    """Make sure that retrain can learn these tasks beside each other.

    Raises:
        ConfigError: it can't, with the line.
    """
    if not project.tasks:
        raise ConfigError(
            f"{project.source}: no <Labels> or <Choices> of a text that can be learnt"
            + "".join(f"; {one}" for one in project.left_out)
            + "."
        )
    try:
        refuse_clashes([task_of(one) for one in settings_of(project)])
    except ClashError as error:
        line = project.lines[error.task]
        raise ConfigError(f"{project.source}:{line}: {error.task}: {error.why}.") from error


def settings_of(project: Project) -> Iterator[TaskSettings]:
    """The settings of each task.

    Raises:
        ConfigError: its kind wants others, with the line.
    """
    for name, task in project.tasks.items():
        try:
            yield checked(TaskSettings(name=name, **task))
        except ValueError as error:  # pydantic's is one
            why = str(error).splitlines()
            raise ConfigError(
                f"{project.source}:{project.lines[name]}: {name}: {' '.join(why[1:3]).strip()}"
            ) from error
