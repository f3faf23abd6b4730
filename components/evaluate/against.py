"""Another model on the same test documents: the one in production, or the one that taught."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from components.evaluate.blocks import ALL_SEEN, Seen, scores_of
from components.evaluate.run import Run, load
from components.evaluate.run import run as predict
from components.evaluate.seen import seen_by_champion, without
from components.evaluate.settings import EvaluateSettings
from components.records.prediction import Prediction
from components.scoring.compare import compare, compare_parts
from components.scoring.counts import Counts, count, numbers
from components.scoring.slices import languages
from components.tasks.base import Task

KEPT = ("overall", "labels", "model_labels", "words_per_second")
MEGABYTE = 10**6


@dataclass(frozen=True)
class Against:
    """A model that was scored, and what it was scored on."""

    corpus: Path
    new: Run
    tasks: Sequence[Task]
    settings: EvaluateSettings

    def champion(self, model: Path, seen: Seen) -> dict[str, dict[str, Any]]:
        """Score the model in production, but not on documents that it was trained on.

        A champion that cannot be loaded is no reason to fail, and none to promote: the gate reads
        `error` and holds.

        Returns:
            by task, what is said of the champion beside the task's scores.
        """
        if self.all_seen(seen):
            return self.each(seen, lambda _: {"error": ALL_SEEN})
        try:
            nlp = load(model)
        # Whatever an old pipeline raises in a new environment, it means the same.
        except Exception as error:
            print(f"The model in production cannot be loaded from {model}: {error}")
            why = f"it cannot be loaded: {type(error).__name__}: {error}"
            return self.each(seen, lambda _: {"error": why})
        for task in self.tasks:
            task.refuse(nlp, "the model in production")
        old = predict(nlp, self.corpus, self.tasks, self.settings.batch_size)
        return self.each(seen, self.beside(old, seen))

    def teacher(
        self, model: Path, called: str, assignment: Path | None, student: Path
    ) -> dict[str, dict[str, Any]]:
        """Score the teacher, but not on documents that it was trained on.

        Args:
            called: its name and version.
            assignment: which documents it was trained on; None where nobody knows.
            student: the folder of the model.

        Returns:
            by task, what is said of the teacher beside the task's scores: its own, the comparison,
            `agreement` (F of the student's answers if the teacher's were right), and the sizes of
            both in megabytes. `error` where it was trained on all documents.
        """
        said = self.new.predictions
        seen = {name: seen_by_champion(assignment, said[name]) for name in said}
        about = {
            "version": called,
            "megabytes": megabytes(model),
            "student_megabytes": megabytes(student),
        }
        if self.all_seen(seen):
            why = "the teacher was trained on all test documents"
            return self.each(seen, lambda _: {**about, "error": why})
        old = predict(load(model), self.corpus, self.tasks, self.settings.batch_size)
        beside = self.beside(old, seen, (*KEPT, "macro"))

        def of_task(task: Task) -> dict[str, Any]:
            agreement = self.agreement(task, old, seen[task.name] or set())
            return {**about, **beside(task), "agreement": agreement}

        return self.each(seen, of_task)

    def all_seen(self, seen: Seen) -> bool:
        """Whether no document of a task is left."""
        predictions = self.new.predictions
        return not all(without(predictions[one.name], seen[one.name] or ()) for one in self.tasks)

    def each(self, seen: Seen, said: Callable[[Task], dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """By task, what is said and how many documents were seen; None where nobody knows."""
        counted = {name: None if ids is None else len(ids) for name, ids in seen.items()}
        return {task.name: {**said(task), "seen": counted[task.name]} for task in self.tasks}

    def beside(
        self, old: Run, seen: Seen, kept: Sequence[str] = KEPT
    ) -> Callable[[Task], dict[str, Any]]:
        """What is said of another run beside a task's scores: its own, and the comparison.

        Args:
            kept: of its own scores, those that its kind of task has.
        """
        blocks = scores_of(old, self.tasks, self.settings, seen)

        def of_task(task: Task) -> dict[str, Any]:
            # A label that only the other lacks would punish it for a question it was never asked.
            shared = [label for label in task.labels if label in old.labels[task.name]]
            by_new = self.asked(task, self.new, seen[task.name] or set(), shared)
            counts = self.count(task, by_new)
            by_old = self.asked(task, old, seen[task.name] or set(), shared)
            both = counts, self.count(task, by_old)
            resamples, seed = self.settings.resamples, self.settings.seed
            comparison = compare(*both, shared, resamples=resamples, seed=seed)
            if parts := languages(by_new, counts.documents):
                by_language = compare_parts(*both, shared, parts, resamples=resamples, seed=seed)
                comparison["per_language"] = by_language
            block = blocks[task.name]
            return {**{key: block[key] for key in kept if key in block}, "comparison": comparison}

        return of_task

    def asked(
        self, task: Task, run: Run, seen: set[str], shared: Sequence[str]
    ) -> list[Prediction]:
        """What a run says of the documents that both can be asked of."""
        left = without(run.predictions[task.name], seen)
        return [one for one in left if task.comparable(one, shared)]

    def count(self, task: Task, predictions: Sequence[Prediction]) -> Counts:
        """The outcomes of documents."""
        return count(predictions, task.labels, self.settings.group_by)

    def agreement(self, task: Task, old: Run, seen: set[str]) -> float | None:
        """F of what the model says, were all right that the other one says."""
        mine, theirs = (without(run.predictions[task.name], seen) for run in (self.new, old))
        held = [replace(one, gold=other.predicted) for one, other in zip(mine, theirs, strict=True)]
        f: float | None = numbers(count(held, task.labels).table.sum(axis=(0, 1)))["f"]
        return f


def megabytes(folder: Path) -> float:
    """The size of a folder's files."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return round(sum(path.stat().st_size for path in files) / MEGABYTE, 1)
