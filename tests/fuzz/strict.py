"""What a strict reading of each format accepts.

Written from what the tools document, and from nothing of ours: what the readers keep must be among
it. A reading is a dictionary from the place of a record to all that it may say: a text, and the
spans that are marked in it, as [start, end, label, its own text].
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

from spacy.tokens import DocBin
from spacy.vocab import Vocab

Marked = tuple[int, int, str, str | None]
Said = tuple[str, list[Marked]]
Reading = dict[int, list[Said]]
Read = Callable[[bytes, str], Reading]  # of a file's content, and of the text beside it

TAG = re.compile(r"O|[BILUESM]-(\S+)", re.IGNORECASE)


class RefusedError(Exception):
    """A record is not what its format says."""


def need(right: bool) -> None:
    if not right:
        raise RefusedError


# JSON


def strict_json(text: bytes) -> Any:
    """RFC 8259: no NaN; and no key twice, no half of a surrogate pair."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        need(len({key for key, _ in pairs}) == len(pairs))
        return dict(pairs)

    def refuse(_: str) -> None:
        raise RefusedError

    try:
        value = json.loads(text.decode(), object_pairs_hook=unique, parse_constant=refuse)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise RefusedError from error
    return value


def of_json(extract: Callable[[Any], Iterator[Said]], *, lines: bool) -> Read:
    """A reading of JSON Lines, or of one array."""

    def read(content: bytes, _text: str) -> Reading:
        if lines:
            return {n: said_by(extract, line) for n, line in numbered(content)}
        records = strict_json(content.removeprefix(b"\xef\xbb\xbf"))
        need(isinstance(records, list))
        return {
            n: said_by(extract, json.dumps(one).encode()) for n, one in enumerate(records, start=1)
        }

    return read


def said_by(extract: Callable[[Any], Iterator[Said]], record: bytes) -> list[Said]:
    """What a record says; nothing where it is refused."""
    try:
        return list(extract(strict_json(record)))
    except (RefusedError, KeyError, IndexError, TypeError, AttributeError, ValueError):
        return []


def numbered(content: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(content.split(b"\n"), start=1):
        yield number, line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r")


def text_of(value: Any) -> str:
    need(isinstance(value, str))
    return str(value)


def marked(start: Any, end: Any, label: Any, own: Any = None) -> Marked:
    need(type(start) is int and type(end) is int)
    need(own is None or isinstance(own, str))
    return start, end, text_of(label), own


def prodigy(row: Any) -> Iterator[Said]:
    """prodi.gy/docs/api-interfaces: text, answer, and spans with start, end and label."""
    need(row["answer"] == "accept")
    spans = row.get("spans") or []
    yield (
        text_of(row["text"]),
        [marked(s["start"], s["end"], s["label"], s.get("text")) for s in spans],
    )


def label_studio(task: Any) -> Iterator[Said]:
    """labelstud.io/guide/export: data, and results of type labels in annotations."""
    texts = [value for value in task["data"].values() if isinstance(value, str)]
    for one in task["annotations"]:
        values = [r["value"] for r in one["result"] if r["type"] == "labels"]
        spans = [
            marked(value["start"], value["end"], label, value.get("text"))
            for value in values
            for label in value["labels"]
        ]
        for text in texts:
            yield text, spans


HTML_TAG = re.compile(r"<!--.*?-->|<[A-Za-z/!?][^>]*>", re.DOTALL)


def hypertext(task: Any) -> Iterator[Said]:
    """labelstud.io/tags/hypertext: globalOffsets count what a browser shows."""
    for one in task["annotations"]:
        values = [r["value"] for r in one["result"] if r["type"] == "hypertextlabels"]
        spans = [
            marked(
                v["globalOffsets"]["start"], v["globalOffsets"]["end"], label, text_of(v["text"])
            )
            for v in values
            for label in v["hypertextlabels"]
        ]
        for markup in filter(lambda value: isinstance(value, str), task["data"].values()):
            yield html.unescape(HTML_TAG.sub("", markup)), spans


def paragraphs(task: Any) -> Iterator[Said]:
    """labelstud.io/tags/paragraphs: start and end name paragraphs, offsets count in these."""
    for one in task["annotations"]:
        values = [r["value"] for r in one["result"] if r["type"] == "paragraphlabels"]
        for dialogue in filter(lambda value: isinstance(value, list), task["data"].values()):
            texts = [text_of(each["text"]) for each in dialogue]
            spans = [
                marked(
                    in_lines(texts, v["start"], v["startOffset"]),
                    in_lines(texts, v["end"], v["endOffset"]),
                    label,
                    text_of(v["text"]),
                )
                for v in values
                for label in v["paragraphlabels"]
            ]
            yield "\n".join(texts), spans


def in_lines(texts: list[str], number: Any, offset: Any) -> int:
    """A place in a text, as one among all of them, a text a line."""
    need(type(offset) is int and 0 <= int(number) < len(texts))
    return sum(len(text) + 1 for text in texts[: int(number)]) + int(offset)


def doccano(row: Any) -> Iterator[Said]:
    """doccano's JSONL: label as [start, end, name]."""
    need(all(len(one) == 3 for one in row["label"]))
    yield text_of(row["text"]), [marked(a, b, label) for a, b, label in row["label"]]


def doccano_entities(row: Any) -> Iterator[Said]:
    """doccano's JSONL of a relation project."""
    entities = row["entities"] if "entities" in row else row["label"]
    spans = [marked(e["start_offset"], e["end_offset"], e["label"]) for e in entities]
    yield text_of(row["text"]), spans


def pair(record: Any) -> Iterator[Said]:
    """spaCy 2's TRAIN_DATA: (text, {"entities": [(start, end, label)]}); an id may follow."""
    text, said = record
    need(all(len(one) in (3, 4) for one in said["entities"]))
    yield text_of(text), [marked(*one[:3]) for one in said["entities"]]


def ner_annotator(whole: Any) -> Iterator[Said]:
    """NER Annotator: all pairs in one object; null where a text was left out."""
    for one in whole["annotations"]:
        if one is not None and {"entities", "cats"} & {*one[1]}:
            yield from pair(one)


def doc_to_json(row: Any) -> Iterator[Said]:
    """spacy.io/api/doc#to_json: text, and ents with start, end and label."""
    yield text_of(row["text"]), [marked(e["start"], e["end"], e["label"]) for e in row["ents"]]


def spacy_2(document: Any) -> Iterator[Said]:
    """v2.spacy.io/api/annotation#json-input: sentences of tokens with BILUO, in a raw text."""
    for paragraph in document["paragraphs"]:
        tokens = [token for sentence in paragraph["sentences"] for token in sentence["tokens"]]
        rows = [(text_of(token["orth"]), text_of(token["ner"])) for token in tokens]
        yield in_raw(paragraph["raw"], rows) if "raw" in paragraph else tagged(rows)


def in_raw(raw: Any, rows: list[tuple[str, str]]) -> Said:
    """Words with tags where they stand in a text, with white space alone between them."""
    joined, spans = tagged(rows)
    begins, ends = dict[int, int](), dict[int, int]()
    place = here = 0
    for word, _ in rows:
        start = text_of(raw).index(word, place)
        need(not raw[place:start].strip())
        place = start + len(word)
        begins[here], ends[here + len(word)] = start, place
        here += len(word) + 1
    need(here == len(joined) + 1 and not raw[place:].strip())
    return raw, [(begins[start], ends[end], label, None) for start, end, label, _ in spans]


def min_record(row: Any) -> Iterator[Said]:
    """Label Studio's JSON-MIN: the task's fields, and regions under the control's name."""
    lists = [value for value in row.values() if isinstance(value, list)]
    need(None not in [one for each in lists for one in each])
    spans = [
        marked(one["start"], one["end"], label, one.get("text"))
        for each in lists
        for one in each
        if isinstance(one, dict)  # else the answers to a question of the whole text
        for label in labels_of(one)
    ]
    for value in row.values():
        if isinstance(value, str):
            yield value, spans


def labels_of(region: Any) -> list[Any]:
    """The labels of a region, which has some."""
    need(isinstance(region["labels"], list) and bool(region["labels"]))
    return list(region["labels"])


def dataturks(row: Any) -> Iterator[Said]:
    """DataTurks: points whose end is the last character."""
    spans = [
        marked(point["start"], point["end"] + 1, label, point.get("text"))
        for one in row["annotation"] or []
        for label in one["label"]
        for point in one["points"]
    ]
    yield text_of(row["content"]), spans


def lighttag(row: Any) -> Iterator[Said]:
    """LightTag: annotations with start, end, tag and value."""
    spans = [
        marked(a["start"], a["end"], a.get("tag", a.get("label")), a.get("value", a.get("text")))
        for a in row["annotations"]
    ]
    yield text_of(row["content"]), spans


def groundtruth(row: Any) -> Iterator[Said]:
    """SageMaker's output manifest: entities with startOffset and endOffset."""
    for value in row.values():
        if isinstance(value, dict) and "annotations" in value:
            entities = value["annotations"]["entities"]
            spans = [marked(e["startOffset"], e["endOffset"], e["label"]) for e in entities]
            yield text_of(row["source"]), spans


def argilla(row: Any) -> Iterator[Said]:
    """Argilla 1's token classification."""
    yield (
        text_of(row["text"]),
        [marked(a["start"], a["end"], a["label"]) for a in row["annotation"]],
    )


def argilla_2(record: Any) -> Iterator[Said]:
    """Argilla 2's Record.to_dict: for each question, what each person marked."""
    people: dict[str, list[Marked]] = {}
    for answers in record["responses"].values():
        for answer in answers:
            if answer.get("status", "submitted") == "submitted":
                spans = [marked(s["start"], s["end"], s["label"]) for s in answer["value"]]
                people.setdefault(str(answer.get("user_id")), []).extend(spans)
    for text in filter(lambda value: isinstance(value, str), record["fields"].values()):
        for spans in people.values():
            yield text, spans


def labelbox(row: Any) -> Iterator[Said]:
    """Labelbox: objects whose location names its last character."""
    for project in row["projects"].values():
        for label in project["labels"]:
            spans = [
                marked(o["location"]["start"], o["location"]["end"] + 1, o["name"])
                for o in label["annotations"]["objects"]
            ]
            yield text_of(row["data_row"]["row_data"]), spans


def huggingface(row: Any) -> Iterator[Said]:
    """A row of a dataset for token classification."""
    need(len(row["tokens"]) == len(row["ner_tags"]) > 0)
    words = list(map(text_of, row["tokens"]))
    yield tagged(
        [(word, tag) for word, tag in zip(words, row["ner_tags"], strict=True) if word.strip()]
    )


# Columns


def tagged(rows: list[tuple[str, str]], joined: frozenset[int] = frozenset()) -> Said:
    """Words with tags of IOB, IOB2, BILUO, IOBES or BMES, one space apart but after `joined`."""
    text, spans = "", list[Marked]()
    before = ""
    for number, (word, tag) in enumerate(rows):
        match = TAG.fullmatch(tag)
        need(match is not None and bool(word.strip()))
        text += " " if text and number - 1 not in joined else ""
        label = match[1] or "" if match else ""
        if label and tag[0].upper() in "ILEM" and before == label:
            spans[-1] = (spans[-1][0], len(text) + len(word), label, None)
        elif label:
            spans.append((len(text), len(text) + len(word), label, None))
        before = label
        text += word
    need(bool(text))
    return text, spans


def blocks(content: bytes) -> Iterator[list[tuple[int, str]]]:
    """Numbered lines between those that are blank."""
    block: list[tuple[int, str]] = []
    for number, line in [*numbered(content), (0, b"")]:
        decoded = line.decode()
        if decoded.strip():
            block.append((number, decoded))
        elif block:
            yield block
            block = []


def columns(width: int, tabs: bool) -> Read:
    """CoNLL: a token a line, the tag last, sentences parted by blank lines."""

    def read(content: bytes, _text: str) -> Reading:
        return {block[0][0]: sentence([line for _, line in block]) for block in blocks(content)}

    def sentence(lines: list[str]) -> list[Said]:
        rows = [
            [cell.strip(" ") for cell in line.rstrip(" \t").split("\t")]
            if tabs
            else [cell for cell in line.split(" ") if cell]
            for line in lines
        ]
        try:
            need(all(len(row) == width for row in rows))
            return [tagged([(row[0], row[-1]) for row in rows if row[0].strip()])]
        except RefusedError:
            return []

    return read


def conll_u(content: bytes, _text: str) -> Reading:
    """universaldependencies.org/format: comments, ten columns, numbers from 1, keys in MISC."""
    reading: Reading = {}
    for block in blocks(content):
        lines = [(number, line) for number, line in block if not line.startswith("#")]
        try:
            reading[lines[0][0]] = [of_misc([line.split("\t") for _, line in lines])]
        except (RefusedError, IndexError, KeyError, ValueError):
            continue
    return reading


def of_misc(rows: list[list[str]]) -> Said:
    """A sentence whose tokens have their tag as `name` in MISC; none of them lacks it."""
    need(all(len(row) == 10 for row in rows))
    rows = [row for row in rows if not re.fullmatch(r"\d+[-.]\d+", row[0])]
    need([row[0].strip(" ") for row in rows] == [str(n) for n in range(1, len(rows) + 1)])
    pairs = [[cell.split("=", 1) for cell in row[9].split("|") if "=" in cell] for row in rows]
    misc = [{key.lower(): value for key, value in each} for each in pairs]
    joined = frozenset(n for n, keys in enumerate(misc) if keys.get("spaceafter") == "No")
    words = [(row[1].strip(" "), keys["name"]) for row, keys in zip(rows, misc, strict=True)]
    return tagged(words, joined)


def iob(content: bytes, _text: str) -> Reading:
    """spaCy's .iob: word|TAG, parted by spaces, a sentence a line."""
    reading: Reading = {}
    for number, line in numbered(content):
        cells = [cell.split("|") for cell in re.split("[ \t]+", line.decode()) if cell]
        try:
            need(all(len(cell) > 1 for cell in cells))
            reading[number] = [tagged([(cell[0], cell[-1]) for cell in cells])]
        except RefusedError:
            reading[number] = []
    return reading


# Others


def docbin(content: bytes, _text: str) -> Reading:
    """As spaCy reads it."""
    docs = DocBin().from_bytes(content).get_docs(Vocab())
    return {
        number: [(doc.text, [(e.start_char, e.end_char, e.label_, e.text) for e in doc.ents])]
        for number, doc in enumerate(docs, start=1)
    }


def table(content: bytes, _text: str) -> Reading:
    """RFC 4180 with text, start, end and label; rows of one text follow each other."""
    reading: Reading = {}
    reader = csv.reader(io.StringIO(content.decode(), newline=""), strict=True)
    need(next(reader) == ["text", "start", "end", "label"])
    line, first, last = reader.line_num, 0, None
    for row in reader:
        here, line = line + 1, reader.line_num
        if not row:
            continue
        text, start, end, label = row if len(row) == 4 else (row[0], "", "", "")
        if text != last:
            first, last = here, text
            reading[first] = [(text, [])]
        if len(row) != 4:
            reading[first] = []
        if not reading[first] or not (start or end):
            continue
        if re.fullmatch("[0-9]+", start.strip()) and re.fullmatch("[0-9]+", end.strip()):
            reading[first][0][1].append((int(start), int(end), label, None))
        else:
            reading[first] = []
    return reading


def rows_of(content: bytes, header: list[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """RFC 4180: the rows under a header, with the line that each begins on."""
    reader = csv.reader(io.StringIO(content.decode(), newline=""), strict=True, delimiter=delimiter)
    need(next(reader) == header)
    line = reader.line_num
    for row in reader:
        here, line = line + 1, reader.line_num
        if row:
            yield here, row


def table_of_words(content: bytes, _text: str) -> Reading:
    """A word a row, as Kaggle's corpus has it: a sentence begins where another is named."""
    sentences: list[tuple[int, list[list[str]]]] = []
    named = ""
    for line, row in rows_of(content, ["Sentence #", "Word", "POS", "Tag"], ","):
        if not sentences or row[0] not in ("", named):
            sentences.append((line, []))
            named = row[0]
        sentences[-1][1].append(row)
    reading: Reading = {}
    for line, rows in sentences:
        try:
            need(all(len(row) == 4 for row in rows))
            reading[line] = [tagged([(row[1], row[3]) for row in rows if row[1].strip()])]
        except RefusedError:
            reading[line] = []
    return reading


def table_of_json(content: bytes, _text: str) -> Reading:
    """A text a row, with its regions as Label Studio writes them into CSV; none where empty."""
    reading: Reading = {}
    for line, row in rows_of(content, ["text", "label"], "\t"):
        try:
            need(len(row) == 2)
            regions = strict_json(row[1].encode()) if row[1].strip() else []
            spans = [
                marked(one["start"], one["end"], label, one.get("text"))
                for one in regions
                for label in labels_of(one)
            ]
            reading[line] = [(row[0], spans)]
        except (RefusedError, KeyError, TypeError, AttributeError):
            reading[line] = []
    return reading


def archive(member: Read) -> Read:
    """A zip archive: what its files say."""

    def read(content: bytes, text: str) -> Reading:
        reading: Reading = {}
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for name in packed.namelist():
                for place, said in member(packed.read(name), text).items():
                    reading.setdefault(place, []).extend(said)
        return reading

    return read


def webanno(content: bytes, _text: str) -> Reading:
    """WebAnno TSV 3: a token a line under the text of its sentence, one layer of entities."""
    reading: Reading = {}
    text, rows = "", list[list[str]]()
    first = 0

    def finish() -> None:
        if rows:
            try:
                reading[first] = [of_tokens(text, rows)]
            except (RefusedError, IndexError):
                reading[first] = []

    for number, line in numbered(content):
        decoded = line.decode()
        if decoded.startswith("#Text="):
            finish()
            text, rows = decoded.removeprefix("#Text="), []
        elif decoded.strip() and not decoded.startswith("#"):
            first = first if rows else number
            rows.append(decoded.split("\t"))
    finish()
    return reading


def of_tokens(text: str, rows: list[list[str]]) -> Said:
    spans: dict[tuple[str, str], Marked] = {}
    place = 0
    for number, cells in enumerate(rows):
        need(text[place:].lstrip().startswith(cells[2]) and "." not in cells[0])
        start = text.index(cells[2], place)
        place = start + len(cells[2])
        for said in filter(lambda one: one not in ("_", ""), cells[3].split("|")):
            match = re.fullmatch(r"(.*?)(?:\[(\d+)\])?", said)
            need(match is not None)
            label, one = (match[1], match[2] or f"token {number}") if match else ("", "")
            begin = spans.get((label, one), (start, 0, "", None))[0]
            spans[label, one] = (begin, place, label, None)
    return text, list(spans.values())


def brat(content: bytes, text: str) -> Reading:
    """brat's standoff of one text: T lines; its other annotations are passed over."""
    spans = []
    for _, line in numbered(content):
        decoded = line.decode()
        match = re.fullmatch(r"T\d+\t(\S+) (\d+) (\d+)\t(.*)", decoded, re.ASCII)
        if match:
            spans.append((int(match[2]), int(match[3]), match[1], match[4]))
        else:
            need(not decoded or re.match(r"[REAMN#*]\S*\t", decoded) is not None)
    return {1: [(text, spans)]}


# What is kept


def justifies(said: Said, text: str, spans: list[tuple[int, int, str]]) -> bool:
    """Whether a strict reading justifies what was kept: the text, and each span of it."""
    return said[0] == text and all(
        any(label == one[2] and holds(text, one, start, end) for one in said[1])
        for start, end, label in spans
    )


def holds(text: str, one: Marked, start: int, end: int) -> bool:
    """Whether a kept span is a marked one, or whole words around it."""
    for a, b in places(text, one[0], one[1]):
        inside = text[a:b]
        a, b = a + len(inside) - len(inside.lstrip()), b - len(inside) + len(inside.rstrip())
        around = text[start:a] + text[b:end]
        if start <= a < b <= end and not re.search(r"\s", around) and alike(one[3], inside):
            return True
    return False


def alike(own: str | None, inside: str) -> bool:
    """Whether a span's own text is the one there, but for white space and cut edges."""
    if own is None:
        return True
    one, other = (re.sub(r"(\s|\\r|\\n)+", " ", text).strip() for text in (own, inside))
    return one == other or (bool(one) and own in inside and 2 * len(own) >= len(inside.strip()))


def places(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where offsets may lie: characters, UTF-16, bytes, the last one as the end, joined spaces."""
    for stop in (end, end + 1):
        if 0 <= start < stop <= len(text):
            yield start, stop
        for encoding, width in (("utf-16-le", 2), ("utf-8", 1)):
            data = text.encode(encoding)
            if 0 <= start < stop <= len(data) // width:
                before, there = data[: start * width], data[start * width : stop * width]
                a = len(before.decode(encoding, "ignore"))
                yield a, a + len(there.decode(encoding, "ignore"))
    for run in (r"\r\n", r"\s+"):
        skipped = {n for m in re.finditer(run, text) for n in range(m.start() + 1, m.end())}
        kept = [n for n in range(len(text)) if n not in skipped]
        if 0 <= start < end <= len(kept):
            yield kept[start], kept[end - 1] + 1
