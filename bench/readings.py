"""What a token classifier's scores are read as: entities by the product's rule, or by the book.

By the book: the likeliest row of tags in which an I- goes on the label before it (Viterbi's method,
IEEE Transactions on Information Theory 13, 1967). That needs a component which is not spaCy's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import spacy
from spacy.training import Corpus

from bench.tried import by_the_book

Span = tuple[int, int, str]


def readings(model: Path, corpus: Path) -> dict[str, float]:
    """F of both on a corpus, all entities together, where each is exactly there or not."""
    nlp = spacy.load(model)
    tagger: Any = nlp.get_pipe("tags")
    found: dict[str, set[tuple[int, Span]]] = {"as it is": set(), "by the book": set()}
    gold: set[tuple[int, Span]] = set()
    for number, example in enumerate(Corpus(corpus)(nlp)):
        doc = nlp(example.predicted)
        [scores] = tagger.model.predict([doc])
        tags = likeliest(np.asarray(scores), list(tagger.labels))
        gold |= {(number, span) for span in spans(example.reference)}
        found["as it is"] |= {(number, span) for span in spans(doc)}
        found["by the book"] |= {(number, span) for span in entities(tags)}
    return {f"{name} f": f_of(some, gold) for name, some in found.items()}


def likeliest(scores: Any, tags: list[str]) -> list[str]:
    """The row of tags by the book with the highest sum of scores, tokens x tags."""
    follows = by_the_book(tags).numpy()
    starts = np.array([tag.startswith("I-") for tag in tags])
    best, came_from = np.where(starts, -1e4, scores[0]), []
    for row in scores[1:]:
        each = best[:, None] + follows
        came_from.append(each.argmax(axis=0))
        best = each.max(axis=0) + row
    path = [int(best.argmax())]
    for before in reversed(came_from):
        path.append(int(before[path[-1]]))
    return [tags[place] for place in reversed(path)]


def entities(tags: list[str]) -> list[Span]:
    """The spans of a row of tags by the book."""
    starts = [place for place, tag in enumerate(tags) if tag.startswith("B-")]
    each = []
    for start in starts:
        end = start + 1
        while end < len(tags) and tags[end].startswith("I-"):
            end += 1
        each.append((start, end, tags[start][2:]))
    return each


def spans(doc: Any) -> list[Span]:
    return [(each.start, each.end, each.label_) for each in doc.ents]


def f_of(found: set[Any], gold: set[Any]) -> float:
    return 2 * len(found & gold) / max(1, len(found) + len(gold))
