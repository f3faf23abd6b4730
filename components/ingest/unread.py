"""What annotators said that no task of the phase reads: counted, so that nobody misses it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from components.ingest.settings import Select
from components.records.annotation import Annotation, RawChoice
from components.records.problems import Note
from components.records.record import composed
from components.tasks.base import Task


class Unread:
    """Tells what is passed over in an annotation.

    Attributes:
        keys: of spans, or of questions about single spans, that a task reads by their name.
        statuses: labels of tasks that speak of single spans.
        about_texts: the tasks that questions about whole texts may be answers to.
    """

    def __init__(self, tasks: Sequence[Task], select: Select) -> None:
        self.select = select
        self.keys = {key for task in tasks if (key := setting(task, "key"))}
        self.statuses = {label for task in tasks if task.of for label in task.labels}
        self.about_texts = [task for task in tasks if task.place == "cats" or task.of]
        self.reads_spans = any(task.place != "cats" for task in tasks)

    def notes(self, annotation: Annotation) -> Iterator[Note]:
        """A note for each sort of answer that no task reads."""
        if annotation.relations:
            yield Note("relations", count=annotation.relations)
        if annotation.others:
            listed = ", ".join(annotation.others)
            yield Note("other_answers", listed, count=sum(annotation.others.values()))
        for key, spans in annotation.span_keys.items():
            if key not in self.keys:
                yield Note("span_keys", repr(key), annotation.text, count=spans)
        if annotation.spans and annotation.about_spans and not self.reads_spans:
            yield Note("unread_spans", excerpt=annotation.text, count=len(annotation.spans))
        if annotation.region_choices and (questions := self.of_regions(annotation)):
            yield asked("region_choices", questions)
        if annotation.choices and (questions := self.of_text(annotation)):
            yield asked("unread_question", questions)

    def of_regions(self, annotation: Annotation) -> list[str]:
        """Questions about single regions that no task reads, once for each region."""
        return [
            choice.question
            for choices in annotation.region_choices.values()
            for choice in choices
            if choice.question not in self.keys
            and self.statuses.isdisjoint(map(self.renamed, choice.accepted))
        ]

    def of_text(self, annotation: Annotation) -> list[str]:
        """Questions about the whole text that no task reads, by name or else by their labels."""
        return [
            choice.question or ", ".join(choice.options or choice.accepted)
            for choice in annotation.choices
            if not any(self.reads(task, choice) for task in self.about_texts)
        ]

    def reads(self, task: Task, choice: RawChoice) -> bool:
        """Whether a question about the whole text is a task's: by its name, or by its labels."""
        name = setting(task, "question")
        if name and choice.question:
            return bool(choice.question == name)
        asked = map(self.renamed, [*(choice.options or ()), *choice.accepted])
        return not {*task.labels}.isdisjoint(asked)

    def renamed(self, label: str) -> str:
        label = composed(label)
        return self.select.rename.get(label, label)


def setting(task: Task, name: str) -> Any:
    """What a task says of a key that only some kinds have; "" for the others."""
    return getattr(task.described, name, "")


def asked(kind: str, questions: list[str]) -> Note:
    """A note on questions that no task reads."""
    return Note(kind, ", ".join(sorted({*questions})), count=len(questions))
