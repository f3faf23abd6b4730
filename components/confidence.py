"""How sure spaCy's entity recogniser is of the entities that it finds.

The transition-based parser has no probability of its own: a beam search over the same scores gives
each entity's share of the beam (spaCy's `scored_ents`). It orders entities by doubt; it is not a
calibrated probability.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from spacy.language import Language
from spacy.pipeline import EntityRecognizer
from spacy.tokens import Doc

BEAM_WIDTH, BEAM_DENSITY = 8, 0.001

Shares = dict[tuple[int, int, str], float]


def beam_shares(nlp: Language, docs: Sequence[Doc]) -> list[Shares] | None:
    """The share of the beam of every entity that it holds, for each document.

    Args:
        docs: documents that the pipeline has been over.

    Returns:
        for each document (first character, character after the last, label) -> share, 0 to 1;
        None where the pipeline has no such recogniser.
    """
    ner = next((pipe for _, pipe in nlp.pipeline if isinstance(pipe, EntityRecognizer)), None)
    if ner is None:
        return None
    with without_entities(docs):
        beams = ner.beam_parse(docs, beam_width=BEAM_WIDTH, beam_density=BEAM_DENSITY)
    return [
        {
            (doc[start].idx, doc[end - 1].idx + len(doc[end - 1]), label): min(1.0, float(share))
            for (start, end, label), share in scores.items()
        }
        for doc, scores in zip(docs, ner.scored_ents(beams), strict=True)
    ]


@contextmanager
def without_entities(docs: Sequence[Doc]) -> Iterator[None]:
    """Take the entities away for a while: those that stand already would bind the beam."""
    kept = [list(doc.ents) for doc in docs]
    for doc in docs:
        doc.set_ents([], default="missing")
    yield
    for doc, entities in zip(docs, kept, strict=True):
        doc.set_ents(entities)
