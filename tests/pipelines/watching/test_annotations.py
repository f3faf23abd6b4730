"""What counts as new, and when it is counted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.errors import ConfigError, DataError
from components.records.record import Answers, Record, Span, write_records
from pipelines.config.load import load
from pipelines.config.schema import Due
from pipelines.watching.annotations import keys_in, new_of
from pipelines.watching.memory import Memory, alone, memorise, recall
from pipelines.watching.watcher import LONGEST, Watched, Watcher

CONFIG = """\
name: watched
phases:
  one:
    labels: [ORG]
    annotations: [a.jsonl]
    train: {config: cnn}
    model: {name: one}
  two:
    labels: [ORG]
    annotations: [a.jsonl]
    train: {config: cnn}
    model: {name: two}
    due: {new_annotations: 3, quiet: 10s}
"""


def record(number: int, *labels: str, topic: str = "TAX") -> Record:
    spans = [Span(0, 3, label) for label in labels]
    answers = {"entities": Answers(spans=spans), "topic": Answers(cats={topic: True})}
    return Record(id=f"{number:032}", text=f"Ada {number}", answers=answers)


def test_what_one_task_corrected_is_not_new_to_another(tmp_path: Path) -> None:
    def keys(*records: Record) -> Path:
        write_records(tmp_path / "annotations.jsonl", records)
        return tmp_path / "annotations.jsonl"

    before = keys_in(keys(*(record(n, "ORG") for n in range(4)))).tasks
    now = keys_in(keys(record(0, "ORG"), record(1, "PERSON"), record(2, "ORG", topic="VISA")))
    assert new_of(now.tasks, before) == {"entities": 1, "topic": 1}
    assert new_of(now.tasks, {}) == {"entities": 3, "topic": 3}
    assert {*map(len, now.whole.values())} == {3}
    # Written otherwise, it is the same.
    assert keys_in(keys(*(record(n, "ORG") for n in reversed(range(4))))).tasks == before


def watched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    (folder / "my.yaml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.chdir(folder)
    [one] = Watcher(load(Path("my.yaml")), Path("runs"), print, []).watched()
    assert (one.name, one.due) == ("two", Due(new_annotations=3, quiet="10s"))
    return one


def test_changes_are_counted_once_they_have_been_quiet_and_never_put_off_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = watched(tmp_path, monkeypatch)
    file = tmp_path / "a.jsonl"

    def change(time: int) -> None:
        file.write_text("{}\n" * (time + 1), encoding="utf-8")
        os.utime(file, ns=(time, time))

    change(0)
    assert one.look(100)  # a watch that starts does not wait
    one.wait_until(None)
    assert not one.look(101)
    change(1)
    assert not one.look(102)
    assert one.counted_in(105) == 7
    change(2)
    assert not one.look(111)
    assert not one.look(120.9)
    assert one.look(121)
    one.wait_until(None)
    times = [200 + 5 * n for n in range(60)]
    for time in times:
        change(time)
        if one.look(time):
            break
    assert time == 200 + 10 * LONGEST
    one.wait_until(500.0)  # as after a run that failed
    assert not one.look(505) and one.look(510)


def test_a_phase_has_to_say_when_it_is_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched(tmp_path, monkeypatch)
    for text, phases in ((CONFIG, ["one"]), (CONFIG[: CONFIG.index("    due")], [])):
        (tmp_path / "my.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match=r"one.*: not said when a retrain is due\. Write"):
            Watcher(load(Path("my.yaml")), Path("runs"), print, phases).watched()


def test_a_memory_is_whole_or_said_to_be_damaged(tmp_path: Path) -> None:
    file = tmp_path / "two.json"
    assert recall(file) == Memory()
    memorise(file, Memory({"ner": ["a"]}, {"ner": ["a", "b"]}))
    assert recall(file) == Memory({"ner": ["a"]}, {"ner": ["a", "b"]})
    file.write_text('{"known": 3}', encoding="utf-8")
    with pytest.raises(DataError, match=r"two\.json: cannot be read .* Delete it"):
        recall(file)
    with (
        alone(tmp_path / "lock", "my.yaml"),
        pytest.raises(ConfigError, match=r"my\.yaml is being watched already"),
        alone(tmp_path / "lock", "my.yaml"),
    ):
        pass
    with alone(tmp_path / "lock", "my.yaml"):
        pass
