"""The work of ingest: every record that goes in is kept, skipped or quarantined, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from components import progress
from components.errors import ConfigError
from components.ingest.agreement import Agreement
from components.ingest.candidate import Candidate, encode
from components.ingest.labels import LabelAccount
from components.ingest.passes import find_passes
from components.ingest.questions import Questions
from components.ingest.readers.detect import read
from components.ingest.resolve import resolve
from components.ingest.routing import Routing, group_of
from components.ingest.selection import filtered_by, reason_to_skip, values
from components.ingest.settings import IngestSettings
from components.ingest.text import check_text
from components.ingest.unread import Unread
from components.records.annotation import Annotation, Item, Place, Refused, Skipped
from components.records.keys import text_id
from components.records.languages import LANG
from components.records.passed_over import PassedOver
from components.records.problems import (
    Note,
    Policy,
    Problems,
    QuarantineError,
    StopReadingError,
)
from components.records.record import Answers, Record
from components.records.sources import COMPANIONS, Copy
from components.records.tokens import Boundaries, tokens_of
from components.tasks.base import Task

PROGRESS_EVERY = 10_000  # records


class Quarantined(msgspec.Struct, omit_defaults=True):
    """A line of quarantine.jsonl.

    Attributes:
        line: a number within the source: see `Place`.
        task: the one whose answers are left out, where what the record says of others is kept.
    """

    source: str
    line: int
    reason: str
    detail: str
    record: msgspec.Raw | str
    task: str = ""


@dataclass
class Counts:
    """What became of the records. `read` = `kept` + all `skipped` + all `quarantined`.

    Attributes:
        of_tasks: task -> reason -> records that are kept, without their answers to that task.
    """

    read: int = 0
    kept: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    by_source: Counter[str] = field(default_factory=Counter)
    of_tasks: dict[str, Counter[str]] = field(default_factory=dict)


class Collector:
    """Takes items from readers; `quarantine` fills at once, records come from `finish`.

    Attributes:
        passed_over: texts that are annotated and became no record; whole after `finish`.
    """

    def __init__(self, tasks: Sequence[Task], settings: IngestSettings):
        labels = {label for task in tasks for label in task.labels}
        unknown = sorted({*settings.required} - labels) if settings.required != "all" else []
        if unknown:
            raise ConfigError(
                f"ingest.required: {', '.join(unknown)}: not in `labels`. Correct either of them."
            )
        self.settings = settings
        self.tasks = {task.name: task for task in tasks}
        self.checks = {task.name: task.checker(settings) for task in tasks}
        self.problems = Problems()
        self.counts = Counts()
        self.quarantine: list[Quarantined] = []
        self.agreement = {task.name: Agreement() for task in tasks}
        self.annotators: set[str] = set()
        self.unmatched = filtered_by(settings.select)
        self.labels = LabelAccount(settings.misaligned)
        self.questions = Questions([*labels], settings.select)
        self.routing = Routing(tasks, settings.select)
        self.unread = Unread(tasks, settings.select)
        self.candidates: dict[str, list[Candidate]] = {}
        self.passed_over: list[PassedOver] = []

    def read(self, copies: Sequence[Copy]) -> None:
        """Read all files; one that cannot be read to its end is a problem that stops the run."""
        for copy, source in zip(copies, short_names(copies), strict=True):
            try:
                items = read(copy.path, source, copy.file, self.problems, self.settings)
                self.add_all(in_language(items, copy.file.language), copy.file.split)
            except StopReadingError as error:
                self.problems.add(error.position, Note(error.kind, error.detail))
            else:
                if copy.file.format not in COMPANIONS and not self.counted(source):
                    self.problems.add(source, Note("empty_file"))
        for position, note in self.questions.undeclared():
            self.problems.add(position, note)
        for annotator in self.settings.select.annotators:
            if annotator not in self.annotators:
                self.problems.add(annotator, Note("unknown_annotator"))
        for key, value in sorted(self.unmatched):
            self.problems.add(key, Note("unmatched_filter", f"no record has {value!r}"))

    def counted(self, source: str) -> bool:
        """Whether a file gave a record; those of an archive are counted by their own names."""
        return any(
            name == source or name.startswith(f"{source}/") for name in self.counts.by_source
        )

    def add_all(self, items: Iterable[Item], split: str) -> None:
        """Take what a file holds.

        Args:
            split: where all of it goes; "" where each record may say it.
        """
        for item in items:
            self.counts.read += 1
            if self.counts.read % PROGRESS_EVERY == 0:
                progress.report(records=self.counts.read)
            self.counts.by_source[item.place.source] += 1
            if isinstance(item, Skipped):
                self.counts.skipped[item.reason] += 1
            elif isinstance(item, Refused):
                self.refuse(item.place, item.raw, QuarantineError(item.kind, item.detail))
                self.labels.refuse(item.labels, self.settings.select.rename)
            elif len(item.raw) > self.settings.max_record:
                detail = f"the record has {len(item.raw):,} bytes"
                raise StopReadingError("long_record", str(item.place), detail)
            else:
                self.add(item, split)

    def add(self, annotation: Annotation, split: str) -> None:
        """Select, check and repair one annotation; `split` as in `add_all`."""
        self.annotators.add(annotation.annotator)
        if self.unmatched:
            for key in {key for key, _ in self.unmatched}:
                self.unmatched -= {(key, value) for value in values(annotation, key)}
        try:
            reason = reason_to_skip(annotation, self.settings.select)
            if reason:
                self.counts.skipped[reason] += 1
                self.pass_over(annotation.text, annotation.meta)
                return
            self.questions.add(annotation)
            self.routing.add(annotation)
            text_notes = check_text(annotation.text)
            record, notes, wrong = self.check(annotation)
            record.split = split or record.split
        except QuarantineError as problem:
            self.refuse(annotation.place, annotation.raw, problem)
            self.pass_over(annotation.text, annotation.meta)
            labels = [span.label or "" for span in annotation.spans]
            labels += [one for choice in annotation.choices for one in choice.accepted]
            self.labels.refuse(labels, self.settings.select.rename)
            return
        self.labels.take(record, notes)
        for name, fault in wrong.items():
            self.set_aside(annotation, name, fault)
        for note in [*text_notes, *notes, *self.unread.notes(annotation)]:
            self.problems.add(str(annotation.place), note)
        if not record.answers:
            self.counts.skipped[self.questions.why_nothing(annotation)] += 1
            self.pass_over(annotation.text, annotation.meta)
            return
        self.candidates.setdefault(record.id, []).append(
            Candidate(
                packed=encode(record),
                complete=tuple([name for name, said in record.answers.items() if said.complete]),
                partial=tuple([name for name, said in record.answers.items() if not said.complete]),
                annotator=annotation.annotator,
                time=annotation.time if annotation.time is not None else float("-inf"),
                order=self.counts.read,
                reviewed=annotation.reviewed,
                split=record.split,
                labels=labels_of(record),
                file=annotation.place.source,
                asked=annotation.asked,
                grouped=self.grouped(annotation) if annotation.groups else (),
                held_out=split == "test",
            )
        )

    def check(
        self, annotation: Annotation
    ) -> tuple[Record, list[Note], dict[str, QuarantineError]]:
        """Make a record of an annotation whose text has been checked.

        Returns:
            the record, what to say of it, and what is wrong with its answers to tasks for which it
            has none therefore.

        Raises:
            QuarantineError: an answer cannot be trusted, and it has no other.
        """
        text = annotation.text
        tokens, notes = tokens_of(text, annotation.tokens, self.settings.language)
        boundaries = Boundaries(tokens, own=not notes)
        answers: dict[str, Answers] = {}
        wrong: dict[str, QuarantineError] = {}
        for name, check in self.checks.items():
            try:
                said, more = check(self.routing.seen_by(self.tasks[name], annotation), boundaries)
            except QuarantineError as problem:
                wrong[name] = problem
                continue
            notes += more
            if said is not None:
                answers[name] = said
        if wrong and not answers:
            raise next(iter(wrong.values()))
        record = Record(
            id=text_id(text),
            text=text,
            answers=answers,
            tokens=tokens,
            meta=annotation.meta,
            source=str(annotation.place),
            split=chosen_split(annotation.tags),
        )
        return record, notes, wrong

    def grouped(self, annotation: Annotation) -> tuple[str, ...]:
        """Tasks whose spans have a group of their own in an annotation."""
        tasks = self.routing.tasks
        return tuple(
            [
                name
                for name, task in tasks.items()
                if task.place == "spans" and group_of(task, annotation, tasks)
            ]
        )

    def refuse(self, place: Place, raw: bytes, problem: QuarantineError) -> None:
        """Put a record into quarantine."""
        self.counts.quarantined[problem.kind] += 1
        self.put_away(place, raw, problem)

    def set_aside(self, annotation: Annotation, task: str, problem: QuarantineError) -> None:
        """Put a record's answers to one task into quarantine; what it says of others is kept."""
        self.counts.of_tasks.setdefault(task, Counter())[problem.kind] += 1
        self.put_away(annotation.place, annotation.raw, problem, task)
        labels = [span.label or "" for span in annotation.spans]
        labels += [one for choice in annotation.choices for one in choice.accepted]
        mine = self.tasks[task].labels
        self.labels.refuse(
            [one for one in labels if self.questions.named(one) in mine],
            self.settings.select.rename,
        )

    def pass_over(self, text: str, meta: dict[str, Any]) -> None:
        """Note a text that somebody has annotated, whatever is learnt from it."""
        # What is no Unicode cannot be written; such a text is in no pool either.
        self.passed_over.append(PassedOver(text.encode(errors="replace").decode(), meta))

    def put_away(self, place: Place, raw: bytes, problem: QuarantineError, task: str = "") -> None:
        """Write down what is left out, and why."""
        excerpt = raw.decode(errors="replace")
        self.problems.add(
            str(place), Note(problem.kind, problem.detail, excerpt, Policy.QUARANTINE)
        )
        self.quarantine.append(
            Quarantined(place.source, place.line, problem.kind, problem.detail, as_json(raw), task)
        )

    def several(self) -> bool:
        """Whether any text was annotated more than once."""
        return any(len(candidates) > 1 for candidates in self.candidates.values())

    def leave_out_unasked(self) -> None:
        """Take out answers of "nothing" to tasks that nobody read a text for."""
        if len(self.routing.tasks) < 2:
            return
        for text, candidates in list(self.candidates.items()):
            left = []
            for candidate in candidates:
                unasked = self.routing.unasked(candidate)
                answered = candidate.without(unasked) if unasked else candidate
                if answered.tasks:
                    left.append(answered)
                else:
                    self.counts.skipped["spans of another task"] += 1
            self.candidates[text] = left
            if not left:
                record = candidates[0].record
                self.pass_over(record.text, record.meta)
                del self.candidates[text]

    def leave_out_beside_test(self) -> None:
        """Of a text in a test set, leave out what other sources say: it has no vote there."""
        for text, candidates in self.candidates.items():
            held_out = [one for one in candidates if one.held_out]
            if held_out and len(held_out) < len(candidates):
                reason = "the text is in a test set, whose answers count"
                self.counts.skipped[reason] += len(candidates) - len(held_out)
                self.candidates[text] = held_out

    def finish(self) -> Iterator[Record]:
        """Yield one record per text, in the order of the sources. To be read once, to its end."""
        self.leave_out_beside_test()
        self.leave_out_unasked()
        passes = {
            name: find_passes(self.candidates.values(), task) if self.several() else {}
            for name, task in self.tasks.items()
        }
        for name, turns in passes.items():
            if turns:
                listed = "; ".join(sorted(", ".join(sorted(each)) for each in {*turns.values()}))
                self.problems.add(name, Note("united_passes", listed))
        for candidates in self.candidates.values():
            for name, agreement in self.agreement.items():
                agreement.add(candidates, name)
            resolved = resolve(candidates, self.settings, self.tasks, passes)
            if resolved.skipped:
                self.counts.skipped += resolved.skipped
            if resolved.record is None:
                record = candidates[0].record
                self.pass_over(record.text, record.meta)
                continue
            for task in self.tasks.values():
                resolved.notes += task.fit(resolved.record)
            for note in resolved.notes:
                self.problems.add(resolved.record.source, note)
            self.counts.kept += 1
            yield resolved.record


def in_language(items: Iterable[Item], language: str) -> Iterator[Item]:
    """The items of a source in a language, which its annotations say where they say none."""
    for item in items:
        if language and isinstance(item, Annotation):
            item.meta.setdefault(LANG, language)
        yield item


def chosen_split(tags: Sequence[str]) -> str:
    """The split that a team chose; test goes before dev, and dev before train."""
    return next((name for name in ("test", "dev", "train") if name in tags), "") if tags else ""


def labels_of(record: Record) -> frozenset[str]:
    """The labels of a record's spans."""
    return frozenset([span.label for said in record.answers.values() for span in said.spans])


def short_names(copies: Sequence[Copy]) -> list[str]:
    """How positions name each file: by its name, or by its path where two share a name."""
    names = Counter(copy.file.name for copy in copies)
    return [c.file.name if names[c.file.name] == 1 else c.file.path for c in copies]


def as_json(raw: bytes) -> msgspec.Raw | str:
    """The record as JSON if it is that, else as a string."""
    text = raw.decode(errors="replace")
    try:
        msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return text
    return msgspec.Raw(raw.replace(b"\n", b" ").replace(b"\r", b" "))
