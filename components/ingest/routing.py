"""Which task of a phase spans are an answer to, where several are over spans.

A label belongs to one task, so a span does, too. What says that a text was *read* for a task, and
nothing found, is harder to tell: the tool, where it says what it asked for; else the file, whose
other records have labels of the task. A text that nobody read for a task is unannotated there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from components.ingest.candidate import Candidate
from components.ingest.settings import Select
from components.records.annotation import Annotation, RawSpan
from components.records.record import composed
from components.tasks.base import Task

COMMON_GROUP = "sc"  # spaCy's own name for a group of spans
Asked = tuple[str, str]  # a file, and what its tool asked for


class Routing:
    """What each file's spans have named.

    Attributes:
        tasks: those over spans, in the order of the phase.
        named: file and what was asked -> tasks that some span there is an answer to.
    """

    def __init__(self, tasks: Sequence[Task], select: Select) -> None:
        self.select = select
        self.tasks = {task.name: task for task in tasks if task.place != "cats"}
        # A task that speaks of another's spans does not know which of them are no task's.
        self.first = next((name for name, task in self.tasks.items() if not task.of), "")
        self.owner = {label: task.name for task in self.tasks.values() for label in task.labels}
        self.named: dict[Asked, set[str]] = {}

    def seen_by(self, task: Task, annotation: Annotation) -> Annotation:
        """The annotation as a task looks at it: with the spans of its group, where it has one.

        What belongs to no task is for the first to complain of.
        """
        if task.name not in self.tasks or (len(self.tasks) < 2 and not annotation.groups):
            return annotation
        if task.of:
            more = annotation.groups.get(task.name)
            return replace(annotation, spans=[*annotation.spans, *more]) if more else annotation
        if task.place == "spans" and annotation.groups:
            annotation = of_group(annotation, group_of(task, annotation, self.tasks))
        if task.name == self.first:
            return annotation
        return replace(
            annotation,
            spans=[span for span in annotation.spans if self.owner_of(span)],
            rejected=[span for span in annotation.rejected if self.owner_of(span)],
        )

    def owner_of(self, span: RawSpan) -> str:
        """The task that a span is an answer to; "" for none."""
        label = composed(span.label or "")
        return self.owner.get(self.select.rename.get(label, label), "")

    def add(self, annotation: Annotation) -> None:
        """Note which tasks the spans of an annotation are answers to."""
        if len(self.tasks) < 2:
            return
        asked = annotation.place.source, annotation.asked
        owners = {self.owner_of(span) for span in (*annotation.spans, *annotation.rejected)}
        self.named.setdefault(asked, set()).update(owners - {""})

    def unasked(self, candidate: Candidate) -> list[str]:
        """Tasks that a text was not read for, though nothing in it says so.

        What is about another one's spans is left out with it, unless it has said something itself:
        a pass over these spans need not show them.
        """
        if len(self.tasks) < 2:
            return []
        named = self.named.get((candidate.file, candidate.asked), set())
        unread = [
            name
            for name, task in self.tasks.items()
            if name in candidate.tasks
            and name not in candidate.grouped
            and not task.of
            and (name not in named if named else task.place != candidate.asked)
        ]
        return unread + [
            name
            for name, task in self.tasks.items()
            if name in candidate.tasks
            and task.of in unread
            and candidate.labels.isdisjoint(task.labels)
        ]


def of_group(annotation: Annotation, name: str) -> Annotation:
    """An annotation as that of one of its groups of spans; as it is where there is no name."""
    if not name:
        return annotation
    return replace(
        annotation,
        spans=annotation.groups[name],
        rejected=annotation.rejected_groups.get(name, []),
        complete=name not in annotation.partial_groups,
        about_spans=True,
        asked="spans",
    )


def group_of(task: Task, annotation: Annotation, tasks: Collection[str]) -> str:
    """The group of an annotation that is a task's: that of its name, or the common one."""
    if task.name in annotation.groups:
        return task.name
    return common_group([name for name in annotation.groups if name not in tasks])


def common_group(names: Sequence[str]) -> str:
    """Of groups the one that any task may mean: spaCy's own, or the only one; "" for none."""
    return COMMON_GROUP if COMMON_GROUP in names else names[0] if len(names) == 1 else ""
