"""A teacher over texts: its answers as records, and how sure it is of each text.

The only module of this stage that knows spaCy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from thinc.api import prefer_gpu

from components.answers.batches import batches
from components.answers.models import Models, Source, load
from components.errors import ConfigError, DataError
from components.records.keys import text_id
from components.records.record import Answers, Record
from components.records.texts import Text
from components.tasks.base import Task

BATCH_TEXTS = 128
MODEL = "teacher"


class Labelled(msgspec.Struct, omit_defaults=True):
    """A text that the teacher has answered.

    Attributes:
        confidence: the probability that it is right in all of its tasks; None where nobody asked.
    """

    record: Record
    confidence: float | None = None


class Teacher:
    """A loaded teacher.

    Args:
        tasks: those that it is asked for.
        called: what its records are marked with.
        sure: whether to say how sure it is.

    Raises:
        ConfigError: it does not do one of the tasks, or cannot say how sure it is.
        DataError: the folder holds no pipeline.
    """

    def __init__(self, folder: Path, tasks: Sequence[Task], called: str, *, sure: bool) -> None:
        prefer_gpu()
        self.models: Models = load([Source(MODEL, folder, called)])
        self.nlp = self.models.phases[MODEL].nlp
        self.called, self.sure = called, sure
        for task in tasks:
            task.refuse(self.nlp, "the teacher")
            if not {*task.model_labels(self.nlp)} & {*task.labels}:
                raise ConfigError(
                    f"teacher: {called} knows no label of the task {task.name} "
                    f"({', '.join(task.labels)}). A teacher must do the tasks that it teaches, "
                    "under the same names."
                )
        self.tasks = [task.for_model(self.nlp) for task in tasks]
        self.padded = self.nlp.has_pipe("transformer")

    @property
    def longest(self) -> int:
        """Characters that it takes at once."""
        return self.nlp.max_length

    def label(self, texts: Sequence[Text]) -> list[Labelled | None]:
        """What it says of each text; None where that is nothing of any task.

        Raises:
            DataError: it fails on one of them.
        """
        said: dict[int, Labelled | None] = {}
        for places in batches([len(one.text) for one in texts], BATCH_TEXTS, padded=self.padded):
            batch = self.batch([texts[place] for place in places])
            said.update(zip(places, batch, strict=True))
            if self.models.vocabulary.crowded():
                self.models.vocabulary.renew()
        return [said[place] for place in range(len(texts))]

    def batch(self, texts: Sequence[Text]) -> list[Labelled | None]:
        """Texts that are read together; names the one that the teacher fails on."""
        try:
            return self.answers([one.text for one in texts], texts)
        except ConfigError:
            raise
        except Exception as error:
            if len(texts) == 1:
                raise DataError(
                    f"{texts[0].place}: the teacher fails on this text "
                    f"({type(error).__name__}: {error}). Take the text out, or correct its code."
                ) from error
            # What they have in common may be too much, such as memory.
            return [one for text in texts for one in self.batch([text])]

    def answers(self, plain: Sequence[str], texts: Sequence[Text]) -> list[Labelled | None]:
        """The records of texts."""
        docs = list(self.nlp.pipe(plain, batch_size=len(plain)))
        each = {task.name: task.answered(self.nlp, docs) for task in self.tasks}
        possible = {task.name: self.possible(task, docs) for task in self.tasks}
        labelled = []
        for at, text in enumerate(texts):
            answers = {name: said for name in each if (said := each[name][at]) is not None}
            record = self.record(text, answers)
            sure = [
                task.certainty(possible[task.name][at], answers[task.name].items)
                for task in self.tasks
                if self.sure and task.name in answers
            ]
            confidence = round(min(sure), 4) if sure else None
            labelled.append(Labelled(record, confidence) if record.answers else None)
        return labelled

    def possible(self, task: Task, docs: Sequence[Any]) -> Sequence[Any]:
        """The probability of what may be said of each document for a task.

        Raises:
            ConfigError: the teacher does not know.
        """
        if not self.sure:
            return []
        possible = task.possible(self.nlp, docs)
        if possible is None:
            raise ConfigError(
                f"teacher.accept: {self.called} does not say how sure it is of the task "
                f"{task.name}. Take accept away: then every answer counts."
            )
        return possible

    def record(self, text: Text, answers: dict[str, Answers]) -> Record:
        """A text with the teacher's answers, marked as its own."""
        record = Record(
            id=text_id(text.text),
            text=text.text,
            answers=answers,
            meta=text.meta,
            source=text.place,
            silver=self.called,
        )
        for task in self.tasks:
            task.fit(record)
        return record
