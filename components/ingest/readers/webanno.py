"""WebAnno's and INCEpTION's TSV 3: tokens with their sentence's text, layers in columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from components.ingest.readers.exports import find_words
from components.ingest.readers.lines import read_lines
from components.records.annotation import Annotation, Item, Place, RawSpan, Refused
from components.records.problems import Problems, QuarantineError, StopReadingError
from components.records.sources import SourceFile

MARK = "#FORMAT=WebAnno TSV 3"
LAYER = re.compile(r"#T_(SP|CH|RL)=([^|]*)\|?(.*)")
LABEL = re.compile(r"(.*?)(?:\[(\d+)\])?")
FIXED = 3  # columns before the first layer: number, offsets, word


def looks_like_webanno(line: bytes) -> bool:
    """Whether a first line is that of a WebAnno TSV 3 file."""
    return line.startswith(MARK.encode())


def read_webanno(path: Path, source: str, problems: Problems, _file: SourceFile) -> Iterator[Item]:
    """One record per sentence."""
    column = FIXED
    layers: list[tuple[str, int]] = []
    texts: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    for number, raw in read_lines(path, source, problems):
        line = raw.decode()
        if match := LAYER.match(line):
            features = match[3].split("|")
            value = features.index("value") if "value" in features else 0
            layers += [(match[2], column + value)] if match[1] == "SP" else []
            column += max(1, len(features))
        elif line.startswith("#Text="):
            if rows:
                yield sentence(source, texts, rows, layer_of(layers, source))
                texts, rows = [], []
            texts.append(line.removeprefix("#Text="))
        elif line.strip() and not line.startswith("#"):
            rows.append((number, line.split("\t")))
    if rows:
        yield sentence(source, texts, rows, layer_of(layers, source))


def layer_of(layers: Sequence[tuple[str, int]], source: str) -> int:
    """The column of the entities' labels.

    Raises:
        StopReadingError: there is none, or it is not known which.
    """
    named = [column for name, column in layers if name.endswith("NamedEntity")]
    columns = named or [column for _, column in layers]
    if len(columns) != 1:
        listed = ", ".join(name for name, _ in layers) or "none"
        detail = f"it is not known which layer holds the entities: {listed}"
        raise StopReadingError("ambiguous_columns", source, detail)
    return columns[0]


def sentence(
    source: str, texts: Sequence[str], rows: Sequence[tuple[int, list[str]]], column: int
) -> Item:
    """The record of a sentence: its own text proves where the tokens are."""
    place = Place(source, rows[0][0])
    raw = "\n".join("\t".join(cells) for _, cells in rows).encode()
    try:
        if any(len(cells) <= column for _, cells in rows):
            raise QuarantineError("wrong_shape", "a line without the column of the entities")
        if any("." in cells[0] for _, cells in rows):
            raise QuarantineError("wrong_shape", "an entity inside a token")
        text = unescaped("\n".join(texts))
        tokens = find_words(text, [unescaped(cells[2]) for _, cells in rows])
        spans: dict[tuple[str, str], RawSpan] = {}
        for at, (_, cells) in enumerate(rows):
            for name, label in labels_of(cells[column], at):
                key = (name, label)
                first = spans.get(key, RawSpan(tokens[at].start, 0, label)).start
                spans[key] = RawSpan(first, tokens[at].end, label)
    except QuarantineError as problem:
        return Refused(place, problem.kind, problem.detail, raw)
    return Annotation(place, text, [*spans.values()], raw, tokens=tokens, answer="accept")


def labels_of(cell: str, at: int) -> Iterator[tuple[str, str]]:
    """(what tells the entity from others, label) of each entity in a cell."""
    for part in cell.split("|"):
        match = LABEL.fullmatch(part)
        if part not in ("_", "") and match:
            yield f"[{match[2]}]" if match[2] else f"token {at}", unescaped(match[1])


def unescaped(text: str) -> str:
    r"""A text without the backslashes before [ ] | _ -> ; and \, and with its line ends."""
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t", "r": "\r"}.get(m[1], m[1]), text)
