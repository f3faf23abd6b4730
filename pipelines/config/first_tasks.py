"""The tasks that a first config asks for, and what of an export was taken for what."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.tasks import ClashError, checked, refuse_clashes, task_of
from components.tasks.base import TaskSettings
from pipelines.config.asked import Question
from pipelines.config.profile import DatasetProfile
from pipelines.config.statuses import FEW, is_usual
from pipelines.config.yaml_text import spell

TASK_NAME = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
FEW_EXAMPLES = 50
UNMARKED = "unmarked"


@dataclass
class FirstTask:
    """A task with what the config says of it.

    Attributes:
        settings: key -> value, and what there is to say of it; without labels.
        counts: label -> what there is to say of it, in the order of the config.
        counted: what is said of labels; `items` how many spans there are.
    """

    name: str
    kind: str
    why: str = ""
    settings: dict[str, tuple[Any, str]] = field(default_factory=dict)
    counts: dict[str, str] = field(default_factory=dict)
    counted: str = ""
    items: int = 0

    @property
    def described(self) -> TaskSettings:
        given = {key: value for key, (value, _) in self.settings.items()}
        return TaskSettings(name=self.name, kind=self.kind, labels=[*self.counts], **given)

    def lines(self) -> Iterator[str]:
        """The task as one of several."""
        yield f"      {self.name}:"
        yield f"        kind: {self.kind}{said(self.why)}"
        for key, (value, why) in self.settings.items():
            text = str(value).lower() if isinstance(value, bool) else spell(value)
            yield f"        {key}: {text}{said(why)}"
        yield from (f"    {line}" for line in self.label_lines())

    def label_lines(self) -> Iterator[str]:
        """The labels with their counts, as those of a phase."""
        yield f"    labels:{said(self.counted)}"
        for label, why in self.counts.items():
            yield f"      - {spell(label)}{said(why)}"


@dataclass
class FirstTasks:
    """The tasks of a first config.

    Attributes:
        remarks: what was taken for what, and what was left out: a sentence each.
    """

    tasks: list[FirstTask] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(self, task: FirstTask, source: str) -> bool:
        """Add a task, or say why the others leave no room for it."""
        number, name = 2, task.name
        while task.name in {one.name for one in self.tasks}:
            task.name, number = f"{name}-{number}", number + 1
        try:
            settings = [checked(one.described) for one in [*self.tasks, task]]
            refuse_clashes([task_of(one) for one in settings])
        except ClashError as error:
            self.remarks.append(f"Left out: {source}: {error.why}.")
            return False
        self.tasks.append(task)
        return True

    @property
    def several(self) -> bool:
        return len(self.tasks) > 1


def first_tasks(profile: DatasetProfile) -> FirstTasks:
    """The tasks that an export was made for."""
    found = FirstTasks()
    over = profile.regions.statuses()
    entities_overlap = profile.regions.overlapping(over) > FEW
    if over and (profile.for_overlaps or entities_overlap):
        found.remarks.append(
            f"Left out: that {listed(over)} may be the status of other spans: these overlap each "
            "other, and a status is learnt of entities, which do not."
        )
        over = frozenset()
    overlapping = profile.spans_overlap if not over else False
    if profile.spans:
        found.tasks.append(marked(profile, over, overlapping=overlapping))
        add_statuses(found, profile, over)
    add_questions(found, [*profile.questions.values()])
    found.remarks += [
        f"Left out: the class {label}, which is every answer: nothing to learn."
        for label in profile.constants
    ]
    return found


def marked(profile: DatasetProfile, over: frozenset[str], *, overlapping: bool) -> FirstTask:
    """The task of the spans; those in a group have its name."""
    counts = Counter({one: n for one, n in profile.spans.items() if one not in over})
    group = profile.group if TASK_NAME.fullmatch(profile.group) else "spans"
    unit = "spans" if overlapping else "entities"
    return FirstTask(
        group if overlapping else "entities",
        "spans" if overlapping else "ner",
        "they may overlap" if overlapping else "",
        counts={
            label: f"{count} in {profile.documents[label]}{few(count)}"
            for label, count in ranked(counts)
        },
        counted=f"{unit} and documents of each in the accepted records",
        items=counts.total(),
    )


def add_statuses(found: FirstTasks, profile: DatasetProfile, over: frozenset[str]) -> None:
    """The tasks of what is said of single spans, in whichever of three ways."""
    if over:
        counts = Counter({label: profile.spans[label] for label in over})
        source = f"the regions labelled {listed(over)}"
        beside = ", which lie over those of other labels; if not, kind spans, with all labels"
        add_status(found, "status", counts, profile.regions.marked(over), source, beside)
    ways = [(key, f"the key {key!r} of spans", one) for key, one in profile.keys.items()]
    ways += [(key, f"the choices {key!r} of regions", one) for key, one in profile.choices.items()]
    for key, source, marks in ways:
        why = marks.why_not()
        if found.tasks[0].kind == "spans":
            why = "the spans may overlap, and a status is learnt of entities, which do not"
        if why:
            found.remarks.append(f"Left out: {source}: {why}.")
            continue
        name = "status" if key == "assertion" else task_name(key, "status")
        entities = marks.counts.total() - marks.several
        add_status(found, name, marks.counts, entities, source, key=key)


def add_status(
    found: FirstTasks,
    name: str,
    counts: Counter[str],
    marked: int,
    source: str,
    beside: str = "",
    key: str = "assertion",
) -> None:
    """The task of some statuses; where many entities have none, with what to say of these.

    Args:
        marked: how many entities have one.
        beside: what else there is to say of the source.
    """
    of = found.tasks[0]
    unmarked = of.items - marked
    settings = {"of": (of.name, "")} | ({"key": (key, "")} if key != "assertion" else {})
    labels = {label: f"{n}{few(n)}" for label, n in ranked(counts)}
    usual = next((label for label in labels if is_usual(label)), "") if len(labels) > 1 else ""
    remark = ""
    if unmarked > FEW * of.items or (len(labels) == 1 and unmarked):
        none = f"Of {source}, {unmarked} of {of.items} entities have none"
        if usual:
            remark = (
                f"{none}: nothing is learnt there. If they are {usual}, add `default: {usual}`."
            )
        else:
            remark = f"{none}: taken for a status of their own, called {UNMARKED}."
            labels[UNMARKED] = f"{unmarked} that nobody marked: give this status its name"
            settings["default"] = (UNMARKED, "its name; if nobody looked, take both out")
    if len(labels) == 1:
        found.remarks.append(f"Left out: {source}: all say {listed(counts)}, nothing to learn.")
        return
    task = FirstTask(name, "assertion", "", settings, labels, "entities that have each")
    if found.add(task, source):
        values = ", ".join(f"{value} {n}" for value, n in ranked(counts))
        found.remarks.append(f"Taken for the status of entities: {source} ({values}){beside}.")
        found.remarks += [remark] if remark else []


def add_questions(found: FirstTasks, questions: list[Question]) -> None:
    """The tasks of what was asked about whole texts."""
    several = len(questions) > 1
    for question in questions:
        exclusive = not question.is_any_of
        task = FirstTask(
            task_name(question.name, "classes") if several else "classes",
            "textcat",
            settings={
                "exclusive": (
                    exclusive,
                    "each text has exactly one label"
                    if exclusive
                    else "a text may have any of the labels",
                )
            },
            counts={label: f"{n}{few(n)}" for label, n in ranked(question.classes)},
            counted="accepted records of each",
        )
        if several and question.name:
            task.settings["question"] = (question.name, "")
        asked = f"the question {question.name!r}" if question.name else "a question"
        source = f"{asked} about whole texts ({listed(question.classes)})"
        if not found.add(task, source):
            continue
        if several:
            found.remarks.append(f"Taken for a task of its own, {task.name}: {source}.")
        if 0 < question.of_span == question.records:
            found.remarks.append(
                f"Taken for classes of whole texts: {listed(question.classes)}. Each record shows "
                "one span: if it was asked of that, it is the status of entities, and the task one "
                "of kind assertion beside them."
            )


def task_name(given: str, usual: str) -> str:
    """A name that a task may have, from that of a key or a question."""
    plain = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-")
    return plain if TASK_NAME.fullmatch(plain) else usual


def ranked(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Labels with their counts, the commonest first."""
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def listed(labels: Mapping[str, int] | frozenset[str]) -> str:
    """Some labels in a sentence."""
    names = sorted(labels)
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def few(count: int) -> str:
    """What to say of a label with few examples; "" of one with enough."""
    short = count < FEW_EXAMPLES
    return f"; fewer than {FEW_EXAMPLES}: label more before you trust its scores" if short else ""


def said(why: str) -> str:
    """A comment at the end of a line."""
    return f"  # {why}" if why else ""
