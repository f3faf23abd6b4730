"""Questions about whole texts, as the answers of an export show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from components.records.annotation import Annotation, RawChoice

FEW_MISTAKES = 0.05


@dataclass
class Question:
    """One question, with counts over the accepted records that answer it.

    Attributes:
        name: "" where the export has no names of questions.
        classes: label -> records of which it is said.
        options: labels that could be chosen, as far as records say.
        styles: "single" or "multiple" -> records that say whether they let choose several.
        several: of the others, those that have several classes, or were asked about one alone;
            `none`: those without one.
        of_span: records that show exactly one span, of which the question may be.
    """

    name: str = ""
    classes: Counter[str] = field(default_factory=Counter)
    options: set[str] = field(default_factory=set)
    styles: Counter[str] = field(default_factory=Counter)
    records: int = 0
    several: int = 0
    none: int = 0
    of_span: int = 0

    @property
    def is_any_of(self) -> bool:
        """Whether a text may have any of the classes, or the only one or not.

        A few accepted records without a class are mistakes where exactly one is asked for.
        """
        if len(self.classes) < 2:
            return True
        if self.styles:
            return self.styles["multiple"] > self.styles["single"]
        return self.several > 0 or self.none > FEW_MISTAKES * self.records

    def count(self, choice: RawChoice, annotation: Annotation) -> None:
        """Count an accepted answer."""
        self.records += 1
        self.classes.update(choice.accepted)
        self.options.update(choice.options or ())
        alone = choice.options is not None and choice.options == choice.accepted
        if choice.several is not None:
            self.styles["multiple" if choice.several else "single"] += 1
        self.several += len(choice.accepted) > 1 or alone
        self.none += not choice.accepted
        self.of_span += len(annotation.spans) == 1 and not annotation.about_spans

    def add(self, other: Question) -> None:
        """Count what was asked as another question, too."""
        self.classes += other.classes
        self.options |= other.options
        self.styles += other.styles
        self.records += other.records
        self.several += other.several
        self.none += other.none
        self.of_span += other.of_span


def key_of(choice: RawChoice) -> tuple[str, frozenset[str]]:
    """What tells a question from others: its name, else what it lets choose.

    Where that is one label, or not known, it is what records of yes and no ask: one for all.
    """
    options = frozenset(choice.options or ())
    return choice.question, options if len(options) > 1 and not choice.question else frozenset()


def joined(questions: Iterable[Question]) -> list[Question]:
    """The same questions, those without a name that have labels in common as one."""
    apart: list[Question] = []
    for one in questions:
        labels = one.options | one.classes.keys()
        for other in [*apart]:
            common = labels & (other.options | other.classes.keys())
            if common and not one.name and not other.name:
                one.add(other)
                apart.remove(other)
        apart.append(one)
    return [one for one in apart if one.classes]
