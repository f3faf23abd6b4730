"""Which runs of words a span categoriser looks at: as few lengths as hold enough of the spans.

spaCy's own configs look at runs of one, two and three words, whatever the spans are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

COSTLY = 20  # runs for each word, from which on a model takes more time for them than for the text


@dataclass
class Lengths:
    """How long spans and documents are, in words.

    Attributes:
        spans: length -> spans of it.
        documents: length -> documents of it.
    """

    spans: Counter[int] = field(default_factory=Counter)
    documents: Counter[int] = field(default_factory=Counter)

    def chosen(self, recall: float) -> list[int]:
        """The lengths that hold a fraction of the spans at the least cost, rising.

        Greedy: the length with the most spans for each run that has to be looked at comes first;
        then those go that are not needed any more.
        """
        wanted = recall * self.spans.total()
        ranked = sorted(self.spans, key=lambda size: (-self.spans[size] / self.runs(size), size))
        taken: list[int] = []
        while self.held(taken) < wanted:
            taken.append(ranked[len(taken)])
        for size in taken[::-1]:
            fewer = [one for one in taken if one != size]
            if self.held(fewer) >= wanted:
                taken = fewer
        return sorted(taken)

    def held(self, sizes: Iterable[int]) -> int:
        """How many spans have one of these lengths."""
        return sum(self.spans[size] for size in sizes)

    def runs(self, size: int) -> int:
        """How many runs of so many words the documents have; 1 at least."""
        each = (count * max(0, length - size + 1) for length, count in self.documents.items())
        return max(1, sum(each))

    def cost(self, sizes: Iterable[int]) -> float:
        """Runs of these lengths for each word of the documents."""
        words = sum(length * count for length, count in self.documents.items())
        return sum(map(self.runs, sizes)) / max(1, words)

    def in_words(self, sizes: Sequence[int]) -> str:
        """What looking at these lengths finds, and costs."""
        share = self.held(sizes) / max(1, self.spans.total())
        return (
            f"runs of {ranges(sizes)} words, which {share:.1%} of the spans are: "
            f"{self.cost(sizes):.1f} for each word of a text"
        )


def ranges(sizes: Sequence[int]) -> str:
    """Numbers as people write them: 1-7, 9."""
    parts: list[list[int]] = []
    for size in sizes:
        if parts and size == parts[-1][-1] + 1:
            parts[-1].append(size)
        else:
            parts.append([size])
    return ", ".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)


def remarks(spans: Counter[int], documents: Counter[int], recall: float) -> list[str]:
    """What a model would look at if it learnt from these, for the report on the data."""
    lengths = Lengths(spans, documents)
    if not spans:
        return []
    sizes = lengths.chosen(recall)
    said = [f"The model considers {lengths.in_words(sizes)}."]
    if lengths.cost(sizes) > COSTLY:
        said.append("That takes much time and memory: a lower `recall` of the task takes less.")
    return said
