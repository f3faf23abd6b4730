"""Launchers: one decides which process a task's command becomes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.local.runner.launchers import Command, ThisMachine
from tests.pipelines.local.runner.pieces import WRITE, run, text_of
from tests.pipelines.local.runner.test_cache import chain


class Wrapped(ThisMachine):
    """Runs every command through `env`, and keeps what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.commands: list[Command] = []
        self.left = 0

    @contextmanager
    def launch(self, command: Command) -> Iterator[Command]:
        self.commands.append(command)
        argv = ["env", "WRAPPED=yes", sys.executable, *command.argv[1:]]
        try:
            yield replace(command, argv=argv)
        finally:
            self.left += 1


def test_a_launcher_wraps_every_command(tmp_path: Path) -> None:
    launcher = Wrapped()
    second = "pathlib.Path(a[1]).write_text(os.environ['WRAPPED'] + os.environ['OMP_NUM_THREADS'])"
    result = run(chain(second=second), tmp_path, launcher=launcher)
    assert text_of(result, "second") == f"yes{result.record.threads}"
    command = next(command for command in launcher.commands if command.reads)
    assert command.argv[0] == "python"
    assert command.image == "test"
    assert command.cwd == tmp_path
    assert command.reads == [result.path / "first/made"]
    assert command.writes == result.path / "second"
    assert launcher.left == 3


def test_a_launcher_is_left_after_a_failure(tmp_path: Path) -> None:
    launcher = Wrapped()
    assert run(chain(first="sys.exit(9)"), tmp_path, launcher=launcher).exit_code == 1
    assert launcher.left == len(launcher.commands) == 2


def test_the_command_beside_the_log_runs_by_hand(tmp_path: Path) -> None:
    result = run(chain(first=f"{WRITE}\npass", text="it's {$HOME} ü"), tmp_path)
    log = (result.path / "logs/first.log").read_text(encoding="utf-8")
    assert log.startswith("--- attempt 1, ")
    assert log.endswith(": first.sh\n")
    output = result.path / "first/made"
    output.unlink()
    subprocess.run(["sh", result.path / "logs/first.sh"], check=True)
    assert output.read_text(encoding="utf-8") == "it's {$HOME} ü"


def test_a_folder_called_components_in_the_config_folder_harms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "components").mkdir()
    (tmp_path / "components/__init__.py").write_text("raise RuntimeError", encoding="utf-8")
    (tmp_path / "own").mkdir()
    (tmp_path / "own/custom.py").write_text("TEXT = 'mine'", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "own"))
    code = "import components.errors, custom; pathlib.Path(a[1]).write_text(custom.TEXT)"
    assert text_of(run(chain(first=code), tmp_path), "first") == "mine"


def test_no_image_is_named_where_none_is_used(tmp_path: Path) -> None:
    environment = {"RETRAIN_IMAGE": "retrain-gpu", "OTHER": "kept"}
    command = Command(["python"], environment, tmp_path, "i", [], tmp_path, tmp_path / "log")
    with ThisMachine().launch(command) as ready:
        assert "RETRAIN_IMAGE" not in ready.environment
        assert ready.environment["OTHER"] == "kept"
