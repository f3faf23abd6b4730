"""Records with entities, as `split` hands them over."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

import msgspec
from hypothesis import strategies as st

from components.convert.rows import Row
from components.records.record import Record, Span
from components.tasks import tasks_of
from components.tokeniser import tokenise
from tests.support.records import ner_record, ner_tasks

NER = tasks_of(ner_tasks(["A"]))  # what labels there are does not matter to convert
SENTENCES = [
    "{PERSON} asked the {ORG} for £{MONEY} on {DATE}.",
    "Send form {FORM} to the {ORG} before {DATE}, or call {PERSON}.",
    "There is no fee.\nApply online: it takes 10 minutes.",
]
VALUES = {
    "PERSON": ["Ann Lee", "Zoë O'Neill", "J. R. Smith"],
    "ORG": ["Home Office", "DVLA", "HM Revenue & Customs"],
    "MONEY": ["20", "1,500.50"],
    "DATE": ["3 May 2024", "Monday"],
    "FORM": ["SA100", "V5C/2"],
}


def records(count: int, seed: int = 0, sentences: int = 1) -> list[Record]:
    """Make records of so many sentences; every third has no tokens."""
    rng = random.Random(seed)
    return [
        record(number, [rng.choice(SENTENCES) for _ in range(sentences)], rng)
        for number in range(count)
    ]


def rows(given: Sequence[Record]) -> list[Row]:
    """The records as convert reads them."""
    return msgspec.json.Decoder(Row).decode_lines(msgspec.json.Encoder().encode_lines(given))


def record(number: int, templates: list[str], rng: random.Random) -> Record:
    text, spans = "", []
    for template in templates:
        for part in template.replace("}", "{").split("{"):
            if part in VALUES:
                value = rng.choice(VALUES[part])
                spans.append(Span(len(text), len(text) + len(value), part))
                part = value
            text += part
        text += " "
    tokens = None if number % 3 == 0 else tokenise(text, "en")
    meta = {"base_path": f"/page/{number}"}
    return ner_record(f"{number:08}", text, spans, tokens, meta, source=f"export.jsonl:{number}")


@st.composite
def any_record(draw: st.DrawFn) -> Record:
    """Any text with any entities that do not overlap, and tokens that may be wrong."""
    text = draw(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
    edges = draw(st.lists(st.integers(0, len(text)), unique=True, max_size=8).map(sorted))
    label = st.sampled_from(["ORG", "LOC", "A LABEL", "ÜBER"])
    spans = [Span(a, b, draw(label)) for a, b in zip(edges[::2], edges[1::2], strict=False)]
    cuts = sorted({0, len(text), *draw(st.lists(st.integers(0, len(text))))})
    offsets = list(pairwise(cuts))
    anything = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=6)
    tokens = draw(st.one_of(st.none(), st.just(offsets), anything))
    meta = draw(st.dictionaries(st.text(max_size=5), st.one_of(st.none(), st.text(max_size=5))))
    return ner_record("1", text, spans, tokens, meta, source="x:1", complete=draw(st.booleans()))
