"""Classes of whole texts as Prodigy's rows: `choice`, and yes or no to one label."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from components.errors import DataError
from components.records.annotation import Annotation, Item, RawChoice


@dataclass
class Question:
    """What a question lets choose, as far as the answers to it tell.

    Attributes:
        options: the labels, in the order in which they were met.
        several: whether somebody chose more than one, or could have.
    """

    options: dict[str, None] = field(default_factory=dict)
    several: bool = False


def questions_of(items: Iterable[Item]) -> dict[str, Question]:
    """The questions of an export that says of no answer what could be chosen, by name.

    Raises:
        DataError: two of them share a label: a row of Prodigy's does not say which it answers.
    """
    questions: dict[str, Question] = {}
    for item in items:
        for choice in item.choices if isinstance(item, Annotation) else ():
            if choice.options is None:
                question = questions.setdefault(choice.question, Question())
                question.options |= dict.fromkeys(choice.accepted)
                question.several |= len(choice.accepted) > 1 or bool(choice.several)
    asked_by: dict[str, str] = {}
    for name, question in questions.items():
        for label in question.options:
            if label in asked_by:
                raise DataError(
                    f"{name!r} and {asked_by[label]!r} both ask for {label!r}. Prodigy's rows have "
                    "no names of questions, by which these could be told apart: train from the "
                    "export as it is, with a task for each `question`."
                )
            asked_by[label] = name
    return questions


def choice_rows(annotation: Annotation, questions: dict[str, Question]) -> Iterator[dict[str, Any]]:
    """The fields that say the classes of one annotation, a row for each question."""
    for choice in annotation.choices:
        if choice.by_label and not choice.accepted:
            # None of these, and perhaps another: a choice of nothing would say too much.
            for label in choice.options or ():
                yield {"label": label, "answer": "reject", "_view_id": "classification"}
        elif choice.options == choice.accepted and len(choice.accepted) == 1:
            yield {"label": choice.accepted[0], "_view_id": "classification"}
        else:
            yield of_options(choice, questions)


def of_options(choice: RawChoice, questions: dict[str, Question]) -> dict[str, Any]:
    """The fields of a row of `choice`."""
    question = questions.get(choice.question, Question())
    options = list(question.options) if choice.options is None else choice.options
    several = question.several if choice.several is None else choice.several
    several |= len(choice.accepted) > 1
    return {
        "options": [{"id": label, "text": label} for label in options],
        "accept": choice.accepted,
        "config": {"choice_style": "multiple" if several else "single"},
        "_view_id": "choice",
    } | ({"question": choice.question} if choice.question else {})
