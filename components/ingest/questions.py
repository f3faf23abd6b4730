"""Questions about whole texts: which are this phase's, and which of their labels no task names.

Exports that do not list a question's options tell by its other answers alone whose it is: a column
whose cells are labels of a task is that task's, and what else stands in it was forgotten in the
config.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from components.ingest.settings import Select
from components.records.annotation import Annotation
from components.records.problems import Note
from components.records.record import composed

Question = tuple[str, str]  # source and name


class Questions:
    """What the answers to each question have named.

    Attributes:
        relevant: questions that a label of a task was an answer to.
        unnamed: question -> (label, position, text) of answers that no task names.
    """

    def __init__(self, labels: Sequence[str], select: Select) -> None:
        self.labels = labels
        self.select = select
        self.relevant: set[Question] = set()
        self.unnamed: dict[Question, list[tuple[str, str, str]]] = defaultdict(list)

    def add(self, annotation: Annotation) -> None:
        """Note the answers of an annotation that was selected."""
        for choice in annotation.choices:
            if choice.options is not None:
                continue
            question = annotation.place.source, choice.question
            named = [self.named(label) for label in choice.accepted]
            if {*named} & {*self.labels}:
                self.relevant.add(question)  # what it names beside that, its task has noted
            else:
                self.unnamed[question] += [
                    (label, str(annotation.place), annotation.text)
                    for label in named
                    if not self.left_out(label)
                ]

    def named(self, label: str) -> str:
        label = composed(label)
        return self.select.rename.get(label, label)

    def left_out(self, label: str) -> bool:
        """Whether the config leaves a label out."""
        return label in self.select.drop or bool(self.select.keep and label not in self.select.keep)

    def undeclared(self) -> Iterator[tuple[str, Note]]:
        """Position and problem of each answer to a relevant question that no task names."""
        for question in self.relevant:
            for label, position, text in self.unnamed.get(question, ()):
                near = get_close_matches(label, self.labels, n=1)
                hint = f": did you mean {near[0]!r}?" if near else ""
                yield position, Note("undeclared_label", f"{label!r}{hint}", text)

    def why_nothing(self, annotation: Annotation) -> str:
        """Why an annotation answers none of the tasks."""
        named = [self.named(one) for choice in annotation.choices for one in choice.accepted]
        offered = [self.named(one) for choice in annotation.choices for one in choice.options or ()]
        if annotation.answer == "reject" and {*named, *offered} & {*self.labels}:
            return "rejected choice of several labels, or none"
        if named and all(map(self.left_out, named)):
            return "labels left out by select"
        return "row of another task"
