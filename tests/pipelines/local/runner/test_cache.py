"""What is reused from earlier runs, and what is not.

No `from __future__ import annotations` here: kfp reads the types of components.
"""

import json
import os
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

from pipelines.local.run import RunResult
from pipelines.local.runner.launchers import ThisMachine
from pipelines.local.runner.spec import Container
from tests.pipelines.local.runner.pieces import (
    APPEND,
    DESCRIBE,
    RETURN,
    WRITE,
    Listener,
    change,
    decide,
    describe,
    run,
    states,
    text_of,
    write,
)


def chain(first: str = WRITE, second: str = APPEND, text: str = "x") -> Any:
    """Two tasks in a row and a decision beside them."""

    @dsl.pipeline(name="p")
    def pipeline():
        made = write(code=first, text=text).set_display_name("first")
        change(code=second, source=made.outputs["made"]).set_display_name("second")
        decide(code=RETURN, text=text).set_display_name("decide")

    return pipeline


def reused(result: RunResult) -> set[str]:
    assert result.exit_code == 0
    return {name for name, state in states(result).items() if state == "reused"}


def test_nothing_changed(tmp_path: Path) -> None:
    first = run(chain(), tmp_path)
    second = run(chain(), tmp_path)
    third = run(chain(), tmp_path)
    assert reused(first) == set()
    assert reused(second) == reused(third) == {"first", "second", "decide"}
    link = third.path / "second/made"
    assert link.is_symlink()
    assert link.resolve() == first.path / "second/made"
    assert not link.readlink().is_absolute()
    assert text_of(third, "second") == "x+"
    task = third.record.tasks["decide"]
    assert task.reused_from == first.run_id
    assert task.parameters == {"decision": "x", "number": 1}
    assert task.log == f"{first.run_id}/logs/decide.log"


def test_runs_can_be_moved_together(tmp_path: Path) -> None:
    run(chain(), tmp_path / "old")
    shutil.move(tmp_path / "old", tmp_path / "new")
    assert len(reused(run(chain(), tmp_path / "new"))) == 3


def test_another_input_runs_again(tmp_path: Path) -> None:
    run(chain(), tmp_path)
    assert reused(run(chain(text="y"), tmp_path)) == set()


def test_the_same_content_from_other_code_is_the_same_input(tmp_path: Path) -> None:
    run(chain(), tmp_path)
    assert reused(run(chain(first=WRITE + " "), tmp_path)) == {
        "second",
        "decide",
    }


def test_without_cache_everything_runs_and_is_kept(tmp_path: Path) -> None:
    run(chain(), tmp_path)
    again = run(chain(), tmp_path, use_cache=False)
    assert reused(again) == set()
    assert run(chain(), tmp_path).record.tasks["first"].reused_from == again.run_id


def test_a_task_that_is_never_cached(tmp_path: Path) -> None:
    @dsl.pipeline(name="p")
    def pipeline():
        look = write(code=WRITE, text="same").set_caching_options(False)
        change(code=APPEND, source=look.outputs["made"])

    run(pipeline, tmp_path)
    assert reused(run(pipeline, tmp_path)) == {"change"}


def test_the_runs_own_name_is_not_part_of_the_key(tmp_path: Path) -> None:
    @dsl.pipeline(name="p")
    def pipeline():
        write(code=WRITE, text=dsl.PIPELINE_JOB_NAME_PLACEHOLDER)

    first = run(pipeline, tmp_path)
    assert text_of(first, "write") == first.run_id
    assert reused(run(pipeline, tmp_path)) == {"write"}


def test_the_folder_of_the_runs_is_not_part_of_the_key(tmp_path: Path) -> None:
    """What outlives a run, such as a training's checkpoints, lies under the pipeline root."""
    outlives = f"{dsl.PIPELINE_ROOT_PLACEHOLDER}/checkpoints"

    @dsl.pipeline(name="p")
    def pipeline():
        write(code=WRITE, text=outlives)

    old, new = tmp_path / "old", tmp_path / "new"
    assert text_of(run(pipeline, old), "write") == str(old / "runs/checkpoints")
    shutil.move(old, new)
    assert reused(run(pipeline, new)) == {"write"}


def test_changed_metadata_is_a_changed_input(tmp_path: Path) -> None:
    def pipeline(number: float) -> Any:
        @dsl.pipeline(name="p")
        def p():
            made = describe(code=DESCRIBE, text=json.dumps({"metadata": {"share": number}}))
            change(code=APPEND, source=made.outputs["made"])

        return p

    run(pipeline(0.5), tmp_path)
    assert reused(run(pipeline(0.5), tmp_path)) == {"describe", "change"}
    assert reused(run(pipeline(0.25), tmp_path)) == set()


def rot(path: Path) -> None:
    """Change a byte as a bad disk does: neither size nor times show it."""
    times = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize(
    "spoil",
    [
        rot,
        lambda path: path.write_text("changed"),
        lambda path: path.unlink(),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: shutil.rmtree(path.parents[1]),
    ],
)
def test_outputs_that_are_no_longer_what_they_were(tmp_path: Path, spoil: Any) -> None:
    first = run(chain(), tmp_path)
    spoil(first.path / "first/made")
    listener = Listener()
    again = run(chain(), tmp_path, listener)
    assert again.record.tasks["first"].state == "succeeded"
    assert text_of(again, "second") == "x+"
    assert f"first: output made of run {first.run_id} has changed or is gone" in listener.notes[0]
    assert "has changed or is gone" in again.record.tasks["first"].note
    assert "first" in reused(run(chain(), tmp_path))


def test_a_touched_file_is_not_made_again(tmp_path: Path) -> None:
    first = run(chain(), tmp_path)
    (first.path / "first/made").touch()
    assert len(reused(run(chain(), tmp_path))) == 3


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": "another"}'])
def test_a_spoilt_entry_counts_for_nothing(tmp_path: Path, content: str) -> None:
    run(chain(), tmp_path)
    for entry in (tmp_path / "runs/cache").glob("*.json"):
        entry.write_text(content, encoding="utf-8")
    assert reused(run(chain(), tmp_path)) == set()
    assert len(reused(run(chain(), tmp_path))) == 3


def test_an_entry_under_the_wrong_key_counts_for_nothing(tmp_path: Path) -> None:
    run(chain(), tmp_path)
    first, *others = (tmp_path / "runs/cache").glob("*.json")
    for entry in others:
        shutil.copy(first, entry)
    assert len(reused(run(chain(), tmp_path))) == 1


def test_a_failed_task_is_never_kept(tmp_path: Path) -> None:
    fails = WRITE + "; sys.exit(1 if pathlib.Path('fail').exists() else 0)"
    (tmp_path / "fail").touch()
    assert run(chain(first=fails), tmp_path).exit_code == 1
    (tmp_path / "fail").unlink()
    result = run(chain(first=fails), tmp_path)
    assert states(result) == {"first": "succeeded", "second": "succeeded", "decide": "reused"}


def test_an_output_that_lies_elsewhere_is_watched_too(tmp_path: Path) -> None:
    count = "pathlib.Path(a[1]).write_text(str(len(os.listdir(a[0]))))"

    @dsl.pipeline(name="p")
    def pipeline():
        described = describe(code=DESCRIBE, text='{"uri": "registry"}')
        change(code=count, source=described.outputs["made"])

    registry = tmp_path / "registry"
    registry.mkdir()
    assert text_of(run(pipeline, tmp_path), "change") == "0"
    assert reused(run(pipeline, tmp_path)) == {"describe", "change"}
    (registry / "weights").write_text("w", encoding="utf-8")
    result = run(pipeline, tmp_path)
    assert text_of(result, "change") == "1"
    assert result.record.tasks["describe"].artifacts["made"].uri == str(registry)


def test_what_cannot_be_read_from_here_is_never_reused(tmp_path: Path) -> None:
    @dsl.pipeline(name="p")
    def pipeline():
        described = describe(code=DESCRIBE, text='{"uri": "gs://bucket/model"}')
        change(code="pathlib.Path(a[1]).write_text(a[0])", source=described.outputs["made"])

    assert text_of(run(pipeline, tmp_path), "change") == "/gcs/bucket/model"
    assert reused(run(pipeline, tmp_path)) == set()


def test_two_runs_at_once_share_the_work(tmp_path: Path) -> None:
    slow = chain(first=WRITE + "; time.sleep(1)")
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(run(slow, tmp_path))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({result.run_id for result in results}) == 3
    assert sorted(states(result)["first"] for result in results) == [
        "reused",
        "reused",
        "succeeded",
    ]
    assert {text_of(result, "second") for result in results} == {"x+"}


def test_what_runs_is_part_of_the_key(tmp_path: Path) -> None:
    class Another(ThisMachine):
        def identity(self, container: Container, kinds: Sequence[str]) -> Any:
            return "another version"

    run(chain(), tmp_path)
    assert reused(run(chain(), tmp_path, launcher=Another())) == set()
    assert len(reused(run(chain(), tmp_path, launcher=Another()))) == 3


def test_code_that_was_edited_while_it_ran_is_not_kept(tmp_path: Path) -> None:
    class Edited(ThisMachine):
        edits = 0

        def identity(self, container: Container, kinds: Sequence[str]) -> Any:
            self.edits += 1
            return self.edits

    run(chain(), tmp_path, launcher=Edited())
    assert not list((tmp_path / "runs/cache").glob("*.json"))
