"""spaCy's DocBin."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from components.ingest.readers.classes import of_cats
from components.ingest.readers.lines import read_bytes
from components.ingest.readers.prodigy import find_tags
from components.records.annotation import (
    Annotation,
    Item,
    Place,
    RawSpan,
    RawToken,
    Refused,
    Skipped,
)
from components.records.groups import INCORRECT_SPANS, is_rejected, rejected_of
from components.records.problems import Problems, QuarantineError, StopReadingError
from components.records.sources import SourceFile


def read_docbin(path: Path, source: str, _problems: Problems, _file: SourceFile) -> Iterator[Item]:
    """One record per document; one of which nothing is known is skipped.

    Windows of one document, as `convert` writes them, become that document again: by itself each
    would be another one, in a split of its own.
    """
    coming = items(path, source)
    while True:
        try:
            item = next(coming)
        except (StopIteration, StopReadingError) as ended:
            if isinstance(ended, StopReadingError):
                raise
            return
        except Exception as error:  # DocBin checks nothing: what breaks depends on the damage
            detail = f"it is not a whole spaCy DocBin: {error}"
            raise StopReadingError("corrupt_file", source, detail) from error
        yield item


def items(path: Path, source: str) -> Iterator[Item]:
    """The records of a file.

    Raises:
        Exception: of any kind, where it is damaged.
    """
    import numpy as np
    import srsly
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    content = read_bytes(path, source)
    # With a length below 0 DocBin would take tokens twice.
    lengths = srsly.msgpack_loads(zlib.decompress(content))["lengths"]
    if (np.frombuffer(lengths, "int32") < 0).any():
        raise ValueError("a document has less than no tokens")
    packed = DocBin().from_bytes(content)
    number = 1
    for windows in documents(packed.get_docs(Vocab())):
        place = Place(source, number)
        number += len(windows)
        if not any(has_entities(doc) or doc.cats or group_names(doc) for doc in windows):
            yield Skipped(place, "document without entities, spans or classes")
            continue
        if windows[0].user_data.get("silver"):
            yield Skipped(place, "document that a model answered, and no annotator")
            continue
        try:
            yield annotation(place, windows)
        except QuarantineError as problem:
            text = "".join(doc.text for doc in windows)
            yield Refused(place, problem.kind, problem.detail, text.encode())


def documents(docs: Iterable[Any]) -> Iterator[list[Any]]:
    """Put the windows of each document together: they say of which they are, and where they start.

    Any other Doc is a document by itself.
    """
    windows: list[Any] = []
    for doc in docs:
        start = sum(len(window.text) for window in windows)
        if windows and not (start and place_of(doc) == (place_of(windows[0])[0], start)):
            yield windows
            windows = []
        windows.append(doc)
    if windows:
        yield windows


def place_of(doc: Any) -> tuple[Any, Any]:
    """The record that a Doc of `convert` is of, and the character where it starts in it."""
    return doc.user_data.get("id"), doc.user_data.get("start")


def has_entities(doc: Any) -> bool:
    """Whether somebody looked for entities in a Doc."""
    return bool(doc.has_annotation("ENT_IOB") or incorrect(doc))


def incorrect(doc: Any) -> Sequence[Any]:
    """The spans that annotators said are wrong."""
    spans: Sequence[Any] = doc.spans.get(INCORRECT_SPANS, ())
    return spans


def group_names(doc: Any) -> list[str]:
    """The groups of spans that somebody looked for in a Doc."""
    return [name for name in doc.spans if not is_rejected(name)]


def groups_of(
    windows: Sequence[Any], named: Callable[[str], str] = str
) -> dict[str, list[RawSpan]]:
    """The groups of spans of a document; empty ones, too.

    Args:
        named: makes of a group's name that of the one to take in its place.
    """
    groups: dict[str, list[RawSpan]] = {}
    start = 0
    for doc in windows:
        for name in group_names(doc):
            spans = doc.spans.get(named(name), ())
            groups.setdefault(name, []).extend(raw_span(span, start) for span in spans)
        start += len(doc.text)
    return groups


def annotation(place: Place, windows: Sequence[Any]) -> Annotation:
    text = "".join(doc.text for doc in windows)
    spans, rejected, tokens = [], [], []
    start = 0
    for doc in windows:
        spans += [raw_span(span, start) for span in doc.ents]
        rejected += [raw_span(span, start) for span in incorrect(doc)]
        edges = [(start + token.idx, token.text) for token in doc]
        tokens += [RawToken(at, at + len(word), word) for at, word in edges]
        start += len(doc.text)
    meta = meta_of(windows[0].user_data)
    return Annotation(
        place=place,
        text=text,
        spans=spans,
        raw=text.encode(),
        tokens=tokens,
        answer="accept",
        complete=all(token.ent_iob != 0 for doc in windows for token in doc),
        choices=of_cats(windows[0].cats),
        about_spans=any(map(has_entities, windows)),
        asked="ents",
        groups=groups_of(windows),
        rejected_groups=groups_of(windows, rejected_of),
        partial_groups=tuple(windows[0].user_data.get("known", ())),
        rejected=rejected,
        tags=find_tags(None, meta),
        meta=meta,
    )


def raw_span(span: Any, start: int) -> RawSpan:
    return RawSpan(start + span.start_char, start + span.end_char, span.label_)


def meta_of(user_data: dict[Any, Any]) -> dict[str, Any]:
    """The record's meta where `convert` wrote the Doc; else what of its user data is plain.

    User data may hold arrays, under keys that are tuples.
    """
    by_convert = user_data.keys() - {"unanswered", "known"} == {"id", "start", "meta"}
    if by_convert and isinstance(user_data["meta"], dict):
        return dict(user_data["meta"])
    return {key: value for key, value in user_data.items() if is_plain({key: value})}


def is_plain(value: Any) -> bool:
    """Whether a value can be written as JSON."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(is_plain, value))
    return value is None or isinstance(value, str | int | float)
