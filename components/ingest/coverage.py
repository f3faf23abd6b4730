"""What the kept records hold: labels, lengths and splits, and whether that is enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from components.ingest.agreement import Agreement
from components.ingest.labels import LabelAccount
from components.ingest.settings import IngestSettings
from components.records.languages import count_common, language_of
from components.records.problems import Note, Policy, Problems
from components.records.record import Answers, Record, label_of
from components.records.scripts import count_scripts
from components.records.tokens import Boundaries, Offsets, estimate_pieces
from components.tasks.base import Task

FEW_EXAMPLES = 50  # spaCy's and Annotation Lab's own advice, per label
PIECES = 512  # what BERT and its kin can read at once
BINS = 25
SAMPLE = 1000  # records that tell the language
WIDTHS = tuple(digit * 10**power for power in range(6) for digit in (1, 2, 5))  # tokens


class TaskCoverage:
    """Sums over the answers to one task."""

    def __init__(self, task: Task):
        self.task = task
        self.items: Counter[str] = Counter()
        self.documents: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.partial: Counter[str] = Counter()
        self.lengths: Counter[int] = Counter()
        self.texts: Counter[int] = Counter()

    def add(self, answers: Answers, tokens: Offsets) -> None:
        labels = [label_of(item) for item in answers.items]
        self.items.update(labels)
        self.documents.update(set(labels))
        self.wrong.update(label for label, there in answers.cats.items() if not there)
        if self.task.overlapping:
            boundaries = Boundaries(tokens)
            self.texts[len(tokens)] += 1
            self.lengths.update(boundaries.count(one.start, one.end) for one in answers.spans)
        if not answers.complete:
            self.partial["documents"] += 1
            self.partial["accepted"] += len(labels)
            self.partial["rejected"] += len(answers.rejected)
            self.partial["rejected"] += sum(not there for there in answers.cats.values())

    def check(self, settings: IngestSettings, problems: Problems, none_kept: str) -> None:
        """Add the problems that only show in the whole."""
        if not self.items:
            said = none_kept and ("too_many_quarantined", Policy.STOP) in problems.met
            if not said:
                problems.add("", Note("no_entities", self.why_empty(none_kept)))
            return
        for label, note in self.task.lopsided(self.documents, self.wrong):
            problems.add(label, note)
        for label in self.task.labels:
            required = settings.required == "all" or label in settings.required
            policy = Policy.STOP if required else Policy.WARN
            if not self.documents[label]:
                problems.add(label, Note("missing_label", policy=policy))
            elif self.documents[label] == 1:
                problems.add(label, Note("single_document_label", policy=policy))
            elif self.items[label] < FEW_EXAMPLES:
                problems.add(label, Note("few_examples", f"{self.items[label]} examples"))

    def why_empty(self, none_kept: str) -> str:
        """Why nothing can be learnt."""
        if self.wrong or self.partial["rejected"]:
            return (
                f"{self.partial['documents']} records only say which label is wrong, and none that "
                f"one of the task {self.task.name} is right"
            )
        return none_kept or f"no record that was kept has a label of the task {self.task.name}"

    def report(
        self, agreement: Agreement, account: LabelAccount, quarantined: Counter[str]
    ) -> dict[str, Any]:
        return {
            "task": self.task.kind,
            "unit": self.task.unit,
            "labels": {
                label: {
                    "count": self.items[label],
                    "documents": self.documents[label],
                    **({"wrong": self.wrong[label]} if self.task.place == "cats" else {}),
                    **account.row(label),
                    "examples": account.examples.get(label, []),
                }
                for label in self.task.labels
            },
            "partial": {key: self.partial[key] for key in ("documents", "accepted", "rejected")},
            "agreement": agreement.report(),
            "quarantined": dict(quarantined.most_common()),
            "remarks": self.task.remarks(self.lengths, self.texts),
        }


class Coverage:
    """Sums over the records that were kept."""

    def __init__(self, tasks: Iterable[Task]):
        self.tasks = {task.name: TaskCoverage(task) for task in tasks}
        self.lengths: Counter[int] = Counter()
        self.over_limit = 0
        self.sampled = 0
        self.scripts: Counter[str] = Counter()
        self.words: Counter[str] = Counter()
        self.splits: Counter[str] = Counter()

    def counting(self, records: Iterable[Record]) -> Iterator[Record]:
        """Pass records on, and count them."""
        for record in records:
            self.add(record)
            yield record

    def add(self, record: Record) -> None:
        for name, answers in record.answers.items():
            self.tasks[name].add(answers, record.tokens or [])
        tokens = record.tokens or []
        if self.sampled < SAMPLE:
            self.sampled += 1
            self.scripts += count_scripts(record.text)
            self.words += count_common(record.text)
        self.lengths[len(tokens)] += 1
        self.over_limit += estimate_pieces(tokens) > PIECES
        self.splits.update([record.split] if record.split else [])

    def check(
        self,
        settings: IngestSettings,
        account: LabelAccount,
        problems: Problems,
        none_kept: str,
    ) -> None:
        """Add the problems that only show in the whole.

        Args:
            none_kept: why no record was kept; "": some were.
        """
        for task in self.tasks.values():
            if task.task.place != "cats":  # a class is not moved, and may well be outvoted
                account.check(task.task.labels, task.items, settings, problems)
            task.check(settings, problems, none_kept)

    def report(
        self,
        agreement: Mapping[str, Agreement],
        account: LabelAccount,
        quarantined: Mapping[str, Counter[str]],
    ) -> dict[str, Any]:
        total = self.lengths.total()
        return {
            "tasks": {
                name: task.report(agreement[name], account, quarantined.get(name, Counter()))
                for name, task in self.tasks.items()
            },
            "lengths": {"unit": "tokens", **histogram(self.lengths)},
            "word_pieces": {
                "limit": PIECES,
                "documents_over": self.over_limit,
                "share_over": self.over_limit / total if total else None,
                "estimated": True,
            },
            "splits": dict(sorted(self.splits.items())),
            "language": language_of(self.scripts, self.words),
        }


def histogram(lengths: Counter[int]) -> dict[str, Any]:
    """Counts of documents between edges, about BINS of them; the last bin has no upper end.

    It begins where the longest fiftieth of the texts does: a few long ones must not leave all the
    others in one bar.
    """
    top = quantile(lengths, 0.98)
    width = next(width for width in WIDTHS if width * BINS >= top or width == WIDTHS[-1])
    bins = top // width + 1
    counts = [0] * bins
    for length, documents in lengths.items():
        counts[min(length // width, bins - 1)] += documents
    edges = [width * place for place in range(bins + 1)]
    return {
        "edges": edges,
        "counts": counts,
        "longest": max(lengths, default=0),
        "median": quantile(lengths, 0.5),
        "total": sum(length * documents for length, documents in lengths.items()),
    }


def quantile(lengths: Counter[int], fraction: float) -> int:
    """The length that so large a fraction of the texts does not exceed."""
    seen = 0
    for length, documents in sorted(lengths.items()):
        seen += documents
        if seen >= fraction * lengths.total():
            return length
    return 0
