"""Running the ingest stage on files that a test writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest

from components.__main__ import main
from components.records.record import read_records
from components.records.sources import Source
from tests.components.ingest.exports import ENOUGH, LABELS, OUTPUTS, Ingested, row
from tests.support.records import ner_tasks


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Write a file of rows (dicts), lines (strings) or bytes; return its path."""

    def write(content: Any, name: str = "export.jsonl") -> str:
        path = tmp_path / name
        if not isinstance(content, bytes):
            lines = [r if isinstance(r, str) else json.dumps(r) for r in content]
            content = "".join(f"{line}\n" for line in lines).encode()
        path.write_bytes(content)
        return str(path)

    return write


@pytest.fixture
def ingest(tmp_path: Path) -> Callable[..., Ingested]:
    """Run the stage on source paths, as the pipeline does."""

    def ingest(
        *paths: str,
        labels: list[str] = LABELS,
        file_format: str = "auto",
        tasks: str = "",
        features: str = "",
        splits: Mapping[str, Literal["train", "dev", "test"]] = {},
        **settings: Any,
    ) -> Ingested:
        sources = [Source(path=path, format=file_format, features=features) for path in paths]
        sources += [Source(path=path, split=split) for path, split in splits.items()]
        out = tmp_path / "out"
        arguments = {
            "sources": json.dumps([source.model_dump() for source in sources]),
            "tasks": tasks or ner_tasks(labels),
            "settings": json.dumps({"max_quarantined": 1, "max_moved": 1, **settings}),
            "store": str(out / "store"),
            **{name: str(out / name) for name in OUTPUTS},
        }
        argv = [word for name, value in arguments.items() for word in (f"--{name}", value)]
        code = main(["ingest", *argv])
        quarantine = (out / "quarantine").read_text(encoding="utf-8").splitlines()
        kept = list(out.glob("store/*/annotations.jsonl"))
        return Ingested(
            code,
            list(read_records(max(kept, key=lambda path: path.stat().st_mtime_ns))) if kept else [],
            [json.loads(line) for line in quarantine],
            json.loads((out / "data-report").read_text(encoding="utf-8")),
            (out / "report").read_text(encoding="utf-8"),
            (out / "summary").read_text(encoding="utf-8"),
            out,
        )

    return ingest


@pytest.fixture
def ingest_rows(write: Callable[..., str], ingest: Callable[..., Ingested]) -> Callable[..., Any]:
    """Ingest rows or lines of one Prodigy file, after two good records."""

    def ingest_rows(*rows: Any, **settings: Any) -> Ingested:
        good = [row(text, *spans) for text, spans in ENOUGH]
        return ingest(write([*good, *rows]), **settings)

    return ingest_rows
