"""Scores stay comparable: no earlier document changes split when new ones arrive."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.__main__ import main
from components.records.keys import key_of, normalised
from components.split.assignment import Assignment, read_assignment, write_assignment
from components.split.summary import JOINED, RESHUFFLED, in_words
from tests.components.split.conftest import Split
from tests.components.split.documents import document, documents
from tests.support.records import ner_tasks


def test_nothing_moves_when_half_of_the_data_is_new(split: Callable[..., Split]) -> None:
    everything = documents(4000)
    first = split(everything[:2000])
    second = split(everything, previous=first.assignment)
    splits = second.split_of
    assert all(splits[source] == split for source, split in first.split_of.items())
    assert second.report["stability"]["moved"] == 0
    assert second.report["stability"]["known"] >= 2000
    assert second.report["stability"]["known"] + second.report["stability"]["new"] == 4000


def test_new_documents_go_where_they_balance_the_labels(split: Callable[..., Split]) -> None:
    everything = documents(4000)
    first = split(everything[:2000], dev=0.3, test=0.4)
    second = split(everything, previous=first.assignment, dev=0.2, test=0.3)
    assert second.report["stability"]["moved"] == 0
    assert second.report["worst_deviation"] <= 1


def test_without_a_memory_nearly_all_keep_their_split(split: Callable[..., Split]) -> None:
    everything = documents(4000)
    before, after = split(everything[:2000]).split_of, split(everything).split_of
    moved = sum(after[source] != split for source, split in before.items())
    assert moved < 0.1 * len(before)


def test_new_documents_of_a_known_page_join_it(split: Callable[..., Split]) -> None:
    old = [document(f"old {n}", [], {"page": str(n % 50)}, number=n) for n in range(200)]
    new = [document(f"new {n}", [], {"page": str(n % 50)}, number=200 + n) for n in range(200)]
    first = split(old, group_by="meta.page")
    second = split(new, previous=first.assignment, group_by="meta.page").split_of
    page_split = {number % 50: first.split_of[f"x:{number}"] for number in range(200)}
    assert all(second[f"x:{200 + n}"] == page_split[n % 50] for n in range(200))


def test_documents_that_were_left_out_once_come_back_to_their_split(
    split: Callable[..., Split],
) -> None:
    records = documents(600)
    first = split(records)
    assert split(records[::2], previous=first.assignment).report["stability"]["moved"] == 0


def test_earlier_groups_that_new_records_join_are_trained_on(split: Callable[..., Split]) -> None:
    """Leaving them apart would leak; scoring on what was trained on would be worse."""
    old = [document(f"old {n}", [], {"page": str(n)}, number=n) for n in range(100)]
    first = split(old, group_by="meta.page")
    trained = next(n for n in range(100) if first.split_of[f"x:{n}"] == "train")
    tested = next(n for n in range(100) if first.split_of[f"x:{n}"] == "test")
    bridge = document(f"old {trained}", [], {"page": str(tested)}, number=500)
    second = split([*old, bridge], previous=first.assignment, group_by="meta.page")
    assert {second.split_of[f"x:{n}"] for n in (trained, tested, 500)} == {"train"}
    assert second.report["stability"]["moved"] == 1
    assert second.report["stability"]["why"] == {JOINED: 1}
    assert in_words(second.report).endswith(f"1 of 101 known documents moved, 1 since {JOINED}.")
    assert second.report["groups"]["leaked"] == 0


def test_reshuffle_forgets_and_says_how_many_moved(split: Callable[..., Split]) -> None:
    records = documents(1000)
    first = split(records, seed=1)
    again = split(records, previous=first.assignment, seed=2, reshuffle=True)
    moved = sum(again.split_of[source] != split for source, split in first.split_of.items())
    assert again.report["stability"]["moved"] == moved > 200
    assert again.report["stability"]["why"] == {RESHUFFLED: moved}
    assert split(records, previous=first.assignment, seed=2).report["stability"]["moved"] == 0


def test_tags_in_the_annotations_come_first(split: Callable[..., Split]) -> None:
    records = [document(f"text {n}", ["A"], number=n) for n in range(300)]
    first = split(records)
    for record in records[:30]:
        record.split = "test"
    second = split(records, previous=first.assignment)
    assert {second.split_of[f"x:{n}"] for n in range(30)} == {"test"}
    assert second.report["tags"] == {"tagged": 30, "overruled": 0, "drawn_along": 0}


def test_tags_that_disagree_within_a_group_hold_it_out(split: Callable[..., Split]) -> None:
    records = [
        document("The same text", [], split="train", number=0),
        document("the same  TEXT", [], split="test", number=1),
        document("the same text", [], number=2),
        *(document(f"other {n}", [], number=3 + n) for n in range(30)),
    ]
    result = split(records)
    assert {result.split_of[f"x:{n}"] for n in range(3)} == {"test"}
    assert result.report["tags"] == {"tagged": 2, "overruled": 1, "drawn_along": 1}


@pytest.mark.parametrize("test", [0, 0.1])
def test_a_test_set_of_ones_own_leaves_dev_and_train_their_proportion(
    split: Callable[..., Split], test: float
) -> None:
    records = documents(1000)
    held_out = records[::3]  # more than the fraction
    for record in held_out:
        record.split = "test"
    result = split(records, dev=0.1, test=test)
    report = result.report
    tags = report["tags"]
    assert tags["tagged"] == len(held_out)
    decided = tags["tagged"] - tags["overruled"] + tags["drawn_along"]
    assert decided <= report["documents"]["test"] <= decided + (5 if test else 0)  # rare labels
    left = 1000 - report["documents"]["test"]
    assert report["documents"]["dev"] == pytest.approx(left * 0.1 / (1 - test), abs=3)
    assert report["worst_deviation"] <= 1
    assert all(one["split"] == "test" and not test for one in report["missing"])


def test_what_a_test_set_of_ones_own_lacks_is_said(split: Callable[..., Split]) -> None:
    train = [document(f"text {n}", ["A", "B"], number=n) for n in range(30)]
    held_out = [document(f"other {n}", ["A"], split="test", number=30 + n) for n in range(5)]
    report = split([*train, *held_out], test=0).report
    assert report["missing"] == [{"label": "B", "split": "test", "groups": 30}]


def test_the_order_of_the_input_does_not_show(split: Callable[..., Split]) -> None:
    records = documents(1000, pages=300)
    settings = {"group_by": "meta.base_path", "near_duplicates": 0.7}
    assert split(records, **settings).files == split(records[::-1], **settings).files


def test_seeds_differ(split: Callable[..., Split]) -> None:
    records = documents(500)
    assert split(records, seed=1).split_of != split(records, seed=2).split_of


def test_another_process_gives_the_same_bytes(split: Callable[..., Split], tmp_path: Path) -> None:
    """With another hash seed, as another machine has."""
    here = split(documents(300))
    there = tmp_path / "there"
    subprocess.run(
        [sys.executable, "-m", "components", "split", "--annotations", tmp_path / "1.jsonl"]
        + ["--tasks", ner_tasks(["A"])]
        + [f"--{split}-set={there / split}.jsonl" for split in ("train", "dev", "test")]
        + [f"--assignment={there}/assignment.json", f"--split-report={there}/report.json"],
        check=True,
        env={"PYTHONHASHSEED": "7"},
    )
    assert Split(there).files == here.files


def test_the_split_is_the_one_that_it_always_was(split: Callable[..., Split]) -> None:
    """Splits written down once: they must be the same on every machine and Python version."""
    splits = split([document(f"Document number {n}", ["ABC"[n % 3]], number=n) for n in range(30)])
    assert [n for n in range(30) if splits.split_of[f"x:{n}"] == "dev"] == [3, 11, 22]
    assert [n for n in range(30) if splits.split_of[f"x:{n}"] == "test"] == [15, 16, 17, 21, 26, 28]


def test_keys_do_not_depend_on_the_machine() -> None:
    key = key_of(normalised("  Straße ﬁne	NOW "), b"text")
    assert f"{key:016x}" == "a092831f69fd202b"  # pragma: allowlist secret


@given(st.dictionaries(st.integers(1, 2**64 - 1), st.integers(0, 2)))
def test_an_assignment_survives_its_file(splits: dict[int, int]) -> None:
    keys = np.array(sorted(splits), np.uint64)
    codes = np.array([splits[key] for key in sorted(splits)], np.int8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "assignment.json"
        write_assignment(path, Assignment(keys, codes))
        back = read_assignment(path)
    assert (back.splits_of(keys) == codes).all()
    assert (back.splits_of(~keys)[~np.isin(~keys, keys)] == -1).all()


@pytest.mark.parametrize(
    "content", ["", "[]", '{"version": 1, "train": ["x"], "dev": [], "test": []}']
)
def test_what_is_no_assignment_is_refused(
    split: Callable[..., Split], tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    split(documents(10))
    wrong = tmp_path / "wrong.json"
    wrong.write_text(content, encoding="utf-8")
    outputs = [f"--{name}={tmp_path}/out/{name}" for name in ("train-set", "dev-set", "test-set")]
    outputs += [f"--{name}={tmp_path}/out/{name}" for name in ("assignment", "split-report")]
    source = f"--annotations={tmp_path}/1.jsonl"
    assert (
        main(["split", source, "--tasks", ner_tasks(["A"]), f"--previous={wrong}", *outputs]) == 3
    )
    assert str(wrong) in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_folder_of_a_model_may_hold_the_assignment(
    split: Callable[..., Split], tmp_path: Path
) -> None:
    first = split(documents(100))
    champion = tmp_path / "champion"
    champion.mkdir()
    assert split(documents(100), previous=champion).report["stability"]["known"] == 0
    first.assignment.rename(champion / "assignment.json")
    assert split(documents(100), previous=champion).report["stability"]["known"] == 100
