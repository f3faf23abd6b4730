"""Exports of other tools that give a text and offsets, or tokens and tags, one JSON record each.

Each format is one function from a record to what it holds. None of them says who annotated when in
a way that others would read; all that is no text and no span becomes meta.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from components.ingest.readers.classes import of_cats, of_value
from components.ingest.readers.columns import annotation, read_tags
from components.ingest.readers.json_faults import strict_value
from components.ingest.readers.label_studio_text import is_link
from components.ingest.readers.prodigy import find_tags
from components.ingest.readers.recognise import is_pair
from components.records.annotation import (
    Annotation,
    Item,
    Place,
    RawChoice,
    RawSpan,
    RawToken,
    Refused,
    Skipped,
)
from components.records.problems import QuarantineError
from components.records.sources import SourceFile

Record = dict[str, Any]

ARGILLA_1 = (
    *("text", "inputs", "annotation", "tokens", "prediction", "vectors", "metrics"),
    *("explanation", "multi_label"),
)


@dataclass
class Extracted:
    """One annotated text of a record.

    Attributes:
        words, tags: tokens and their tags, where the record has these instead of spans.
        choices: what it says of the whole text.
        about_spans: False where it says nothing of spans.
        meta: what else the record says.
        trusted: offsets count characters, end excluded, for sure.
    """

    text: str = ""
    spans: list[RawSpan] = field(default_factory=list)
    tokens: list[RawToken] | None = None
    words: list[str] | None = None
    tags: list[str] = field(default_factory=list)
    choices: list[RawChoice] = field(default_factory=list)
    about_spans: bool = True
    meta: Record = field(default_factory=dict)
    answer: str | None = "accept"
    annotator: str = ""
    trusted: bool = False
    complete: bool = True
    relations: int = 0


Extract = Callable[[Any], Iterator[Extracted | str]]
ExtractFrom = Callable[[Any, SourceFile], Iterator[Extracted | str]]


def reader_of(extract: Extract) -> Callable[..., Iterator[Item]]:
    """A reader of records that `extract` takes apart; a string from it is a reason to skip."""
    return reader_from(lambda record, _file: extract(record))


def reader_from(extract: ExtractFrom) -> Callable[..., Iterator[Item]]:
    """As `reader_of`, for formats of which the config may say more."""

    def read_items(
        source: str, records: Iterable[tuple[int, bytes]], file: SourceFile
    ) -> Iterator[Item]:
        for number, raw in records:
            yield from read_record(Place(source, number), raw, lambda one: extract(one, file))

    return read_items


def read_record(place: Place, raw: bytes, extract: Extract) -> Iterator[Item]:
    """What one record holds; refused whole where any of it is damaged."""
    try:
        items = [item_of(place, entry, raw) for entry in extract(strict_value(raw))]
    except QuarantineError as problem:
        yield Refused(place, problem.kind, problem.detail, raw)
    except (
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        IndexError,
        msgspec.ValidationError,
    ) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        yield Refused(place, "wrong_shape", f"not what this format has: {what}", raw)
    else:
        yield from items or [Skipped(place, "record without a text")]


def item_of(place: Place, entry: Extracted | str, raw: bytes) -> Item:
    if isinstance(entry, str):
        return Skipped(place, entry)
    if entry.words is not None:
        spaces = [True] * len(entry.words)
        made = annotation(place, entry.words, entry.tags, spaces, raw, {})
        made.meta = entry.meta
        made.tags = find_tags(None, entry.meta)
        return made
    return Annotation(
        place,
        string(entry.text),
        entry.spans,
        raw,
        tokens=entry.tokens,
        answer=entry.answer,
        annotator=entry.annotator,
        complete=entry.complete,
        choices=entry.choices,
        about_spans=entry.about_spans,
        trusted=entry.trusted,
        relations=entry.relations,
        tags=find_tags(None, entry.meta),
        meta=entry.meta,
    )


def string(value: Any) -> str:
    """A value that must be a text."""
    if not isinstance(value, str):
        raise TypeError(f"expected a text, not {json.dumps(value)[:40]}")
    return value


def span(start: Any, end: Any, label: Any, text: Any = None, *, last: int = 0) -> RawSpan:
    """A span whose parts may be of any type; `last` is 1 where the end is the last character.

    Raises:
        QuarantineError: the offsets are no whole numbers.
    """
    for value in (start, end):
        if not isinstance(value, int) or isinstance(value, bool):
            shown = json.dumps(value)[:40]
            raise QuarantineError("bad_offsets", f"offsets must be whole numbers, not {shown}")
    if label is not None and not isinstance(label, str):
        raise QuarantineError(
            "wrong_shape", f"a label must be a text, not {json.dumps(label)[:40]}"
        )
    return RawSpan(start, end + last, label, string(text) if text is not None else None)


def spans_of(values: Any) -> list[RawSpan]:
    """Spans as [start, end, label] or as objects, whatever their keys are called."""
    if not isinstance(values, list):
        raise TypeError(f"expected a list of spans, not {json.dumps(values)[:40]}")
    return [span_of(value) for value in values]


def span_of(value: Any) -> RawSpan:
    if isinstance(value, list):
        start, end, label, *more = value
        if len(more) > 1:  # one more is the entity's id in a knowledge base, in spaCy
            raise ValueError(f"expected [start, end, label], not {json.dumps(value)[:40]}")
        return span(start, end, label)
    start = first(value, "start", "start_offset", "startOffset", "start_char")
    end = first(value, "end", "end_offset", "endOffset", "end_char")
    label = first(value, "label", "tag", "type", "entity_group")
    return span(start, end, label, value.get("text", value.get("value")))


def first(value: Record, *keys: str) -> Any:
    """The value of the first key that is there."""
    return value[key_of(value, *keys)]


def key_of(value: Record, *keys: str) -> str:
    """The first key that is there."""
    for key in keys:
        if key in value:
            return key
    raise KeyError(keys[0])


def rest(record: Record, *taken: str) -> Record:
    """Meta: a record's own, and all keys that were not taken."""
    own = record.get("meta") or record.get("metadata")
    others = {k: v for k, v in record.items() if k not in (*taken, "meta", "metadata")}
    return {**others, **(own if isinstance(own, dict) else {})}


def doccano(record: Record) -> Iterator[Extracted | str]:
    """Doccano's JSONL: `label` as [start, end, label] or as classes, `entities`, or `annotations`.

    A project of intents has both: `cats` and `entities`.
    """
    key = key_of(record, "entities", "label", "labels", "annotations", "cats")
    values = record[key]
    taken = (key, "text", "cats", "Comments", "comments", "relations")
    choices = [of_value(record["cats"])] if record.get("cats") else []
    if key == "cats" or (values and not isinstance(values[0], list | dict)):
        choices = choices or ([of_value(values)] if values else [])
        meta = rest(record, *taken)
        yield (
            Extracted(record["text"], choices=choices, about_spans=False, meta=meta)
            if choices
            else "record without an annotation"
        )
        return
    if key == "annotations" and any(isinstance(v.get("label"), int) for v in values):
        raise QuarantineError(
            "wrong_shape", "labels are numbers: export it with the names (JSONL, not JSON)"
        )
    relations = len(record.get("relations") or ())
    meta = rest(record, *taken)
    spans = spans_of(values)
    yield Extracted(record["text"], spans, choices=choices, meta=meta, relations=relations)


def spacy(record: Any) -> Iterator[Extracted | str]:
    """spaCy's older shapes: [text, {entities, cats}], Doc.to_json, and the JSON of version 2."""
    if is_pair(record):
        text, said = record
        if not {"entities", "cats"} & {*said}:
            yield "row of another task"
            return
        yield Extracted(
            text,
            spans_of(said.get("entities", [])),
            choices=of_cats(said.get("cats") or {}),
            about_spans="entities" in said,
            meta=rest(said, "entities", "cats"),
            trusted=True,
        )
    elif "paragraphs" in record:
        for paragraph in record["paragraphs"]:
            yield of_version_2(paragraph)
    elif {"ents", "cats"} & {*record}:
        tokens = [RawToken(int(t["start"]), int(t["end"])) for t in record.get("tokens", ())]
        meta = rest(record, "text", "ents", "tokens", "sents", "spans", "cats")
        yield Extracted(
            record["text"],
            spans_of(record.get("ents", [])),
            tokens or None,
            choices=of_cats(record.get("cats") or {}),
            about_spans="ents" in record,
            meta=meta,
            trusted=True,
        )
    else:
        for one in record["annotations"]:  # NER Annotator puts all into one object
            if one is not None:
                yield from spacy(one)


def of_version_2(paragraph: Record) -> Extracted:
    """A paragraph of spaCy 2: tokens with tags, and the raw text where they stand."""
    tokens = [token for sentence in paragraph["sentences"] for token in sentence["tokens"]]
    words = [string(token["orth"]) for token in tokens]
    tags = [string(token.get("ner", "-")) for token in tokens]
    raw = paragraph.get("raw")
    cats = {one["label"]: one["value"] for one in paragraph.get("cats") or ()}
    if cats and raw is not None and {*tags} <= {"-"}:
        return Extracted(raw, choices=of_cats(cats), about_spans=False, trusted=True)
    if "-" in tags:
        raise QuarantineError("wrong_shape", "tokens without a tag (`-`): nothing is known of them")
    if raw is None:
        return Extracted(words=words, tags=tags)
    places = find_words(string(raw), words)
    spans = [RawSpan(places[a].start, places[b].end, label) for label, a, b in read_tags(tags)]
    return Extracted(raw, spans, places, choices=of_cats(cats), trusted=True)


def find_words(text: str, words: list[str]) -> list[RawToken]:
    """Where words stand in a text, one after the other.

    Raises:
        QuarantineError: they are not all of it.
    """
    tokens, position = [], 0
    for word in words:
        start = text.find(word, position)
        if start < 0 or text[position:start].strip():
            raise QuarantineError("wrong_shape", f"the token {word!r} is not in the raw text")
        position = start + len(word)
        tokens.append(RawToken(start, position, word))
    if text[position:].strip():
        raise QuarantineError("wrong_shape", f"no token covers {text[position:].strip()[:40]!r}")
    return tokens


def label_studio_min(record: Record, file: SourceFile) -> Iterator[Extracted | str]:
    """Label Studio's JSON-MIN: the fields of the task, and each control by its name.

    Controls stand between the task's id and the annotator.
    """
    controls = {key: listed(value) for key, value in record.items()}
    marked = {key: value for key, value in controls.items() if are_regions(value)}
    for key in controls.keys() - marked.keys():
        if is_damaged(controls[key]):
            raise QuarantineError("wrong_shape", f"{key}: a region without its labels or offsets")
    known = {"id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time"}
    asked = questions_of(record, {*known, *marked})
    strings = [
        key
        for key, value in record.items()
        if isinstance(value, str) and key not in {*known, *marked, *asked} and not is_link(value)
    ]
    usual = "text" if "text" in strings else strings[0] if len(strings) == 1 else ""
    key = file.text or usual
    if not key:
        raise QuarantineError("unknown_text", f"several texts: {', '.join(strings) or 'none'}")
    spans = [
        span(region["start"], region["end"], label, region.get("text"))
        for regions in marked.values()
        for region in regions
        for label in region["labels"]
    ]
    who = record.get("annotator")
    who = who.get("email") if isinstance(who, dict) else who
    annotator = "" if who is None else str(who)
    yield Extracted(
        record[key],
        spans,
        choices=[of_value(value, name) for name, value in asked.items()],
        about_spans=bool(marked or not asked),
        meta=rest(record, key, *marked, *asked),
        annotator=annotator,
    )


def questions_of(record: Record, others: set[str]) -> dict[str, Any]:
    """The answers to Choices of a record of JSON-MIN: one, or several under `choices`."""
    keys = [*record]
    if not {"id", "annotator"} <= {*keys}:
        return {}
    between = keys[keys.index("id") + 1 : keys.index("annotator")]
    answers = {key: record[key] for key in between if key not in {*others, "text"}}
    return {
        key: value["choices"] if isinstance(value, dict) else value
        for key, value in answers.items()
        if isinstance(value, str) or (isinstance(value, dict) and {*value} == {"choices"})
    }


def listed(value: Any) -> Any:
    """A value, or what it holds as JSON: in CSV regions are JSON in a cell."""
    if isinstance(value, str) and value.startswith("[{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def are_regions(value: Any) -> bool:
    """Whether a value is a list of marked regions."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(one, dict) and {"start", "end"} <= {*one} and are_labels(one.get("labels"))
            for one in value
        )
    )


def are_labels(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


def is_damaged(value: Any) -> bool:
    """Whether a value has a region that is not read, such as one of hypertext: it is no text."""
    return isinstance(value, list) and any(
        one in (None, {})
        or (isinstance(one, dict) and ({"start", "end"} <= {*one} or "labels" in one))
        for one in value
    )


def dataturks(record: Record) -> Iterator[Extracted | str]:
    """DataTurks: points with the last character as their end."""
    spans = [
        span(point["start"], point["end"], label, point.get("text"), last=1)
        for one in record["annotation"] or ()
        for label in (one["label"] if isinstance(one["label"], list) else [one["label"]])
        for point in one["points"]
    ]
    yield Extracted(record["content"], spans, meta=rest(record, "content", "annotation", "extras"))


def lighttag(record: Record) -> Iterator[Extracted | str]:
    """LightTag: a job with its examples."""
    for one in record.get("examples", [record]):
        taken = ("content", "annotations", "seen_by", "classifications", "relations")
        relations = len(one.get("relations") or ())
        spans, meta = spans_of(one["annotations"]), rest(one, *taken)
        yield Extracted(one["content"], spans, meta=meta, relations=relations)


def groundtruth(record: Record) -> Iterator[Extracted | str]:
    """SageMaker Ground Truth: an output manifest of a text-span job."""
    jobs = [
        value["annotations"]["entities"]
        for value in record.values()
        if isinstance(value, dict) and isinstance(value.get("annotations"), dict)
    ]
    if len(jobs) != 1:
        raise QuarantineError("wrong_shape", f"{len(jobs)} jobs with entities, not one")
    yield Extracted(record["source"], spans_of(jobs[0]))


def argilla(record: Record) -> Iterator[Extracted | str]:
    """Argilla, version 1 (`annotation`) and 2 (`responses` to questions about spans or labels)."""
    if "fields" in record:
        yield from argilla_2(record)
        return
    if record.get("annotation") is None or record.get("status") in ("Default", "Discarded"):
        yield "record without an annotation"
        return
    inputs = record.get("inputs")
    text = record.get("text") or (inputs or {}).get("text")
    said = record["annotation"]
    of_text = isinstance(said, str) or "multi_label" in record
    yield Extracted(
        string(text),
        [] if of_text else spans_of(said),
        choices=[of_value(said)] if of_text else [],
        about_spans=not of_text,
        meta=rest(record, *ARGILLA_1),
    )


def argilla_2(record: Record) -> Iterator[Extracted | str]:
    strings = {key: value for key, value in record["fields"].items() if isinstance(value, str)}
    key = "text" if "text" in strings else next(iter(strings)) if len(strings) == 1 else ""
    if not key:
        raise QuarantineError("unknown_text", f"several texts: {', '.join(strings) or 'none'}")
    by_user: dict[str, list[tuple[str, Any]]] = {}
    for question, answered in record["responses"].items():
        for answer in answered:
            if answer.get("status", "submitted") == "submitted":
                who = str(answer.get("user_id") or "")
                by_user.setdefault(who, []).append((question, answer.get("value")))
    answers = [of_user(said, who) for who, said in by_user.items()]
    if not any(one.choices or one.about_spans for one in answers):
        yield "record without an annotation"
    for one in answers:
        if one.choices or one.about_spans:
            one.text, one.meta = strings[key], rest({"meta": record.get("metadata")})
            yield one


def of_user(said: list[tuple[str, Any]], who: str) -> Extracted:
    """What one person answered to the questions about a record: spans, labels, or other things.

    Raises:
        QuarantineError: a span has no offsets or no label.
    """
    if any(are_offsets(value) and not are_spans(value) for _, value in said):
        raise QuarantineError("wrong_shape", "a span without its label or offsets")
    marked = [value for _, value in said if are_spans(value)]
    choices = [
        of_value(value, question)
        for question, value in said
        if isinstance(value, str) or (isinstance(value, list) and value and are_names(value))
    ]
    spans = [span for value in marked for span in spans_of(value)]
    return Extracted(spans=spans, choices=choices, about_spans=bool(marked), annotator=who)


def are_names(value: list[Any]) -> bool:
    return all(isinstance(one, str) for one in value)


def are_offsets(value: Any) -> bool:
    """Whether a value is a list with a span in it, or with what is left of one."""
    return isinstance(value, list) and any(
        isinstance(one, dict) and bool({"start", "end"} & {*one}) for one in value
    )


def are_spans(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, dict) and {"start", "end", "label"} <= {*one} for one in value
    )


def labelbox(record: Record) -> Iterator[Extracted | str]:
    """Labelbox's export of text: objects with the last character as their end."""
    row = record["data_row"]
    text = string(row["row_data"])
    if text.startswith(("http://", "https://", "gs://", "s3://")):
        raise QuarantineError("text_elsewhere", f"the text is a link: {text[:80]}")
    labels = [label for project in record["projects"].values() for label in project["labels"]]
    if not labels:
        yield "record without an annotation"
    for label in labels:
        spans = [
            span(one["location"]["start"], one["location"]["end"], one["name"], last=1)
            for one in label["annotations"]["objects"]
        ]
        who = str(label.get("label_details", {}).get("created_by") or "")
        yield Extracted(text, spans, annotator=who)


EXPORTS: dict[str, Extract] = {
    "doccano": doccano,
    "spacy": spacy,
    "dataturks": dataturks,
    "lighttag": lighttag,
    "groundtruth": groundtruth,
    "argilla": argilla,
    "labelbox": labelbox,
}
