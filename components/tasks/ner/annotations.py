"""The entities in annotations: spans, labels and votes."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import pairwise

from components.records.annotation import Annotation, RawSpan
from components.records.edges import trim
from components.records.offsets import Spans
from components.records.problems import Note, QuarantineError
from components.records.record import Answers, Span, composed
from components.records.tokens import Boundaries
from components.tasks.base import Policy
from components.tasks.iob import is_tag

SHOWN = 200  # characters of a span in a message


class Checker:
    """Takes entities out of annotations.

    Args:
        elsewhere: labels of spans that other tasks read.
        of_mine: those of them that speak of entities, such as their status.
    """

    def __init__(
        self,
        labels: Sequence[str],
        policy: Policy,
        elsewhere: frozenset[str] = frozenset(),
        of_mine: frozenset[str] = frozenset(),
    ):
        self.declared = frozenset(labels)
        self.elsewhere = elsewhere
        self.of_mine = of_mine
        self.rank = {label: place for place, label in enumerate(labels)}
        self.by_upper = {label.upper(): label for label in labels}
        self.policy = policy

    def check(
        self, annotation: Annotation, boundaries: Boundaries
    ) -> tuple[Answers | None, list[Note]]:
        """Check and repair one annotation, whose text has been checked.

        Raises:
            QuarantineError: a span cannot be trusted, so the record cannot.
        """
        notes: list[Note] = []
        if not annotation.about_spans or self.only_of_mine(annotation):
            return None, notes
        accepted, rejected = answered(annotation, notes)
        spans = self.repair_all(annotation, accepted, boundaries, notes)
        answers = Answers(
            spans=self.without_overlaps(spans, annotation.text, notes),
            complete=annotation.complete and not annotation.binary,
            rejected=self.repair_all(annotation, rejected, boundaries, notes),
        )
        return answers, notes

    def only_of_mine(self, annotation: Annotation) -> bool:
        """Whether all spans speak of entities that were marked in another pass."""
        labels = {self.renamed(span) for span in annotation.spans} if self.of_mine else set()
        return bool(labels) and labels <= self.of_mine

    def renamed(self, span: RawSpan) -> str:
        label = composed(span.label or "")
        return self.policy.select.rename.get(label, label)

    def repair_all(
        self,
        annotation: Annotation,
        raw: Sequence[RawSpan],
        boundaries: Boundaries,
        notes: list[Note],
    ) -> list[Span]:
        """Repair spans; sorted, without duplicates and without labels that are left out."""
        if not raw:
            return []
        text = annotation.text
        chosen = [(span, label) for span in raw if (label := self.label(span, annotation, notes))]
        located = Spans(
            text,
            [span for span, _ in chosen],
            boundaries.own,
            boundaries,
            annotation.trusted,
            notes,
        ).locate()
        if not annotation.trusted and any(span.text is None for span, _ in chosen):
            notes.append(Note("offsets_unverified", excerpt=text))
        repaired = []
        for (_, label), place in zip(chosen, located, strict=True):
            (start, end), trimmed = trim(text, *place)
            notes.extend(trimmed)
            if not boundaries.aligned(start, end):
                start, end = self.align(text, start, end, label, boundaries, notes)
            repaired.append(Span(start, end, label))
        return self.distinct(repaired, text, notes)

    def label(self, span: RawSpan, annotation: Annotation, notes: list[Note]) -> str:
        """The label to train, or "" if its spans are left out."""
        select = self.policy.select
        label = self.renamed(span)
        if label in select.drop or (select.keep and label not in select.keep):
            return ""
        if label in self.declared:
            return label
        if label in self.elsewhere:
            return ""
        if not label or is_tag(label):
            notes.append(Note("bad_label", repr(label), annotation.text))
        else:
            notes.append(Note("undeclared_label", self.suggest(label), annotation.text))
        return ""

    def suggest(self, label: str) -> str:
        """The label with the nearest declared one."""
        nearest = get_close_matches(label.upper(), self.by_upper, n=1)
        return f"{label!r}: did you mean {self.by_upper[nearest[0]]!r}?" if nearest else repr(label)

    def align(
        self,
        text: str,
        start: int,
        end: int,
        label: str,
        boundaries: Boundaries,
        notes: list[Note],
    ) -> tuple[int, int]:
        """Move a span onto token boundaries as the config says."""
        policy = self.policy.misaligned
        shown = f"{label} {words(text, start, end)}"
        if policy == "quarantine":
            raise QuarantineError("misaligned_span", f"{shown} is off token boundaries")
        moved = getattr(boundaries, policy)(start, end)
        if moved[0] >= moved[1] or not text[slice(*moved)].strip():
            raise QuarantineError("misaligned_span", f"{shown} holds no whole token")
        (start, end), _ = trim(text, *moved)
        became = f"{shown} {policy}ed to {words(text, start, end)}"
        notes.append(Note("misaligned_span", became, text, label=label))
        return start, end

    def distinct(self, spans: Iterable[Span], text: str, notes: list[Note]) -> list[Span]:
        kept: list[Span] = []
        for span in sorted(spans):
            if kept and span == kept[-1]:
                notes.append(Note("duplicate_span", show(span, text), text))
            else:
                kept.append(span)
        return kept

    def without_overlaps(self, spans: list[Span], text: str, notes: list[Note]) -> list[Span]:
        """Apply the policy of the config to overlapping spans."""
        if all(one.end <= other.start for one, other in pairwise(spans)):
            return spans
        policy = self.policy.overlap
        single, same = self.one_of_each_place(spans)
        kept, overlapped = drop_overlaps(single, longest=policy == "longest")
        kinds = ["several_labels"] * len(same) + ["overlapping_spans"] * len(overlapped)
        for kind, (span, rival) in zip(kinds, [*same, *overlapped], strict=True):
            detail = f"{show(span, text)} overlaps {show(rival, text)}"
            if policy == "quarantine":
                raise QuarantineError("overlapping_spans", detail)
            notes.append(Note(kind, f"{detail}, which stays", text, label=span.label))
        return kept

    def one_of_each_place(self, spans: list[Span]) -> tuple[list[Span], list[tuple[Span, Span]]]:
        """Of spans in one place the one whose label the config names first; and those dropped."""
        chosen: dict[tuple[int, int], Span] = {}
        overlapped = []
        for span in sorted(spans, key=lambda span: self.rank[span.label]):
            rival = chosen.setdefault((span.start, span.end), span)
            if rival is not span:
                overlapped.append((span, rival))
        return sorted(chosen.values()), overlapped


def merge(text: str, tokens: Boundaries, answers: Sequence[Answers], newest: int) -> Answers:
    """Keep the spans that more than half of the annotators marked; the newest decides a tie.

    Two such spans never overlap: some annotator would have marked both.
    """
    latest = answers[newest]
    latest.spans, _ = drop_overlaps(onto_tokens(voted(answers, newest), text, tokens))
    return latest


def voted(answers: Sequence[Answers], newest: int) -> list[Span]:
    """The spans that more than half of the annotators marked; the newest decides a tie."""
    votes = Counter(span for each in answers for span in each.spans)
    half, latest = len(answers) / 2, {*answers[newest].spans}
    return [
        span for span, count in votes.items() if count > half or (count == half and span in latest)
    ]


def merge_partial(text: str, tokens: Boundaries, answers: Sequence[Answers]) -> tuple[Answers, int]:
    """Gather accepted and rejected spans, the oldest answer first; a newer answer replaces."""
    right, wrong, contradicted = gathered(answers)
    merged = answers[-1]
    merged.spans, overlapped = drop_overlaps(onto_tokens(right, text, tokens))
    merged.rejected = onto_tokens(wrong, text, tokens)
    return merged, contradicted + len(overlapped)


def gathered(answers: Sequence[Answers]) -> tuple[list[Span], list[Span], int]:
    """What the newest answers accept and reject, and how many older ones they contradict."""
    accepted: dict[Span, bool] = {}
    contradicted = 0
    for each in answers:
        said = dict.fromkeys(each.rejected, False) | dict.fromkeys(each.spans, True)
        contradicted += sum(accepted.get(span, yes) != yes for span, yes in said.items())
        accepted |= said
    right = [span for span, yes in accepted.items() if yes]
    return right, [span for span, yes in accepted.items() if not yes], contradicted


def drop_overlaps(
    spans: list[Span], *, longest: bool = True
) -> tuple[list[Span], list[tuple[Span, Span]]]:
    """Keep the longest, or else the first, of overlapping spans; ties go to the first.

    Returns:
        The spans kept, sorted, and each one dropped with the one that it overlaps.
    """
    if longest:
        spans = sorted(spans, key=lambda span: (span.start - span.end, span))
    kept: list[Span] = []
    overlapped = []
    for span in spans:
        rival = find_rival(kept, span)
        if rival is None:
            insort(kept, span)
        else:
            overlapped.append((span, rival))
    return kept, overlapped


def onto_tokens(spans: Iterable[Span], text: str, boundaries: Boundaries) -> list[Span]:
    """Expand spans to whole tokens: other annotations may have come with other tokens."""
    moved = set()
    for span in spans:
        start, end = span.start, span.end
        if not boundaries.aligned(start, end):
            (start, end), _ = trim(text, *boundaries.expand(start, end))
        moved.add(Span(start, end, span.label))
    return sorted(moved)


def find_rival(kept: Sequence[Span], span: Span) -> Span | None:
    """The span that overlaps `span` among sorted ones that do not overlap each other."""
    place = bisect_left(kept, span)
    if place and kept[place - 1].end > span.start:
        return kept[place - 1]
    if place < len(kept) and kept[place].start < span.end:
        return kept[place]
    return None


def answered(annotation: Annotation, notes: list[Note]) -> tuple[list[RawSpan], list[RawSpan]]:
    """Split spans into accepted and rejected ones; only binary answers reject."""
    if not annotation.binary:
        return annotation.spans, annotation.rejected
    answers = [(span, span.answer or annotation.answer) for span in annotation.spans]
    if any(answer != annotation.answer for _, answer in answers):
        notes.append(Note("span_answer_differs", excerpt=annotation.text))
    return (
        [span for span, answer in answers if answer == "accept"],
        [span for span, answer in answers if answer == "reject"],
    )


def show(span: Span, text: str) -> str:
    return f"{span.label} {words(text, span.start, span.end)}"


def words(text: str, start: int, end: int) -> str:
    """What a span covers, in quotes; of a long one the first words."""
    return f"{text[start : min(end, start + SHOWN)]!r}{'…' if end - start > SHOWN else ''}"
