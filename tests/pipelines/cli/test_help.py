"""What the commands say of themselves, and of where one stands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from pipelines.cli import app

CONFIGS = Path(__file__).parents[3] / "configs"


def names(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command and group."""
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from names(below, (*path, name))


@pytest.mark.parametrize("words", list(names(typer.main.get_command(app))), ids=" ".join)
def test_help_is_whole_at_80_columns(words: tuple[str, ...]) -> None:
    shown = CliRunner(env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"}).invoke(app, [*words, "-h"])
    assert shown.exit_code == 0, shown.output
    assert "…" not in shown.output, "cut"
    assert "<bool>" not in shown.output


def retrain(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelines", *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_version(tmp_path: Path) -> None:
    done = retrain(tmp_path, "--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("retrain 0.")


def test_quiet_and_verbose_exclude_each_other(tmp_path: Path) -> None:
    (tmp_path / "retrain.yaml").write_text((CONFIGS / "sample.yaml").read_text("utf-8"), "utf-8")
    done = retrain(tmp_path, "run", "-qv")
    assert done.returncode == 2
    assert done.stderr == "retrain: --quiet and --verbose cannot be given together.\n"


def test_alone_it_says_where_one_stands(tmp_path: Path) -> None:
    done = retrain(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "no retrain.yaml here: retrain init ANNOTATIONS writes one" in done.stdout
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a.jsonl").write_text(
        '{"text": "Ann of Leeds", "answer": "accept", '
        '"spans": [{"start": 0, "end": 3, "label": "NAME"}]}\n',
        encoding="utf-8",
    )
    assert retrain(tmp_path, "init", "a.jsonl").returncode == 0
    done = retrain(tmp_path)
    assert "config      retrain.yaml: pipeline a, phase a\n" in done.stdout
    assert "production  a: nothing is in production\n" in done.stdout
    assert done.stdout.endswith("Next: retrain check && retrain run\n")


def test_a_config_that_nobody_named_is_asked_for(tmp_path: Path) -> None:
    done = retrain(tmp_path, "check")
    assert done.returncode == 2
    said = "retrain: retrain.yaml: no such file. Name a config; `retrain init` writes one.\n"
    assert done.stderr == said
