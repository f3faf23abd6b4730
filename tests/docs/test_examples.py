"""What is under docs/examples is accepted by what reads it."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
import typer
import yaml

from pipelines.cli import app
from pipelines.config.load import load

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs/examples"
COMMAND = re.compile(r"^ *(?:- run: |run: )?(retrain .*)$", re.MULTILINE)
COMMANDS = [
    line for path in sorted(EXAMPLES.iterdir()) for line in COMMAND.findall(path.read_text("utf-8"))
]


@pytest.mark.parametrize("line", dict.fromkeys(COMMANDS))
def test_every_command_is_one_that_retrain_knows(line: str) -> None:
    """Parsed to its last option, and not run."""
    line = line.partition(" >>")[0].replace('"${options[@]}" ', "").replace('"${options[@]}"', "")
    words = shlex.split(re.sub(r"\$\w+", "x", line))[1:]
    command = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]
    command.make_context("retrain", words)


def test_the_workflow_has_jobs_with_steps_and_no_wide_permissions() -> None:
    workflow = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"]
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)


def test_slack_extends_a_config(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "configs", tmp_path, dirs_exist_ok=True)
    shutil.copy(EXAMPLES / "slack.yaml", tmp_path)
    notify = load(tmp_path / "slack.yaml").pipeline.notify
    assert notify is not None
    assert notify.webhook == "projects/my-project/secrets/retrain-hook/versions/latest"
