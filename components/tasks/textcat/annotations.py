"""The classes in annotations: what a row says of each label, and votes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from components.records import problems
from components.records.annotation import Annotation, RawChoice
from components.records.problems import Note, QuarantineError
from components.records.record import Answers, composed
from components.records.tokens import Boundaries
from components.tasks.base import Policy


class Checker:
    """Turns the choices of annotations into answers."""

    def __init__(
        self, labels: Sequence[str], question: str, policy: Policy, *, exclusive: bool
    ) -> None:
        self.labels = labels
        self.question = question
        self.policy = policy
        self.exclusive = exclusive

    def check(
        self,
        annotation: Annotation,
        _boundaries: Boundaries,
    ) -> tuple[Answers | None, list[Note]]:
        """What an annotation says of each label; None where it says nothing of this task.

        Raises:
            QuarantineError: it contradicts itself.
        """
        notes: list[Note] = []
        asked = [choice for choice in annotation.choices if self.is_mine(choice)]
        cats: dict[str, bool] = {}
        for choice in asked:
            cats |= self.said(choice, annotation, notes)
        if not cats:
            return None, notes
        return Answers(cats=cats, complete=len(cats) == len(self.labels)), notes

    def is_mine(self, choice: RawChoice) -> bool:
        """Whether a question is this task's: by its name, where both have one, or by its labels."""
        if self.question and choice.question:
            return choice.question == self.question
        asked = {self.renamed(label) for label in [*(choice.options or []), *choice.accepted]}
        return bool(asked & {*self.labels})

    def renamed(self, label: str) -> str:
        label = composed(label)
        return self.policy.select.rename.get(label, label)

    def said(self, choice: RawChoice, annotation: Annotation, notes: list[Note]) -> dict[str, bool]:
        """What one question says of each label; a label that is missing stays unknown."""
        accepted = self.known(choice.accepted, annotation, notes)
        if choice.by_label and self.exclusive and not choice.accepted:
            return self.wrong_alone(choice)
        if annotation.answer == "reject":
            # Of several at once nobody said which of them is wrong.
            if len(choice.accepted) == 1:
                return dict.fromkeys(accepted, False)
            notes.append(Note("rejected_choice", excerpt=annotation.text))
            return {}
        if self.exclusive:
            return self.one_of(choice, accepted)
        return dict.fromkeys(self.options(choice), False) | dict.fromkeys(accepted, True)

    def options(self, choice: RawChoice) -> list[str]:
        """The labels of the task that a question let choose."""
        given = self.labels if choice.options is None else choice.options
        return [one for one in map(self.renamed, given) if one in self.labels]

    def wrong_alone(self, choice: RawChoice) -> dict[str, bool]:
        """What is known where labels are said to be wrong, and none to be right."""
        wrong = self.options(choice)
        if {*wrong} == {*self.labels}:
            raise QuarantineError("no_choice", "every label is wrong, where exactly one is right")
        return dict.fromkeys(wrong, False)

    def one_of(self, choice: RawChoice, accepted: Sequence[str]) -> dict[str, bool]:
        """What an accepted answer says where a text has exactly one label."""
        if len(choice.accepted) > 1:
            raise QuarantineError(
                "several_choices", f"{', '.join(choice.accepted)}: the task takes exactly one"
            )
        if not choice.accepted:
            raise QuarantineError("no_choice", "accepted, and no label is chosen")
        # A label that is left out, or none of ours: the text is none of this task's.
        return {label: label in accepted for label in self.labels} if accepted else {}

    def known(self, labels: Sequence[str], annotation: Annotation, notes: list[Note]) -> list[str]:
        """Labels of the task among those of a row; others are noted, or left out as asked."""
        kept = []
        select = self.policy.select
        for label in map(self.renamed, labels):
            if label in select.drop or (select.keep and label not in select.keep):
                continue
            if label in self.labels:
                kept.append(label)
            else:
                near = get_close_matches(label, self.labels, n=1)
                hint = f": did you mean {near[0]!r}?" if near else ""
                notes.append(Note("undeclared_label", f"{label!r}{hint}", annotation.text))
        return kept


def lopsided(
    labels: Sequence[str],
    documents: Mapping[str, int],
    wrong: Mapping[str, int],
    *,
    exclusive: bool,
) -> list[tuple[str, Note]]:
    """Labels that nothing can be told from; see `components.tasks.base.Task.lopsided`."""
    there = [label for label in labels if documents.get(label)]
    if exclusive:
        if len(there) > 1:
            return []
        return [(there[0], Note("one_class", f"every text that has a label has {there[0]!r}"))]
    always = [label for label in there if not wrong.get(label)]
    grave = always == there
    return [
        (
            label,
            Note(
                "one_class",
                f"nobody said of any text that it is not {label!r}",
                policy=problems.Policy.STOP if grave else problems.Policy.WARN,
            ),
        )
        for label in always
    ]


def merge(answers: Sequence[Answers], newest: int, *, exclusive: bool) -> Answers:
    """Let annotators vote; the newest decides a tie."""
    latest = answers[newest]
    votes = Counter(name for each in answers for name, there in each.cats.items() if there)
    if exclusive:
        most = max(votes.values(), default=0)
        first = [name for name, there in latest.cats.items() if there]
        best = [name for name, count in votes.items() if count == most]
        chosen = next((name for name in first if name in best), best[0] if best else None)
        latest.cats = {label: label == chosen for label in latest.cats}
        return latest
    half = len(answers) / 2
    latest.cats = {
        label: votes[label] > half or (votes[label] == half and there)
        for label, there in latest.cats.items()
    }
    return latest


def merge_partial(
    answers: Sequence[Answers], labels: Sequence[str], *, exclusive: bool
) -> tuple[Answers, int]:
    """Put answers together that are about one label each, the oldest first; a newer one replaces.

    In an exclusive task an accepted label makes the others wrong, and the last that is left when
    all others were rejected is right.
    """
    cats: dict[str, bool] = {}
    contradicted = 0
    for each in answers:
        contradicted += sum(cats.get(label, there) != there for label, there in each.cats.items())
        cats |= each.cats
        right = [label for label, there in each.cats.items() if there]
        if exclusive and right:
            contradicted += sum(cats[one] and one not in right for one in cats)
            cats = {label: label == right[-1] for label in labels}
    if exclusive:
        left = [label for label in labels if cats.get(label) is not False]
        if not left:  # one of them must be right: the newest answer counts
            contradicted, cats = contradicted + 1, dict(answers[-1].cats)
        elif len(left) == 1:
            cats = {label: label == left[0] for label in labels}
    merged = answers[-1]
    merged.cats, merged.complete = cats, len(cats) == len(labels)
    return merged, contradicted
