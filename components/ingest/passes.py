"""Passes over the same texts that each ask for labels of their own, as with one label at a time.

A pass says nothing about the labels of the others: its annotations are united with theirs, and do
not vote against them. What tells passes from annotators who disagree is the whole: what each pass
marks anywhere has no label in common with the others, and their spans seldom meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations

from components.ingest.candidate import Candidate
from components.records.record import Span
from components.tasks.base import Task

MIN_SHARED = 2  # texts that two passes have in common
MOST_CLASHES = 0.1  # of these: passes that contradict each other more often are none

# An annotator, and which of their annotations of a text; or a file, and OF_FILE.
Turn = tuple[str, int]
OF_FILE = -1
Passes = Mapping[Turn, frozenset[str]]  # turn -> the labels of its pass
Way = Callable[[Sequence[Candidate]], list[tuple[Turn, Candidate]]]


def turns(candidates: Sequence[Candidate]) -> list[tuple[Turn, Candidate]]:
    """Each annotation of a text with its annotator and its number among theirs."""
    if len(candidates) == 1:
        return [((candidates[0].annotator, 0), candidates[0])]
    seen: dict[str, int] = {}
    numbered = []
    for candidate in sorted(candidates, key=lambda candidate: candidate.age):
        turn = seen.get(candidate.annotator, 0)
        numbered.append(((candidate.annotator, turn), candidate))
        seen[candidate.annotator] = turn + 1
    return numbered


def of_files(candidates: Sequence[Candidate]) -> list[tuple[Turn, Candidate]]:
    """Each annotation of a text with its file."""
    return [((candidate.file, OF_FILE), candidate) for candidate in candidates]


def find_passes(texts: Iterable[Sequence[Candidate]], task: Task) -> dict[Turn, frozenset[str]]:
    """The labels of the pass that each turn belongs to; nothing where there are no passes.

    A turn is one of an annotator's annotations of a text, or else a file: where passes are not over
    the same texts, the first annotation of a text may be of any.
    """
    texts = [[one for one in some if task.name in one.complete] for some in texts]
    return passes_by(turns, texts, task) or passes_by(of_files, texts, task)


def passes_by(
    way: Way, texts: Sequence[Sequence[Candidate]], task: Task
) -> dict[Turn, frozenset[str]]:
    """As `find_passes`, by one way to tell turns."""
    labels: dict[Turn, set[str]] = {}
    # Few differ, of many.
    for turn, marked in {(turn, one.labels) for some in texts for turn, one in way(some)}:
        labels.setdefault(turn, set()).update(marked.intersection(task.labels))
    passes = {turn: frozenset(names) for turn, names in labels.items()}
    different = {*passes.values()}
    if len(different) < 2 or frozenset() in different:
        return {}
    if any(one & other for one, other in combinations(different, 2)):
        return {}
    shared = clashes = 0
    for some in texts:
        groups = by_pass(some, passes)
        if len(groups) > 1:
            shared += 1
            # Spans of several labels may well meet where a task lets them.
            clashes += not task.overlapping and clash(groups, task.name)
    return passes if shared >= MIN_SHARED and clashes <= MOST_CLASHES * shared else {}


def by_pass(
    candidates: Sequence[Candidate], passes: Passes
) -> dict[frozenset[str], list[Candidate]]:
    """The annotations of a text by the labels of their pass."""
    groups: dict[frozenset[str], list[Candidate]] = {}
    way = of_files if next(iter(passes))[1] == OF_FILE else turns
    for turn, candidate in way(candidates):
        groups.setdefault(passes[turn], []).append(candidate)
    return groups


def clash(groups: Mapping[frozenset[str], Sequence[Candidate]], task: str) -> bool:
    """Whether spans of two passes meet."""
    marked = [
        {span for candidate in some for span in candidate.record.answers[task].spans}
        for some in groups.values()
    ]
    return any(meet(one, other) for a, b in combinations(marked, 2) for one in a for other in b)


def meet(one: Span, other: Span) -> bool:
    """Whether two spans share a character."""
    return one.start < other.end and other.start < one.end
