"""Several annotations of one text become one record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from components.ingest.candidate import Candidate
from components.ingest.passes import Passes, by_pass, meet
from components.ingest.settings import IngestSettings
from components.records.problems import Note, Policy
from components.records.record import Answers, Record
from components.records.tokens import Boundaries
from components.tasks.base import Task


@dataclass
class Resolved:
    """One record, and what became of the other annotations of its text.

    Attributes:
        record: None when the annotations teach nothing.
        skipped: reason -> how many annotations.
        notes: problems met, at the record's position.
    """

    record: Record | None
    skipped: Counter[str] = field(default_factory=Counter)
    notes: list[Note] = field(default_factory=list)


def resolve(
    candidates: Sequence[Candidate],
    settings: IngestSettings,
    tasks: Mapping[str, Task],
    passes: Mapping[str, Passes],
) -> Resolved:
    """Make one record of the annotations of one text, in the order of the sources, task by task.

    Args:
        passes: name of a task -> the passes of its annotations, if they have any.
    """
    if len(candidates) == 1 and not candidates[0].partial and not any(passes.values()):
        return Resolved(candidates[0].record)
    each = [
        resolve_task([one for one in candidates if name in one.tasks], settings, task, passes[name])
        for name, task in tasks.items()
        if any(name in one.tasks for one in candidates)
    ]
    if len(each) == 1:
        return each[0]
    return together(candidates, each)


def together(candidates: Sequence[Candidate], each: Sequence[Resolved]) -> Resolved:
    """One record of what became of each of several tasks; tokens and meta are the first one's."""
    records = [one.record for one in each if one.record]
    if not records:
        return Resolved(None, each[0].skipped)
    record = records[0]
    for other in records[1:]:
        record.answers |= other.answers
        record.split = record.split or other.split
    skipped = Counter({"merged with another annotation of the same text": len(candidates) - 1})
    return Resolved(record, +skipped, [note for one in each for note in one.notes])


def resolve_task(
    candidates: Sequence[Candidate], settings: IngestSettings, task: Task, passes: Passes
) -> Resolved:
    """Make one record, with the answers of one task alone.

    What a reviewer accepted wins; then the order of `select.annotators`; then the vote of all. A
    complete annotation outweighs binary answers, which say nothing about the rest of the text.
    """
    complete = [candidate for candidate in candidates if task.name in candidate.complete]
    if not complete:
        return resolve_partial(candidates, settings, task)
    resolved = (
        resolve_passes(complete, settings, task, passes)
        if passes
        else resolve_complete(complete, settings, task)
    )
    partial = [candidate for candidate in candidates if candidate not in complete]
    assert resolved.record
    if partial and task.refines:
        return refined(resolved, partial, settings, task)
    resolved.skipped["partial annotation of a text that has a full one"] += len(partial)
    resolved.skipped = +resolved.skipped
    said = resolved.record.answers[task.name].cats
    if any(contradict(said, one.record.answers[task.name].cats) for one in partial):
        resolved.notes.append(contradiction(resolved.record, settings, partial + complete))
    return resolved


def refined(
    resolved: Resolved, partial: Sequence[Candidate], settings: IngestSettings, task: Task
) -> Resolved:
    """A full answer with what partial ones say otherwise, or beside it."""
    record = resolved.record
    assert record
    full, name = record.answers[task.name], task.name
    by_age = sorted(partial, key=lambda one: one.age)
    answers = [full, *(one.record.answers[name] for one in by_age)]
    merged, contradicted = task.merge_partial(record.text, Boundaries(record.tokens or []), answers)
    merged.complete, merged.known = full.complete, full.known
    record.answers[name] = merged
    resolved.skipped["merged with another answer on the same text"] += len(partial)
    if contradicted:
        resolved.notes.append(contradiction(record, settings, partial))
    return resolved


def contradict(one: Mapping[str, bool], other: Mapping[str, bool]) -> bool:
    """Whether two answers differ in a class that both know."""
    return any(other.get(label, there) != there for label, there in one.items())


def contradiction(
    record: Record, settings: IngestSettings, candidates: Sequence[Candidate]
) -> Note:
    """The note that answers on one text contradict each other.

    Somebody who answers again has changed his mind: that alone is no disagreement of annotators.
    """
    people = {one.annotator or str(one.order) for one in candidates}
    fails = settings.conflicts == "fail" and len(people) > 1
    return Note(
        "conflicting_annotations",
        "answers contradict each other",
        record.text,
        Policy.STOP if fails else Policy.WARN,
    )


def resolve_passes(
    candidates: Sequence[Candidate], settings: IngestSettings, task: Task, passes: Passes
) -> Resolved:
    """Unite what each pass says; where passes that are missing asked for labels, these are unknown.

    Where spans of two passes meet that must not, the newer one's stays.
    """
    groups = by_pass(candidates, passes)
    newest_first = sorted(groups, key=lambda labels: max(one.age for one in groups[labels]))[::-1]
    each = [resolve_complete(groups[labels], settings, task) for labels in newest_first]
    united = each[0]
    assert united.record
    answers = united.record.answers[task.name]
    contradicted = False
    for other in each[1:]:
        assert other.record
        spans = other.record.answers[task.name].spans
        apart = [
            span
            for span in spans
            if task.overlapping or not any(meet(span, kept) for kept in answers.spans)
        ]
        contradicted |= len(apart) < len(spans)
        answers.spans = sorted([*answers.spans, *apart])
        united.skipped += other.skipped
        united.notes += other.notes
    united.skipped["united with another pass over the same text"] += len(each) - 1
    united.skipped = +united.skipped
    if {*passes.values()} != {*groups}:
        answers.known = sorted(label for labels in groups for label in labels)
    if contradicted:
        policy = Policy.STOP if settings.conflicts == "fail" else Policy.WARN
        text = united.record.text
        united.notes.append(Note("conflicting_annotations", "passes mark one place", text, policy))
    return united


def resolve_complete(
    candidates: Sequence[Candidate], settings: IngestSettings, task: Task
) -> Resolved:
    skipped: Counter[str] = Counter()
    left = newest_of_each(candidates)
    skipped["annotated again by the same annotator"] += len(candidates) - len(left)
    again = [one for one in candidates if one not in left]
    for reason, choose in choices(settings):
        chosen = choose(left)
        skipped[reason] += len(left) - len(chosen)
        left = chosen
    newest = max(range(len(left)), key=lambda place: left[place].age)
    records = [candidate.record for candidate in left]
    record, notes = records[newest], []
    answers = [each.answers[task.name] for each in records]
    said = [(each.spans, each.cats) for each in answers]
    if any(rival != said[newest] for rival in said):
        policy = Policy.STOP if settings.conflicts == "fail" else Policy.WARN
        detail = f"{len(left)} annotators, different {task.unit}"
        notes = [Note("conflicting_annotations", detail, record.text, policy)]
        skipped["outvoted or merged by majority"] += len(left) - 1
        merged = task.merge(record.text, Boundaries(record.tokens or []), answers, newest)
    else:
        skipped["same text, same answers"] += len(left) - 1
        merged = answers[newest]
    record.answers = {task.name: merged}
    record.split = first_split(candidates, record.split)
    if not notes and any(
        contradict(merged.cats, one.record.answers[task.name].cats) for one in again
    ):
        detail = "the same annotator answered otherwise before: the newest answer counts"
        notes = [Note("conflicting_annotations", detail, record.text, Policy.WARN)]
    return Resolved(record, skipped, notes)


Choice = Callable[[list[Candidate]], list[Candidate]]


def choices(settings: IngestSettings) -> Iterator[tuple[str, Choice]]:
    """The rules that choose among annotators, each with the reason for those it leaves out."""
    ranks = {name: rank for rank, name in enumerate(settings.select.annotators)}

    def best_ranked(left: list[Candidate]) -> list[Candidate]:
        best = min(ranks.get(candidate.annotator, len(ranks)) for candidate in left)
        return [c for c in left if ranks.get(c.annotator, len(ranks)) == best]

    yield "another annotation was reviewed", reviewed_first
    yield "another annotator has priority", best_ranked


def reviewed_first(left: list[Candidate]) -> list[Candidate]:
    return [candidate for candidate in left if candidate.reviewed] or left


def newest_of_each(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The newest annotation of each annotator; those of unknown annotators are all kept.

    A review does not replace what the same person annotated before: it is kept beside it.
    """
    newest: dict[tuple[str, bool] | int, Candidate] = {}
    for candidate in candidates:
        key = (candidate.annotator, candidate.reviewed) if candidate.annotator else candidate.order
        rival = newest.get(key)
        if rival is None or candidate.age > rival.age:
            newest[key] = candidate
    return sorted(newest.values(), key=lambda candidate: candidate.order)


def resolve_partial(
    candidates: Sequence[Candidate], settings: IngestSettings, task: Task
) -> Resolved:
    """Merge binary answers on one text: each is about something else; if not, the last counts.

    That is the one that most annotators gave, and of these the newest.
    """
    by_age = sorted(candidates, key=lambda candidate: candidate.age)
    record = by_age[-1].record
    answers = by_votes(by_age, [one.record.answers[task.name] for one in by_age])
    merged, contradictions = task.merge_partial(
        record.text, Boundaries(record.tokens or []), answers
    )
    record.answers = {task.name: merged}
    record.split = first_split(candidates, record.split)
    if not (merged.spans or merged.rejected or merged.cats):
        return Resolved(None, Counter({"partial annotation without a span": len(candidates)}))
    skipped = Counter({"merged with another answer on the same text": len(candidates) - 1})
    notes = [contradiction(record, settings, candidates)] if contradictions else []
    return Resolved(record, +skipped, notes)


def by_votes(candidates: Sequence[Candidate], answers: Sequence[Answers]) -> list[Answers]:
    """Answers about classes, those that most annotators gave last; others as they are.

    Args:
        candidates: the oldest first, of the same length.
    """
    newest = {}  # of each annotator, to each question
    for one, said in zip(candidates, answers, strict=True):
        newest[one.annotator or str(one.order), frozenset(said.cats)] = frozenset(said.cats.items())
    votes = Counter(newest.values())
    return sorted(answers, key=lambda said: votes[frozenset(said.cats.items())] if said.cats else 0)


def first_split(candidates: Sequence[Candidate], own: str) -> str:
    """The split that the record's own tags say, or any other annotation of the text."""
    splits = [own, *(candidate.split for candidate in candidates)]
    return next((split for split in splits if split), "")
