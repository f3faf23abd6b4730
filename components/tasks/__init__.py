"""The kinds of tasks, and the tasks of a phase.

A kind is a module that defines `Kind`, a `components.tasks.base.Task`. One of ours goes by its
name; any other by the dotted name of its module, which must be importable wherever a stage runs.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping

from components.errors import ConfigError
from components.settings import parse
from components.tasks.base import Task, TaskSettings

KINDS = ("ner", "textcat", "spans", "assertion")


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
    for task in tasks:
        task.beside = tuple(other for other in tasks if other is not task)
    return tasks


def refuse_clashes(tasks: Iterable[Task]) -> None:
    """Refuse tasks that cannot be learnt beside each other.

    Raises:
        ClashError: saying which.
    """
    earlier: dict[str, Task] = {}
    for task in tasks:
        for other in earlier.values():
            clash(task, other)
        if task.name in earlier:
            raise ClashError(task.name, "name", "two tasks have this name: rename one of them")
        earlier[task.name] = task
    for task in earlier.values():
        if task.of:
            refuse_of(task, earlier)


def refuse_of(task: Task, tasks: Mapping[str, Task]) -> None:
    """Refuse a task that speaks of the answers of one that is not there, or has none of that sort.

    Raises:
        ClashError: saying why.
    """
    other = tasks.get(task.of)
    if other is None:
        there = ", ".join(name for name in tasks if name != task.name) or "no other"
        why = f"there is no task {task.of!r} beside {task.name}; there is {there}"
        raise ClashError(task.name, "of", why)
    if other.place != "ents":
        finders = ", ".join(one.name for one in tasks.values() if one.place == "ents")
        raise ClashError(
            task.name,
            "of",
            f"{other.name} is a task of {other.title} and finds no entities, which "
            f"{task.name} speaks of: name one that does ({finders or 'of kind ner'})",
        )


def clash(task: Task, other: Task) -> None:
    """Refuse a task that would write over another's answers, or shares a label with it.

    Raises:
        ClashError: saying why.
    """
    # doc.ents holds one set of entities, and doc.cats one value for each class; and whoever names a
    # label, as `gate` and `ingest` do, means one task.
    shared = [label for label in task.labels if label in other.labels]
    if shared and (task.of == other.name or other.of == task.name):
        status, entities = (task, other) if task.of == other.name else (other, task)
        raise ClashError(
            task.name,
            "labels",
            f"{', '.join(shared)}: both an entity of {entities.name} and a status of "
            f"{status.name}, so that nobody knows which of them a region with this label is. "
            "Leave it out of either; ingest.select.rename if both are in the annotations",
        )
    if shared:
        raise ClashError(
            task.name,
            "labels",
            f"{', '.join(shared)}: {other.name} has it, too, and a label belongs to one task. "
            "Rename it, with ingest.select.rename if the annotations have it, or make two phases",
        )
    if task.place == other.place == "ents":
        raise ClashError(
            task.name,
            "kind",
            f"{other.name} finds entities, too, and a document has one set of them: put their "
            "labels into one task, or make two phases",
        )


class ClashError(ConfigError):
    """Tasks that cannot be learnt beside each other.

    Attributes:
        task, key: where in `tasks` the mistake is.
    """

    def __init__(self, task: str, key: str, why: str) -> None:
        super().__init__(f"tasks.{task}.{key}: {why}")
        self.task, self.key, self.why = task, key, why
