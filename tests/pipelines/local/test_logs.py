"""The logs of a run: what is shown by default, and what is shown while it runs."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from components.errors import ConfigError
from pipelines.local.logs import follow, tasks_to_show
from pipelines.local.runs import find_run
from tests.pipelines.local.runner.pieces import WRITE, run
from tests.pipelines.local.runner.test_cache import chain

# Says two things, and waits between them until a file is there.
SLOW = f"""
{WRITE}
print("one", flush=True)
while not pathlib.Path("go").exists():
    time.sleep(0.05)
print("two")
"""


def test_what_failed_is_shown_unless_a_task_is_named(tmp_path: Path) -> None:
    well = run(chain(), tmp_path).record
    assert [one.task for one in tasks_to_show(well, None, failed=False)] != []
    assert {one.task for one in tasks_to_show(well, None, failed=False)} == {*well.tasks}
    with pytest.raises(ConfigError, match="no task has failed"):
        tasks_to_show(well, None, failed=True)
    broken = run(chain(second="sys.exit(3)"), tmp_path).record
    assert [one.task for one in tasks_to_show(broken, None, failed=False)] == ["second"]
    assert [one.task for one in tasks_to_show(broken, "decide", failed=False)] == ["decide"]


@pytest.mark.parametrize("wanted", [None, "first"])
def test_a_log_is_followed_to_the_end_of_its_run(tmp_path: Path, wanted: str | None) -> None:
    running = threading.Thread(target=run, args=(chain(first=SLOW), tmp_path))
    running.start()
    seen: list[tuple[str, str]] = []
    try:
        while not list(tmp_path.glob("runs/*/logs/first.log")):
            pass
        for each in follow(find_run(tmp_path / "runs", "latest"), wanted, 10):
            seen.append(each)
            (tmp_path / "go").touch() if each == ("first", "one") else None
    finally:
        (tmp_path / "go").touch()
        running.join()
    told = [line for task, line in seen if task == "first" and not line.startswith("---")]
    assert told == ["one", "two"]
    assert any(task == "second" for task, _ in seen) is (wanted is None)
