"""The questions of `make test-vertex`: they can be asked, and the probe answers on any machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipelines.config.load import load
from tests.live.questions import PROBE, spec
from tests.vertex.double import Double
from tests.vertex.jobs import check_spec


@pytest.mark.parametrize("name", ["cpu", "again"])
def test_the_probe_answers_and_dies_once_where_it_has_to(tmp_path: Path, name: str) -> None:
    executor_input = json.dumps({"outputs": {"outputFile": str(tmp_path / "out" / "output.json")}})
    answers = tmp_path / "answers" / "file"
    command = [sys.executable, "-c", PROBE, name, executor_input, str(answers)]
    if name == "again":
        assert subprocess.run(command, check=False).returncode == 9
        assert not answers.exists()
    subprocess.run(command, check=True)
    answered = json.loads(answers.read_bytes())
    assert answered["chmod"] == answered["rename a folder"] == "allowed"
    assert answered["new file"]["mode"].startswith("0o100")
    assert answered["cpus"] > 0
    assert bool(answered["mark of a first attempt"]) == (name == "again")


def test_the_service_takes_the_pipeline(double: Double, config: Path) -> None:
    check_spec(yaml.safe_load(spec(load(config), "NVIDIA_TESLA_T4")), {})
