"""spaCy's DocBin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.ingest.annotation import Annotation, Item, Place, RawSpan, RawToken, Skipped
from components.ingest.problems import Problems, StopReadingError
from components.ingest.readers.lines import read_bytes

INCORRECT_SPANS = "incorrect_spans"  # spaCy's own default for incorrect_spans_key


def read_docbin(path: Path, source: str, _problems: Problems) -> Iterator[Item]:
    """One record per Doc. Docs without entity annotation are skipped: nothing is known of them."""
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    try:
        docs = list(DocBin().from_bytes(read_bytes(path, source)).get_docs(Vocab()))
    except StopReadingError:
        raise
    except Exception as error:  # DocBin checks nothing: what breaks depends on where it is cut
        raise StopReadingError(
            "corrupt_file", source, f"it is not a whole spaCy DocBin: {error}"
        ) from error
    for number, doc in enumerate(docs, start=1):
        place = Place(source, number)
        if doc.has_annotation("ENT_IOB"):
            yield annotation(place, doc)
        else:
            yield Skipped(place, "document without entity annotation")


def annotation(place: Place, doc: Any) -> Annotation:
    incorrect = doc.spans.get(INCORRECT_SPANS, ())
    return Annotation(
        place=place,
        text=doc.text,
        spans=[raw_span(span) for span in doc.ents],
        raw=doc.text.encode(),
        tokens=[RawToken(token.idx, token.idx + len(token), token.text) for token in doc],
        answer="accept",
        complete=all(token.ent_iob != 0 for token in doc),
        rejected=[raw_span(span) for span in incorrect],
        meta=plain_values(doc.user_data),
    )


def raw_span(span: Any) -> RawSpan:
    return RawSpan(span.start_char, span.end_char, span.label_)


def plain_values(user_data: dict[Any, Any]) -> dict[str, Any]:
    """What can be written as JSON: user data may hold arrays, under keys that are tuples."""
    return {
        key: value
        for key, value in user_data.items()
        if isinstance(key, str) and isinstance(value, str | int | float)
    }
