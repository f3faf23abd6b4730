"""Prodigy's JSON Lines: ner.manual, ner.correct, ner.teach, spans.manual, choice and review."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec

from components.ingest.readers.json_faults import strict_object
from components.ingest.readers.typed import Parser, Row
from components.records.annotation import Annotation, Item, Place, RawChoice, RawSpan, Refused
from components.records.problems import QuarantineError, StopReadingError
from components.records.sources import SourceFile

# Interfaces that ask for spans, and those that ask for something else.
OF_SPANS = re.compile("ner|ner_manual|spans|spans_manual|blocks|review|relations|pos|dep")
OF_OTHERS = re.compile(
    "choice|classification|html|text|text_input|compare|diff|(image|audio|video).*"
)
OF_CLASSES = ("choice", "classification")  # spans in their rows are only shown
# What an interface asks for, where it says it: spans that may not overlap, or those that may.
ASKED = {"ner": "ents", "ner_manual": "ents", "spans": "spans", "spans_manual": "spans"}
BINARY = ("ner", "spans")  # interfaces that show spans, to be accepted or rejected
WITH_OPTIONS = (*OF_CLASSES, "blocks", "review", None)
# What Prodigy and its recipes write into spans that says nothing of the annotator's.
OF_TOOL = {"id", "source", "input_hash", "pattern", "score", "rank", "priority", "hidden", "color"}
TAGGED = {"tags", "tag", "split"}  # keys of meta
BLOCK = 32  # records looked at together: more would not stay in the processor's cache

Numbered = tuple[int, bytes]  # a record, and where it stands

quick = Parser().parse


def read_items(source: str, records: Iterable[Numbered], _file: SourceFile) -> Iterator[Item]:
    """Yield the one annotation of each record."""
    for block in blocks(records):
        rows = quick([line for _, line in block])
        for (number, line), row in zip(block, rows, strict=True):
            place = Place(source, number)
            try:
                yield to_annotation(place, row or parse(line), line)
            except QuarantineError as problem:
                yield Refused(place, problem.kind, problem.detail, line)


def blocks(records: Iterable[Numbered]) -> Iterator[list[Numbered]]:
    """Put records together; those before one at which reading stops come before the error."""
    coming = iter(records)
    block: list[Numbered] = []
    while True:
        try:
            block.extend(islice(coming, BLOCK))  # keeps what came before an error
        except StopReadingError:
            yield block
            raise
        if not block:
            return
        yield block
        block = []


def parse(line: bytes) -> Row:
    """Parse a record that there may be anything wrong with.

    Raises:
        QuarantineError: with the class of what is wrong.
    """
    return careful(strict_object(line))


def careful(value: dict[str, Any]) -> Row:
    """Convert a JSON object whose types may be wrong; wrong tokens alone are no reason to refuse.

    Raises:
        QuarantineError: the text, the spans or the answer have a wrong type.
    """
    try:
        return msgspec.convert(value, Row)
    except msgspec.ValidationError as error:
        where = str(error)
        if "$.tokens" in where:
            return careful({**value, "tokens": []})
        if "$.answer" in where:
            raise QuarantineError("missing_answer", where) from error
        if "$.spans[" in where and re.search(r"[.`](start|end)\b", where):
            detail = f"offsets must be whole numbers: {where}"
            raise QuarantineError("bad_offsets", detail) from error
        raise QuarantineError("wrong_shape", where) from error


def to_annotation(place: Place, row: Row, line: bytes) -> Annotation:
    spans = row.spans or []
    meta = row.meta if isinstance(row.meta, dict) else {}
    choices, marked = choices_of(row), is_about_spans(row)
    return Annotation(
        place=place,
        text=row.text,
        spans=spans,
        raw=line,
        tokens=row.tokens,
        answer=row.answer,
        annotator=name(row.annotator) or name(row.session),
        time=seconds(row.time),
        reviewed=row.view == "review" or bool(row.versions),
        # A rejected choice says what the text is not, and nothing else. Of spans and a choice that
        # were asked for at once nobody knows which of them is wrong.
        binary=is_binary(row, spans) or bool(choices and row.answer == "reject" and not marked),
        choices=choices,
        tags=find_tags(row.tags, meta),
        meta=meta,
        about_spans=marked,
        span_keys=keys_of(row, line) if spans and marked else {},
        asked=ASKED.get(row.view, "") if isinstance(row.view, str) else "",
        relations=len(row.relations) if isinstance(row.relations, list) else 0,
        others=others_of(row) if row.user_input or row.flagged else {},
    )


def others_of(row: Row) -> dict[str, int]:
    """What an annotator typed into a field of the usual name, and a flag."""
    said = {"user_input": row.user_input, "flagged": row.flagged}
    return {name: 1 for name, one in said.items() if one}


class SpansAlone(msgspec.Struct):
    """The spans of a record with all their keys."""

    spans: list[dict[str, Any]]


def keys_of(row: Row, line: bytes) -> dict[str, int]:
    """Keys that people have put into spans, such as an `assertion`: in how many each is."""
    spans = row.spans or []
    if row.more is not None:  # all spans have the same keys
        return {key: len(spans) for key in row.more if key not in OF_TOOL} if row.more else {}
    try:
        objects = msgspec.json.decode(line, type=SpansAlone).spans
    except msgspec.DecodeError:
        return {}
    known = OF_TOOL.union(RawSpan.__struct_encode_fields__)
    more = [key for one in objects for key, said in one.items() if said is not None]
    return dict(Counter(key for key in more if key not in known))


def is_about_spans(row: Row) -> bool:
    """Whether spans were asked for; a classification of the same text says nothing about them."""
    if row.view in OF_CLASSES:
        return False
    if row.spans:
        # Patterns of textcat.teach mark what they matched, without a label.
        return row.label is None or any(span.label for span in row.spans)
    asked = row.options is not None or row.accept is not None or row.label is not None
    if row.view == "review" and asked and row.spans is None:
        return False
    # Blocks of ner_manual bring tokens.
    if row.view == "blocks" and asked and row.spans is None and row.tokens is None:
        return False
    if isinstance(row.view, str) and OF_SPANS.fullmatch(row.view):
        return True
    if isinstance(row.view, str) and OF_OTHERS.fullmatch(row.view):
        return False
    return not (asked and row.spans is None)


def choices_of(row: Row) -> list[RawChoice]:
    """What a row of `choice` or a yes-or-no question about a label says of the whole text."""
    asked = isinstance(row.options, list) and row.view in WITH_OPTIONS
    if isinstance(row.accept, list) or asked:
        accepted = [name(label) for label in row.accept or ()]
        options = row.options if isinstance(row.options, list) else None
        ids = options and [option_id(each) for each in options]
        return [RawChoice(accepted, ids, several=several_of(row))]
    # A question about spans names their label, too.
    if isinstance(row.label, str) and row.label and not is_about_spans(row):
        return [RawChoice([row.label], [row.label])]
    return []


def several_of(row: Row) -> bool | None:
    """Whether an annotator could choose several options, if the row says."""
    style = row.config.get("choice_style") if isinstance(row.config, dict) else None
    return {"single": False, "multiple": True}.get(str(style))


def option_id(option: Any) -> str:
    """The id of an option, which is what `accept` holds."""
    return name(option.get("id")) if isinstance(option, dict) else name(option)


def is_binary(row: Row, spans: list[RawSpan]) -> bool:
    """ner.teach asks yes or no about single spans; old exports only show it in the spans."""
    if isinstance(row.binary, bool):
        return row.binary
    if row.view is not None:
        return row.view in BINARY
    return any(span.answer is not None for span in spans)


def seconds(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, int | float) else None
    except OverflowError:
        return None


def name(value: Any) -> str:
    return "" if value is None else str(value)


def find_tags(tags: Any, meta: dict[str, Any]) -> tuple[str, ...]:
    """Tags of a record: `tags`, meta.tags, meta.tag or meta.split; one or several."""
    if tags is None and TAGGED.isdisjoint(meta):
        return ()
    tags_of_record: list[str] = []
    for value in (tags, meta.get("tags"), meta.get("tag"), meta.get("split")):
        values = value if isinstance(value, list) else [value]
        tags_of_record += [str(item) for item in values if isinstance(item, str | int)]
    return tuple(tags_of_record)
