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

KINDS = ("ner", "textcat", "spans")


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
        of = getattr(task.described, "of", task.name)
        if of not in earlier:
            there = ", ".join(name for name in earlier if name != task.name) or "no other"
            raise ClashError(
                task.name, "of", f"there is no task {of!r} beside {task.name}; there is {there}"
            )


def clash(task: Task, other: Task) -> None:
    """Refuse a task that would write over another's answers, or shares a label with it.

    Raises:
        ClashError: saying why.
    """
    # doc.ents holds one set of entities, and doc.cats one value for each class; and whoever names a
    # label, as `gate` and `ingest` do, means one task.
    shared = [label for label in task.labels if label in other.labels]
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
