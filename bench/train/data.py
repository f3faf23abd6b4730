"""The corpora of the training benchmarks: re3d and wnut17, or the sample and pages made of it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
TRAIN, DEV = 1200, 300  # documents


def write_corpora(folder: Path) -> str:
    """Write train and dev corpora with their manifests; return a line that says what they are."""
    from spacy.tokens import DocBin

    from components.files import sha256

    splits = dict(zip(("train", "dev"), documents(), strict=True))
    labels = {ent.label_ for docs in splits.values() for doc in docs for ent in doc.ents}
    (folder / "labels.json").write_text(json.dumps(sorted(labels)), encoding="utf-8")
    for split, docs in splits.items():
        shard = folder / split / "000000.spacy"
        shard.parent.mkdir(parents=True)
        DocBin(docs=docs).to_disk(shard)
        entry = {"file": shard.name, "sha256": sha256(shard), "documents": len(docs)}
        (shard.parent / "manifest.json").write_text(json.dumps({"shards": [entry]}), "utf-8")
    origin = "re3d and wnut17" if DATA.is_dir() else "the sample, and pages made of it"
    counts = [
        f"{len(docs):,} ({sum(map(len, docs)):,} words) for {s}" for s, docs in splits.items()
    ]
    return f"{origin}: documents {', '.join(counts)}"


def documents() -> tuple[list[Any], list[Any]]:
    """Documents of mixed lengths for train and dev."""
    import spacy

    nlp = spacy.blank("en")
    if DATA.is_dir():
        splits = [
            [
                doc
                for name in ("re3d", "wnut17")
                for doc in read(nlp, DATA / name / f"{split}.jsonl")
            ]
            for split in ("train", "dev")
        ]
        # All of re3d, which is long and small, and as much of wnut17 as there is room for.
        return splits[0][:TRAIN], splits[1][:DEV]
    from spacy.tokens import Doc

    docs = [doc for n in (1, 2) for doc in read(nlp, ROOT / f"configs/sample/phase{n}.jsonl")]
    pages = [Doc.from_docs(docs[start : start + 12]) for start in range(0, len(docs), 24)]
    docs = [doc for doc in [*docs, *pages] if doc is not None]
    random.Random(0).shuffle(docs)  # noqa: S311
    return docs[DEV:], docs[:DEV]


def read(nlp: Any, path: Path) -> Iterator[Any]:
    """The accepted rows of a Prodigy export, as far as their spans lie on tokens."""
    from spacy.util import filter_spans

    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        if "text" in row and row.get("answer", "accept") == "accept":
            doc = nlp.make_doc(row["text"])
            spans = [doc.char_span(s["start"], s["end"], s["label"]) for s in row.get("spans", [])]
            doc.set_ents(filter_spans(span for span in spans if span is not None))
            if len(doc):
                yield doc
