"""The command that puts a queue into a project, run by a shell."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from components.records.label_studio import Project
from pipelines.labelling.label_studio import import_command
from tests.support.label_studio import PERSONAL, label_studio


def test_the_command_imports_the_file(tmp_path: Path) -> None:
    tasks = [{"data": {"text": 'a "letter"'}}, {"data": {"text": "another"}}]
    file = tmp_path / "what is next.json"
    file.write_text(json.dumps(tasks), encoding="utf-8")
    with label_studio() as server:
        command = import_command(Project(server.path, "env:MINE"), file)
        assert shell(command, MINE="of.somebody.else") != 0
        assert server.imported == []
        assert shell(command, MINE=PERSONAL) == 0
    assert server.imported == tasks


def shell(command: str, **environment: str) -> int:
    done = subprocess.run(["bash", "-c", command], env={**os.environ, **environment}, check=False)
    return done.returncode
