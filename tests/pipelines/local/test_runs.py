"""Run folders, written and read back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from components.errors import ConfigError, DataError
from pipelines.local.runs import (
    TaskRecord,
    find_run,
    find_task,
    list_runs,
    new_run,
    read_record,
    tail,
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
        "first.log",
        "second.log",
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
