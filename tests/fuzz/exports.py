"""Small exports of every format that is read, most of them damaged."""

from __future__ import annotations

import html
import io
import json
import random
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import spacy
import srsly
from spacy.tokens import DocBin

from tests.fuzz import strict
from tests.fuzz.mutations import as_json, damaged_bytes, damaged_value

TEXT = "Send form P60 to HM Revenue in Leeds by 31 January 🎉 or pay £5 , naïve reader ."
WORDS = TEXT.split()

Labelled = tuple[list[str], list[tuple[int, int, str]]]  # words; first, last word and label


def labelled(source: random.Random) -> Labelled:
    words = source.sample(WORDS, source.randint(3, len(WORDS)))
    start = source.randrange(len(words))
    end = min(len(words), start + source.randint(1, 3))
    return words, [(start, end, source.choice(["ORG", "FORM"]))]


def characters(words: list[str]) -> list[tuple[int, int]]:
    """Where each word stands in the text."""
    starts = [sum(len(word) + 1 for word in words[:n]) for n in range(len(words))]
    return [(start, start + len(word)) for start, word in zip(starts, words, strict=True)]


def prodigy(one: Labelled) -> dict[str, Any]:
    words, spans = one
    at = characters(words)
    tokens = [
        {"text": word, "start": start, "end": end, "id": n}
        for n, (word, (start, end)) in enumerate(zip(words, at, strict=True))
    ]
    marked = [{"start": at[a][0], "end": at[b - 1][1], "label": label} for a, b, label in spans]
    text = " ".join(words)
    return {"text": text, "tokens": tokens, "spans": marked, "answer": "accept", "meta": {"n": 1}}


def labelstudio(one: Labelled) -> dict[str, Any]:
    row = prodigy(one)
    results = [
        {
            "type": "labels",
            "from_name": "label",
            "to_name": "text",
            "value": {
                "start": span["start"],
                "end": span["end"],
                "labels": [span["label"]],
                "text": row["text"][span["start"] : span["end"]],
            },
        }
        for span in row["spans"]
    ]
    return {"id": 1, "data": {"text": row["text"]}, "annotations": [{"result": results}]}


def labelstudio_of(kind: str, data: dict[str, Any], values: list[dict[str, Any]]) -> dict[str, Any]:
    results = [
        {"id": str(n), "type": kind, "from_name": "label", "to_name": "text", "value": value}
        for n, value in enumerate(values)
    ]
    return {"id": 1, "data": data, "annotations": [{"result": results}]}


def hypertext(one: Labelled) -> dict[str, Any]:
    """A task of HyperText, its first word in bold."""
    first, *others = map(html.escape, one[0])
    values = [
        {
            "start": "/p[1]/text()[1]",
            "end": "/p[1]/text()[1]",
            "startOffset": 0,
            "endOffset": 1,
            "globalOffsets": {"start": span["start"], "end": span["end"]},
            "text": span["text"],
            "hypertextlabels": [span["label"]],
        }
        for span in marked(one)
    ]
    markup = f"<p><b>{first}</b> {' '.join(others)}</p>"
    return labelstudio_of("hypertextlabels", {"text": markup}, values)


def paragraphs(one: Labelled) -> dict[str, Any]:
    """A task of Paragraphs: another one begins where the entity does, or after it."""
    words, [(start, end, _)] = one
    cut = start or end
    texts = [" ".join(part) for part in (words[:cut], words[cut:]) if part]
    number, before = ("1", len(texts[0]) + 1) if start else ("0", 0)
    values = [
        {
            "start": number,
            "end": number,
            "startOffset": span["start"] - before,
            "endOffset": span["end"] - before,
            "text": span["text"],
            "paragraphlabels": [span["label"]],
        }
        for span in marked(one)
    ]
    dialogue = [{"author": "A", "text": text} for text in texts]
    return labelstudio_of("paragraphlabels", {"dialogue": dialogue}, values)


def tags(one: Labelled) -> list[tuple[str, str]]:
    words, spans = one
    tagged = dict.fromkeys(range(len(words)), "O")
    for start, end, label in spans:
        tagged |= {n: f"{'B' if n == start else 'I'}-{label}" for n in range(start, end)}
    return [(word, tagged[n]) for n, word in enumerate(words)]


Make = Callable[[Labelled], Any]
Write = Callable[[list[Labelled], random.Random], bytes]


def marked(one: Labelled) -> list[dict[str, Any]]:
    """Spans with their labels, and their text."""
    row = prodigy(one)
    return [{**span, "text": row["text"][span["start"] : span["end"]]} for span in row["spans"]]


def text_of(one: Labelled) -> str:
    return " ".join(one[0])


def triples(one: Labelled) -> list[tuple[int, int, str]]:
    return [(span["start"], span["end"], span["label"]) for span in marked(one)]


def doccano_entities(one: Labelled) -> dict[str, Any]:
    entities = [
        {"id": n, "label": label, "start_offset": a, "end_offset": b}
        for n, (a, b, label) in enumerate(triples(one))
    ]
    return {"id": 1, "text": text_of(one), "entities": entities, "relations": []}


def min_record(one: Labelled) -> dict[str, Any]:
    regions = [
        {
            "start": span["start"],
            "end": span["end"],
            "labels": [span["label"]],
            "text": span["text"],
        }
        for span in marked(one)
    ]
    return {"id": 1, "text": text_of(one), "ner": regions, "annotator": 1, "lead_time": 2.5}


def dataturks(one: Labelled) -> dict[str, Any]:
    spans = [
        {
            "label": [span["label"]],
            "points": [{"start": span["start"], "end": span["end"] - 1, "text": span["text"]}],
        }
        for span in marked(one)
    ]
    return {"content": text_of(one), "annotation": spans, "extras": None}


def lighttag(one: Labelled) -> dict[str, Any]:
    spans = [
        {"start": s["start"], "end": s["end"], "tag": s["label"], "value": s["text"]}
        for s in marked(one)
    ]
    return {"content": text_of(one), "annotations": spans}


def groundtruth(one: Labelled) -> dict[str, Any]:
    entities = [{"label": x, "startOffset": a, "endOffset": b} for a, b, x in triples(one)]
    job = {"annotations": {"entities": entities}}
    return {"source": text_of(one), "job": job, "job-metadata": {"type": "text-span"}}


def argilla(one: Labelled) -> dict[str, Any]:
    spans = [{"label": x, "start": a, "end": b} for a, b, x in triples(one)]
    return {"text": text_of(one), "annotation": spans, "status": "Validated"}


def argilla_2(one: Labelled) -> dict[str, Any]:
    spans = [{"label": x, "start": a, "end": b} for a, b, x in triples(one)]
    responses = {"ner": [{"value": spans, "user_id": "u"}]}
    return {"id": "1", "fields": {"text": text_of(one)}, "responses": responses}


def doc_to_json(one: Labelled) -> dict[str, Any]:
    row = prodigy(one)
    tokens = [{"id": t["id"], "start": t["start"], "end": t["end"]} for t in row["tokens"]]
    return {"text": row["text"], "ents": row["spans"], "tokens": tokens}


def spacy_2(one: Labelled) -> dict[str, Any]:
    tokens = [{"id": n, "orth": word, "ner": tag} for n, (word, tag) in enumerate(tags(one))]
    paragraph = {"raw": text_of(one), "sentences": [{"tokens": tokens}]}
    return {"id": 1, "paragraphs": [paragraph]}


def labelbox(one: Labelled) -> dict[str, Any]:
    objects = [{"name": x, "location": {"start": a, "end": b - 1}} for a, b, x in triples(one)]
    labels = [{"annotations": {"objects": objects}}]
    return {"data_row": {"row_data": text_of(one)}, "projects": {"p": {"labels": labels}}}


def huggingface(one: Labelled) -> dict[str, Any]:
    return {"tokens": one[0], "ner_tags": [tag for _, tag in tags(one)]}


def json_file(make: Make, lines: bool) -> Write:
    def write(batch: list[Labelled], source: random.Random) -> bytes:
        rows = [make(one) for one in batch]
        rows = [damaged_value(row, source) if source.random() < 0.5 else row for row in rows]
        if not lines:
            return as_json(rows)
        encoded = [as_json(row) for row in rows]
        encoded = [damaged_bytes(e, source) if source.random() < 0.2 else e for e in encoded]
        return b"\n".join(encoded) + b"\n"

    return write


def text_file(row: str, between: str, after: str) -> Write:
    def write(batch: list[Labelled], source: random.Random) -> bytes:
        records = [
            (between.join(row.format(word, tag) for word, tag in tags(one)) + after).encode()
            for one in batch
        ]
        damaged = [damaged_bytes(r, source) if source.random() < 0.5 else r for r in records]
        return b"".join(damaged)

    return write


def table(batch: list[Labelled], source: random.Random) -> bytes:
    """CSV with a span a row."""
    rows = [
        f'"{text_of(one)}",{a},{b},{label}\n'.encode()
        for one in batch
        for a, b, label in triples(one)
    ]
    damaged = [damaged_bytes(r, source) if source.random() < 0.5 else r for r in rows]
    return b"text,start,end,label\n" + b"".join(damaged)


def ner_annotator(batch: list[Labelled], source: random.Random) -> bytes:
    """All texts in one object, of which at most one is damaged."""
    pairs: list[Any] = [[text_of(one), {"entities": triples(one)}] for one in batch]
    pairs[0] = source.choice([None, pairs[0], damaged_value(pairs[0], source)])
    whole = {"classes": ["ORG", "FORM"], "annotations": pairs}
    content = as_json(damaged_value(whole, source) if source.random() < 0.2 else whole)
    return damaged_bytes(content, source) if source.random() < 0.2 else content


def damaged_rows(rows: list[list[str]], source: random.Random) -> list[list[str]]:
    """Rows of which one is away, twice there, or has a cell less, more, or another."""
    place = source.randrange(len(rows))
    row, cell = rows[place], source.randrange(len(rows[place]))
    less, more = row[:cell] + row[cell + 1 :], [*row[:cell], row[cell], *row[cell:]]
    other = [*row[:cell], damaged_value(row[cell] or "x", source), *row[cell + 1 :]]
    new = source.choice([[], [row, row], [less], [more], [list(map(str, other))]])
    return [*rows[:place], *new, *rows[place + 1 :]]


def rows_as_bytes(records: list[list[list[str]]], between: str, source: random.Random) -> bytes:
    """Records of rows, many of them damaged, some of these in their bytes."""
    content = b""
    for rows in records:
        some = damaged_rows(rows, source) if source.random() < 0.3 else rows
        record = "".join(between.join(row) + "\n" for row in some).encode(errors="replace")
        content += damaged_bytes(record, source) if source.random() < 0.05 else record
    return content


def table_of_words(batch: list[Labelled], source: random.Random) -> bytes:
    """CSV with a word a row."""
    records = []
    for number, one in enumerate(batch, start=1):
        names = [f"Sentence: {number}"] + [""] * len(one[0])
        rows = zip(names, tags(one), strict=False)
        records.append([[name, f'"{word}"', "NN", tag] for name, (word, tag) in rows])
    return b"Sentence #,Word,POS,Tag\n" + rows_as_bytes(records, ",", source)


def table_of_json(batch: list[Labelled], source: random.Random) -> bytes:
    """TSV with a text a row, and its regions as JSON."""
    rows = []
    for one in batch:
        regions: Any = min_record(one)["ner"]
        regions = damaged_value(regions, source) if source.random() < 0.3 else regions
        cell = json.dumps(regions).replace('"', '""')
        row = f'{text_of(one)}\t"{cell}"\n'.encode()
        rows.append(damaged_bytes(row, source) if source.random() < 0.05 else row)
    return b"text\tlabel\n" + b"".join(rows)


def conll_u(batch: list[Labelled], source: random.Random) -> bytes:
    """CoNLL-U with the tag in MISC; no space before a comma or a full stop."""
    records = []
    for number, one in enumerate(batch, start=1):
        rows = [[f"# sent_id = {number}"]]
        following = [*one[0][1:], ""]
        for n, (word, tag) in enumerate(tags(one)):
            misc = f"name={tag}" + ("|SpaceAfter=No" if following[n] in (",", ".") else "")
            rows.append([str(n + 1), word, "_", "X", "_", "_", "0", "_", "_", misc])
        records.append([*rows, [""]])
    return rows_as_bytes(records, "\t", source)


def archive(name: str, write: Write) -> Write:
    """A zip archive of two files, itself damaged at times."""

    def write_archive(batch: list[Labelled], source: random.Random) -> bytes:
        target = io.BytesIO()
        half = len(batch) // 2
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
            for n, some in enumerate((batch[:half], batch[half:])):
                packed.writestr(f"{n}/{name}", write(some, source))
        content = target.getvalue()
        return damaged_bytes(content, source) if source.random() < 0.1 else content

    return write_archive


def webanno(batch: list[Labelled], source: random.Random) -> bytes:
    head = "#FORMAT=WebAnno TSV 3.2\n#T_SP=x.ner.type.NamedEntity|value\n\n"
    records = []
    for number, one in enumerate(batch, start=1):
        lines = [f"#Text={text_of(one)}"]
        at = characters(one[0])
        for n, (word, tag) in enumerate(tags(one)):
            label = "_" if tag == "O" else f"{tag[2:]}[{number}]"
            lines.append(f"{number}-{n + 1}\t{at[n][0]}-{at[n][1]}\t{word}\t{label}\t")
        records.append(("\n".join(lines) + "\n\n").encode())
    damaged = [damaged_bytes(r, source) if source.random() < 0.5 else r for r in records]
    return head.encode() + b"".join(damaged)


def annotations(batch: list[Labelled], source: random.Random) -> bytes:
    """brat's .ann file of the first text."""
    lines = [
        f"T{n}\t{s['label']} {s['start']} {s['end']}\t{s['text']}\n"
        for n, s in enumerate(marked(batch[0]), start=1)
    ]
    content = "".join(lines).encode()
    return damaged_bytes(content, source) if source.random() < 0.7 else content


def docbin(batch: list[Labelled], source: random.Random) -> bytes:
    nlp = spacy.blank("en")
    docs = DocBin(store_user_data=True)
    for words, spans in batch:
        doc = spacy.tokens.Doc(nlp.vocab, words=words)
        doc.set_ents([spacy.tokens.Span(doc, a, b, label) for a, b, label in spans])
        docs.add(doc)
    content = srsly.msgpack_loads(zlib.decompress(docs.to_bytes()))
    key = source.choice(list(content))
    if isinstance(content[key], bytes):
        numbers = np.frombuffer(content[key], "uint8").copy()
        for _ in range(source.choice([1, 4])):
            numbers[source.randrange(len(numbers))] = source.randrange(256)
        content[key] = numbers.tobytes()[: source.choice([None, -1, -8])]
    else:
        content[key] = damaged_value(content[key], source)
    try:
        packed = zlib.compress(srsly.msgpack_dumps(content))
    except (UnicodeEncodeError, OverflowError):  # what its own format cannot hold
        packed = docs.to_bytes()
    return damaged_bytes(packed, source) if source.random() < 0.1 else packed


@dataclass(frozen=True)
class Format:
    """A kind of file: how it is called and read, how to write one, and what it says strictly."""

    file: str
    name: str
    write: Write
    reading: strict.Read


def of_json(file: str, name: str, make: Make, extract: Any, *, lines: bool = True) -> Format:
    return Format(file, name, json_file(make, lines), strict.of_json(extract, lines=lines))


FORMATS: dict[str, Format] = {
    "Prodigy": of_json("a.jsonl", "prodigy", prodigy, strict.prodigy),
    "Prodigy, one array": of_json("a.json", "prodigy", prodigy, strict.prodigy, lines=False),
    "Label Studio": of_json(
        "ls.json", "labelstudio", labelstudio, strict.label_studio, lines=False
    ),
    "Label Studio, lines": of_json("ls.jsonl", "labelstudio", labelstudio, strict.label_studio),
    "CoNLL": Format(
        "a.conll", "conll", text_file("{} _ {}", "\n", "\n\n"), strict.columns(3, tabs=False)
    ),
    "CoNLL, tabs": Format(
        "a.tsv", "conll", text_file("{}\t{}", "\n", "\n\n"), strict.columns(2, tabs=True)
    ),
    "IOB": Format("a.iob", "iob", text_file("{}|{}", " ", "\n"), strict.iob),
    "DocBin": Format("a.spacy", "docbin", docbin, strict.docbin),
    "doccano": of_json(
        "a.jsonl", "doccano", lambda o: {"text": text_of(o), "label": triples(o)}, strict.doccano
    ),
    "doccano, entities": of_json("a.jsonl", "doccano", doccano_entities, strict.doccano_entities),
    "pairs": of_json(
        "a.jsonl", "spacy", lambda o: [text_of(o), {"entities": triples(o)}], strict.pair
    ),
    "JSON-MIN": of_json("a.json", "labelstudio-min", min_record, strict.min_record, lines=False),
    "DataTurks": of_json("a.jsonl", "dataturks", dataturks, strict.dataturks),
    "LightTag": of_json("a.jsonl", "lighttag", lighttag, strict.lighttag),
    "Ground Truth": of_json("a.manifest", "groundtruth", groundtruth, strict.groundtruth),
    "Argilla": of_json("a.jsonl", "argilla", argilla, strict.argilla),
    "Labelbox": of_json("a.ndjson", "labelbox", labelbox, strict.labelbox),
    "Hugging Face": of_json("a.jsonl", "huggingface", huggingface, strict.huggingface),
    "Label Studio, HyperText": of_json(
        "ls.json", "labelstudio", hypertext, strict.hypertext, lines=False
    ),
    "Label Studio, Paragraphs": of_json(
        "ls.json", "labelstudio", paragraphs, strict.paragraphs, lines=False
    ),
    "spaCy 2": of_json("a.json", "spacy", spacy_2, strict.spacy_2, lines=False),
    "Doc.to_json": of_json("a.jsonl", "spacy", doc_to_json, strict.doc_to_json),
    "NER Annotator": Format(
        "a.json", "spacy", ner_annotator, strict.of_json(strict.ner_annotator, lines=True)
    ),
    "Argilla 2": of_json("a.jsonl", "argilla", argilla_2, strict.argilla_2),
    "CoNLL-U": Format("a.conllu", "conll", conll_u, strict.conll_u),
    "CSV of words": Format("a.csv", "csv", table_of_words, strict.table_of_words),
    "CSV of JSON": Format("a.tsv", "csv", table_of_json, strict.table_of_json),
    "zip": Format(
        "a.zip",
        "doccano",
        archive("a.jsonl", json_file(doccano_entities, lines=True)),
        strict.archive(strict.of_json(strict.doccano_entities, lines=True)),
    ),
    "CSV": Format("a.csv", "csv", table, strict.table),
    "WebAnno": Format("a.tsv", "webanno", webanno, strict.webanno),
    "brat": Format("a.ann", "brat", annotations, strict.brat),
}
