"""Runs on disks and folders that are not as they should be.

No `from __future__ import annotations` here: kfp reads the types of components.
"""

from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

from components.errors import WriteError
from tests.pipelines.local.runner.pieces import WRITE, Listener, run, states, text_of, write
from tests.pipelines.local.runner.test_cache import chain


@pytest.mark.parametrize("what", ["runs", "runs/cache"])
def test_a_folder_of_runs_that_cannot_be_one(tmp_path: Path, what: str) -> None:
    path = tmp_path / what
    path.parent.mkdir(exist_ok=True)
    path.touch()
    with pytest.raises(WriteError, match=rf"{what}.*: .*must be writable"):
        run(chain(), tmp_path)


def test_a_full_disk_fails_the_task(tmp_path: Path) -> None:
    """A limit on the size of files stands in for a full disk."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
    result = run(chain(first=limit + "a[0] *= 10**6\n" + WRITE), tmp_path)
    assert result.exit_code == 1
    assert states(result)["first"] == "failed"
    assert not (result.path / "first").exists()


def test_a_task_that_writes_into_its_input_spoils_no_later_run(tmp_path: Path) -> None:
    rude = "pathlib.Path(a[0]).write_text('spoilt'); pathlib.Path(a[1]).write_text('made')"
    run(chain(second=rude), tmp_path)
    again = run(chain(), tmp_path)
    assert states(again)["first"] == "succeeded"
    assert text_of(again, "second") == "x+"


def test_links_and_odd_files_among_the_outputs(tmp_path: Path) -> None:
    code = """
made = pathlib.Path(a[1]); made.mkdir()
(made / 'file').write_text(a[0]); (made / 'link').symlink_to('file')
(made / 'dangling').symlink_to('nowhere'); os.mkfifo(made / 'fifo')
"""

    @dsl.pipeline(name="p")
    def pipeline():
        write(code=code, text="x")

    assert states(run(pipeline, tmp_path)) == {"write": "succeeded"}
    assert states(run(pipeline, tmp_path)) == {"write": "reused"}


def test_a_listener_with_a_bug_ends_the_run_with_its_error(tmp_path: Path) -> None:
    class Broken(Listener):
        def changed(self, task: Any) -> None:
            raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        run(chain(first=WRITE + "; time.sleep(600)"), tmp_path, Broken())
