"""Running the split stage on records that a test makes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from components.__main__ import main
from components.records.record import Record, read_records, write_records
from tests.support.records import ner_tasks

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True)
class Split:
    """What a run of the stage left behind."""

    folder: Path

    @property
    def assignment(self) -> Path:
        return self.folder / "assignment.json"

    @property
    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads((self.folder / "report.json").read_text("utf-8"))
        return report

    @property
    def splits(self) -> dict[str, list[Record]]:
        return {split: list(read_records(self.folder / f"{split}.jsonl")) for split in SPLITS}

    @cached_property
    def split_of(self) -> dict[str, str]:
        """Split of each record, by its source."""
        return {record.source: split for split, each in self.splits.items() for record in each}

    @property
    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}


@pytest.fixture
def split(tmp_path: Path) -> Callable[..., Split]:
    """Run the stage as a pipeline does; return what it wrote."""
    runs = 0

    def run(records: Iterable[Record], previous: Path | str = "", **settings: Any) -> Split:
        nonlocal runs
        runs += 1
        source = tmp_path / f"{runs}.jsonl"
        write_records(source, records)
        folder = tmp_path / f"split-{runs}"
        code = main(
            ["split", "--annotations", str(source), "--tasks", ner_tasks(["A"])]
            + ["--settings", json.dumps(settings), "--previous", str(previous)]
            + [
                word
                for split in SPLITS
                for word in (f"--{split}-set", str(folder / f"{split}.jsonl"))
            ]
            + ["--assignment", str(folder / "assignment.json")]
            + ["--split-report", str(folder / "report.json")]
        )
        assert code == 0
        return Split(folder)

    return run
