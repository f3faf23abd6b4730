"""How sure a pipeline is of the entities that it finds.

The transition-based parser has no probability of its own: a beam search over the same scores gives
each entity's fraction of the beam (spaCy's `scored_ents`), which orders them by doubt and is not
calibrated. A tagger whose tags make entities has probabilities, which training calibrates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from spacy.language import Language
from spacy.pipeline import EntityRecognizer, Tagger
from spacy.tokens import Doc

from components.tasks.iob import labels_of
from components.tasks.ner.tag_confidence import probable

BEAM_WIDTH, BEAM_DENSITY = 8, 0.001

Probabilities = dict[tuple[int, int, str], float]


def entity_probabilities(nlp: Language, docs: Sequence[Doc]) -> list[Probabilities] | None:
    """How sure a pipeline is of every entity that it thinks possible, for each document.

    Args:
        docs: documents that the pipeline has been over.

    Returns:
        for each document (first character, character after the last, label) -> probability, 0 to 1;
        None where nothing in the pipeline can tell.
    """
    for _, pipe in nlp.pipeline:
        if isinstance(pipe, EntityRecognizer):
            with without_entities(docs):
                beams = pipe.beam_parse(docs, beam_width=BEAM_WIDTH, beam_density=BEAM_DENSITY)
            return [
                in_characters(*pair) for pair in zip(docs, pipe.scored_ents(beams), strict=True)
            ]
        if isinstance(pipe, Tagger) and labels_of(pipe.labels):
            return [in_characters(*pair) for pair in zip(docs, probable(pipe, docs), strict=True)]
    return None


def in_characters(doc: Doc, scores: Mapping[tuple[int, int, str], float]) -> Probabilities:
    """The same probabilities by characters instead of tokens."""
    return {
        (doc[start].idx, doc[end - 1].idx + len(doc[end - 1]), label): min(1.0, float(probability))
        for (start, end, label), probability in scores.items()
    }


@contextmanager
def without_entities(docs: Sequence[Doc]) -> Iterator[None]:
    """Take the entities away for a while: those that stand already would bind the beam."""
    kept = [list(doc.ents) for doc in docs]
    for doc in docs:
        doc.set_ents([], default="missing")
    yield
    for doc, entities in zip(docs, kept, strict=True):
        doc.set_ents(entities)
