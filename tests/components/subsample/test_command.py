from __future__ import annotations

from pathlib import Path

import pytest

from components.__main__ import main
from components.records.record import read_records, write_records
from tests.support.records import ner_record


def take(folder: Path, percent: int) -> list[str]:
    records = [ner_record(id=f"{number}", text=f"text {number}", spans=[]) for number in range(50)]
    write_records(folder / "train", records)
    paths = ["--train-set", str(folder / "train"), "--kept", str(folder / "kept")]
    assert main(["subsample", *paths, "--percent", str(percent)]) == 0
    return [record.id for record in read_records(folder / "kept")]


def test_a_larger_share_holds_the_smaller_ones_in_the_order_of_the_file(tmp_path: Path) -> None:
    subsamples = {percent: take(tmp_path, percent) for percent in (25, 50, 75, 100)}
    assert [len(kept) for kept in subsamples.values()] == [13, 25, 38, 50]
    assert set(subsamples[25]) < set(subsamples[50]) < set(subsamples[75]) < set(subsamples[100])
    assert subsamples[50] == sorted(subsamples[50], key=int)


def test_no_share_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--train-set", "x", "--kept", str(tmp_path / "kept"), "--percent", "0"]
    assert main(["subsample", *arguments]) == 2
    assert "1 to 100" in capsys.readouterr().err
