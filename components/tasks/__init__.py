"""The kinds of tasks, and the tasks of a phase.

A kind is a module that defines `Kind`, a `components.tasks.base.Task`. One of ours goes by its
name; any other by the dotted name of its module, which must be importable wherever a stage runs.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from components.errors import ConfigError
from components.settings import parse
from components.tasks.base import Task, TaskSettings

KINDS = ("ner", "textcat")


def module_of(kind: str) -> str:
    """The module that defines a kind."""
    # Put together here, so that no stage counts every kind among its code: see own_code.
    return kind if "." in kind else ".".join([__name__, kind])


def kind_of(kind: str) -> type[Task]:
    """The class of a kind.

    Raises:
        ConfigError: there is no such kind.
    """
    if "." not in kind and kind not in KINDS:
        raise ConfigError(
            f"task: no such kind {kind!r}; there is {', '.join(KINDS)}, or the dotted name of a "
            "module of yours."
        )
    try:
        adapter = importlib.import_module(module_of(kind)).Kind
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"task: the kind {kind!r} can't be loaded: {error}. Install its module in the image, "
            "or put its folder on PYTHONPATH; it must define `Kind`."
        ) from error
    if not (isinstance(adapter, type) and issubclass(adapter, Task)):
        raise ConfigError(f"task: {kind}.Kind is no subclass of components.tasks.base.Task.")
    return adapter


def checked(settings: TaskSettings) -> TaskSettings:
    """The settings, as their kind wants them.

    Raises:
        ConfigError: there is no such kind.
        pydantic.ValidationError: they are not as it wants them.
    """
    return kind_of(settings.kind).settings.model_validate(settings.model_dump())


def task_of(settings: TaskSettings) -> Task:
    """One task of a phase."""
    return kind_of(settings.kind)(settings)


def tasks_of(text: str) -> tuple[Task, ...]:
    """The tasks that `--tasks` holds, a JSON list of TaskSettings.

    Raises:
        ConfigError: it is something else, or two of them cannot share a document.
    """
    try:
        tasks = tuple(task_of(checked(each)) for each in parse(list[TaskSettings], text, "--tasks"))
    except ValueError as error:  # pydantic's is one
        raise ConfigError(f"--tasks: {error}") from error
    if not tasks:
        raise ConfigError("--tasks: give at least one task")
    refuse_clashes(tasks)
    return tasks


def refuse_clashes(tasks: Iterable[Task]) -> None:
    """Refuse tasks that would write over each other's answers in a spaCy Doc.

    Raises:
        ConfigError: saying which.
    """
    taken: dict[str, str] = {}
    for task in tasks:
        # doc.ents holds one set of entities, doc.cats one value for each class.
        claims = ["doc.ents"] if task.place == "ents" else []
        claims += [f"doc.cats[{label!r}]" for label in task.labels if task.place == "cats"]
        for claim in (f"the name {task.name!r}", *claims):
            if claim in taken:
                raise ConfigError(
                    f"tasks: {taken[claim]} and {task.name} both need {claim}: make them two phases"
                    ", or name their labels differently."
                )
            taken[claim] = task.name
