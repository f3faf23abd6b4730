"""Checkpoints: the newest whole one of the same run, or none and a reason."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from components.files import sha256
from components.own_code import ROOT, own_digest
from components.tasks import module_of
from components.train.checkpoint import Checkpoints, Latest
from components.train.checkpoint_schedule import CheckpointSchedule
from components.train.inputs import code_digest
from components.train.settings import TrainSettings
from components.train.state import State

Train = Callable[..., int]

SETTINGS = '{"checkpoint_every": 3, "checkpoint_share": 1}'
INPUTS = {"config": "c" * 64, "data": "d" * 64, "code": "e" * 64, "torch": "2.13.0"}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The log of a run."""
    folder = tmp_path / "log"
    folder.mkdir()
    for name in ("training.log", "history.jsonl"):
        (folder / name).write_text(name, encoding="utf-8")
    return folder


@pytest.fixture
def written(tmp_path: Path, log: Path) -> Checkpoints:
    """Checkpoints of steps 1 to 4, with the best pipeline of step 2."""
    checkpoints = Checkpoints(tmp_path / "root", INPUTS)
    for step in range(1, 5):
        if step <= 2:
            with checkpoints.keeping_best(step) as folder:
                (folder / "model").write_text(f"best at {step}")
        arrays = {"weights/ner/0/W": np.full(3, step, dtype=np.float32)}
        counts = {"nr_update": {"ner/0/W": step}, "last_seen": {}}
        checkpoints.save(arrays, counts, State(step=step, results=[(0.5, step)]), log)
    return checkpoints


def test_two_are_kept_with_the_best_pipeline(written: Checkpoints) -> None:
    assert {path.name for path in written.folder.iterdir()} == {
        "LATEST",
        "ckpt-3",
        "ckpt-4",
        "best-2",
    }


def test_a_bucket_can_hold_them(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No folder is renamed there, and LATEST comes after whatever it names."""
    root, seen, replace = tmp_path / "ckpt", [], os.replace

    def moved(source: Any, target: Any) -> None:
        if not Path(target).is_relative_to(root):
            return replace(source, target)
        assert Path(source).is_file(), f"{source} is a folder: a bucket can't rename it"
        assert Path(target).name == "LATEST"
        latest = msgspec.json.decode(Path(source).read_bytes(), type=Latest)
        for entry in latest.checkpoints:
            for name, digest in entry.files.items():
                assert sha256(Path(target).parent / name) == digest
        seen.append([entry.name for entry in latest.checkpoints])
        return replace(source, target)

    for name in ("rename", "replace"):
        monkeypatch.setattr(os, name, moved)
    steps = {"training.max_steps": 30, "training.eval_frequency": 3}
    schedule = {"checkpoints": str(root), "settings": SETTINGS}
    assert train("cnn", steps, **schedule) == 0
    assert len(seen) > 1
    assert seen[0] == ["ckpt-2"]
    assert all(len(names) == 2 for names in seen[1:])


def test_what_a_dead_attempt_left_is_replaced(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "root", INPUTS)
    with pytest.raises(KeyboardInterrupt), checkpoints.keeping_best(4) as folder:
        (folder / "half").write_text("x", encoding="utf-8")
        raise KeyboardInterrupt
    with checkpoints.keeping_best(4) as folder:
        assert list(folder.iterdir()) == []


def test_newest_is_read_with_its_log(written: Checkpoints, tmp_path: Path) -> None:
    restored = Checkpoints(tmp_path / "root", INPUTS).load(tmp_path / "new-log")
    assert restored
    arrays, saved = restored
    assert arrays["weights/ner/0/W"].tolist() == [4, 4, 4]
    assert saved.state == State(step=4, results=[(0.5, 4)])
    assert saved.counts["nr_update"] == {"ner/0/W": 4}
    assert (tmp_path / "new-log/history.jsonl").read_text(encoding="utf-8") == "history.jsonl"


@pytest.mark.parametrize("name", ["arrays.safetensors", "state.json", "history.jsonl"])
def test_damaged_newest_falls_back_to_the_older(
    written: Checkpoints, log: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (written.folder / "ckpt-4" / name).write_bytes(b"half")
    restored = Checkpoints(written.folder.parent, INPUTS).load(log)
    assert restored
    assert restored[1].state.step == 3
    assert f"ckpt-4/{name} does not have the SHA-256" in capsys.readouterr().out


def test_without_its_best_pipeline_none_is_used(
    written: Checkpoints, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (written.folder / "best-2/model").unlink()
    assert Checkpoints(written.folder.parent, INPUTS).load(log) is None
    assert "best-2/model is missing" in capsys.readouterr().out


def test_unreadable_latest_is_reported(
    written: Checkpoints, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (written.folder / "LATEST").write_text("{", encoding="utf-8")
    assert Checkpoints(written.folder.parent, INPUTS).load(log) is None
    assert "LATEST can't be read" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["code", "torch"])
def test_another_code_is_refused_by_name(
    written: Checkpoints, log: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    other = {**INPUTS, name: "2.14.0"}
    assert Checkpoints(written.folder.parent, other).load(log) is None
    message = capsys.readouterr().out
    assert f"{name} differs: {INPUTS[name][:16]} then, 2.14.0 now" in message


@pytest.mark.parametrize("file", ["tasks/ner/training.py", "tasks/base.py", "train/loop.py"])
def test_an_edit_of_the_kind_of_task_refuses_a_checkpoint(
    tmp_path: Path, log: Path, capsys: pytest.CaptureFixture[str], file: str
) -> None:
    shutil.copytree(ROOT / "components", tmp_path / "components")

    def checkpoints() -> Checkpoints:
        code = own_digest(["components.train.run", module_of("ner")], tmp_path)
        return Checkpoints(tmp_path / "root", {**INPUTS, "code": code})

    assert checkpoints().inputs["code"] == code_digest(["ner"]), "what a run's checkpoints hold"
    state = State(step=1, results=[(0.5, 1)])
    with checkpoints().keeping_best(1) as folder:
        (folder / "model").write_text("best")
    checkpoints().save({"weights": np.ones(1)}, {"nr_update": {}, "last_seen": {}}, state, log)
    for other in ("tasks/textcat/training.py", "registry/base.py"):
        with (tmp_path / "components" / other).open("a", encoding="utf-8") as text:
            text.write("# changed")
    assert checkpoints().load(log) is not None, "neither is part of training entities"

    with (tmp_path / "components" / file).open("a", encoding="utf-8") as text:
        text.write("# changed")
    assert checkpoints().load(log) is None
    assert "code differs" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["config", "data"])
def test_another_config_or_corpus_has_its_own_folder(
    written: Checkpoints, log: Path, name: str
) -> None:
    other = Checkpoints(written.folder.parent, {**INPUTS, name: "f" * 64})
    assert other.folder != written.folder
    assert other.load(log) is None


@pytest.mark.parametrize("name", ["config", "data"])
def test_copied_checkpoints_of_another_run_are_refused(
    written: Checkpoints, log: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    other = Checkpoints(written.folder.parent, {**INPUTS, name: "f" * 64})
    written.folder.rename(other.folder)
    assert other.load(log) is None
    assert f"{name} differs" in capsys.readouterr().out


def test_finish_hands_over_the_best_and_leaves_nothing(
    written: Checkpoints, tmp_path: Path
) -> None:
    written.finish(tmp_path / "model", {"code.py": "x = 1"})
    assert (tmp_path / "model/code.py").read_text(encoding="utf-8") == "x = 1"
    assert (tmp_path / "model/model").read_text(encoding="utf-8") == "best at 2"
    assert not written.folder.exists()


def test_pace_waits_for_steps_and_for_what_writing_costs() -> None:
    schedule = CheckpointSchedule(TrainSettings(checkpoint_every=10, checkpoint_minutes=0))
    assert [step for step in range(12) if schedule.due(step)] == [10, 11]
    schedule.written(10, cost=0.0)
    assert not schedule.due(19)
    assert schedule.due(20)
    schedule.written(20, cost=1e6)
    assert not schedule.due(2000)


def test_a_schedule_without_steps_or_minutes_is_never_due() -> None:
    assert not CheckpointSchedule(TrainSettings(checkpoint_every=0, checkpoint_minutes=0)).due(
        10**9
    )
