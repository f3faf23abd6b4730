"""Run folders, written and read back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest
import yaml

from components.errors import ConfigError, DataError
from pipelines.local.runs import (
    TaskRecord,
    find_run,
    find_task,
    list_runs,
    new_run,
    output_of,
    read_record,
    tail,
    write_record,
)
from tests.pipelines.local.runner.pieces import compiled, run
from tests.pipelines.local.runner.test_cache import chain


def test_what_a_run_leaves(tmp_path: Path) -> None:
    result = run(chain(), tmp_path, config="configs/my.yaml")
    assert read_record(result.path) == result.record
    document = json.loads((result.path / "run.json").read_text(encoding="utf-8"))
    assert document["config"] == "configs/my.yaml"
    assert document["tasks"]["first"]["state"] == "succeeded"
    assert document["tasks"]["decide"]["parameters"] == {"decision": "x", "number": 1}
    spec = yaml.safe_load((result.path / "spec.yaml").read_text(encoding="utf-8"))
    assert spec == compiled(chain())
    assert sorted(path.name for path in (result.path / "logs").iterdir()) == [
        "decide.log",
        "decide.sh",
        "first.log",
        "first.sh",
        "second.log",
        "second.sh",
    ]


def test_ids_sort_and_never_clash(tmp_path: Path) -> None:
    names = []
    for _ in range(12):
        with new_run(tmp_path, "a name/with: ünï") as folder:
            (folder / "run.json").touch()
            names.append(folder.name)
    assert len(set(names)) == 12
    assert all(name[15:].startswith("-a-name-with-ünï") for name in names)


def test_a_run_that_never_began_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full"), new_run(tmp_path, "name"):
        raise OSError("full")
    assert list(tmp_path.iterdir()) == []


def test_runs_are_listed_newest_first(tmp_path: Path) -> None:
    first, second = run(chain(), tmp_path), run(chain(), tmp_path)
    out = tmp_path / "runs"
    assert [record.id for record in list_runs(out)] == [second.run_id, first.run_id]
    assert find_run(out, "latest") == second.path
    assert find_run(out, first.run_id) == first.path
    with pytest.raises(ConfigError, match="must name one run"):
        find_run(out, "test")
    with pytest.raises(ConfigError, match="it matches: none"):
        find_run(out, "gone")
    assert list_runs(tmp_path / "nowhere") == []


@pytest.mark.parametrize("content", ["", '{"id": "x"', "[]", '{"id": 3}'])
def test_a_spoilt_record_harms_no_other_run(tmp_path: Path, content: str) -> None:
    first = run(chain(), tmp_path)
    second = run(chain(), tmp_path)
    (first.path / "run.json").write_text(content, encoding="utf-8")
    assert [record.id for record in list_runs(tmp_path / "runs")] == [second.run_id]
    with pytest.raises(DataError, match=r"run\.json: not readable as a run"):
        read_record(first.path)


def test_runs_can_be_moved_and_deleted(tmp_path: Path) -> None:
    first = run(chain(), tmp_path / "old")
    run(chain(), tmp_path / "old")
    assert str(tmp_path) not in (first.path / "run.json").read_text(encoding="utf-8")
    moved = tmp_path / "elsewhere"
    shutil.move(tmp_path / "old/runs", moved)
    second = read_record(find_run(moved, "latest"))
    path = output_of(second, second.tasks["second"], "made")
    assert path == moved / second.id / "second/made"
    assert path.read_text(encoding="utf-8") == "x+"
    shutil.rmtree(moved / first.run_id)
    made = f"run {second.id}: the made of second, which run {first.run_id} had made, is gone: "
    with pytest.raises(DataError, match=made):
        output_of(second, second.tasks["second"], "made")
    with pytest.raises(DataError, match="second has left no other"):
        output_of(second, second.tasks["second"], "other")


def test_a_record_of_before_has_absolute_paths(tmp_path: Path) -> None:
    first = run(chain(), tmp_path)
    record = first.path / "run.json"
    old = msgspec.json.decode(record.read_bytes())
    made = str(first.path / "first/made")
    old["tasks"]["first"]["artifacts"]["made"]["uri"] = made
    old["version"] = 1
    record.write_bytes(msgspec.json.encode(old))
    assert read_record(first.path).tasks["first"].artifacts["made"].uri == made


def test_the_latest_is_a_retrain_and_no_curve(tmp_path: Path) -> None:
    retrain = run(chain(), tmp_path)
    curve = read_record(retrain.path)
    curve.id = "29990101-000000-curve"
    curve.tasks["share-50/subsample"] = TaskRecord("share-50/subsample")
    (tmp_path / "runs" / curve.id).mkdir()
    write_record(tmp_path / "runs" / curve.id, curve)
    assert find_run(tmp_path / "runs", "latest") == retrain.path
    assert list_runs(tmp_path / "runs")[0].is_curve or list_runs(tmp_path / "runs")[1].is_curve
    shutil.rmtree(retrain.path)
    with pytest.raises(ConfigError, match="no run yet"):
        find_run(tmp_path / "runs", "latest")


def test_tasks_by_name(tmp_path: Path) -> None:
    record = run(chain(), tmp_path).record
    assert find_task(record, "first").task == "first"
    with pytest.raises(ConfigError, match="must name one task of: "):
        find_task(record, "third")
    record.tasks["phase-1/train"] = TaskRecord("phase-1/train")
    assert find_task(record, "phase-1.train") == find_task(record, "train")


def test_tail(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"line {number}\n" for number in range(100_000)), encoding="utf-8")
    assert tail(log, 2) == ["line 99998", "line 99999"]
    log.write_bytes(b"\xff\n")
    assert tail(log, 5) == ["�"]
    assert tail(tmp_path / "missing", 5) == []
