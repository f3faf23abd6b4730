"""The path of a new user, as docs/examples/first-hour.sh has it."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

from tests.support.narrow import quick

ROOT = Path(__file__).parents[2]
FAST = {
    "train.config": "cnn",
    # A space would end an option.
    "train.set": quick(40, 20).replace(" ", ""),
    "gate.max_interval": "1",
    "gate.min_f": "0",
    "ingest.max_quarantined": "0.2",
}
# `retrain` as the script finds it: has the test start it, where a process begins in a moment.
ASK = """printf '%s\\0' "$@" > asked; read -r code < answered; exit "$code\""""


def test_from_an_export_to_a_model_to_a_hold_to_a_roll_back(tmp_path: Path) -> None:
    with (ROOT / "configs/sample/phase1.jsonl").open(encoding="utf-8") as file:
        lines = [line for line in itertools.islice(file, 160) if readable(line)]
    (tmp_path / "annotations.jsonl").write_text("".join(lines), encoding="utf-8")
    programs = tmp_path / "bin"
    programs.mkdir()
    write_program(programs / "retrain", ASK)
    write_program(programs / "python", f'exec "{sys.executable}" "$@"')
    options = [f"--set phases.annotations.{key}={value}" for key, value in FAST.items()]
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "OPTIONS": " ".join(options),
        "COLUMNS": "100",
    }
    os.mkfifo(tmp_path / "asked")
    os.mkfifo(tmp_path / "answered")
    with (tmp_path / "transcript.txt").open("w") as transcript:
        threading.Thread(
            target=start_what_is_asked, args=(tmp_path, environment, transcript), daemon=True
        ).start()
        done = subprocess.run(
            [ROOT / "docs/examples/first-hour.sh", "annotations.jsonl"],
            cwd=tmp_path,
            env=environment,
            stdout=transcript,
            stderr=subprocess.STDOUT,
            check=False,
        )
    said = (tmp_path / "transcript.txt").read_text(encoding="utf-8")
    assert done.returncode == 0, said
    steps = [
        "Next: read it, then: retrain check && retrain run",
        "retrain.yaml is right",
        "annotations: promoted to version 1\n",
        "annotations: held as version 2, production stays version 1\n",
        "retrain models promote ner-annotations 2",
        r"held 2",
        r"promoted 1",
        "champion of ner-annotations is version 2",
        "Version 2 of ner-annotations is withdrawn and kept.",
        "champion of ner-annotations is version 1",
        "production  annotations: version 1, by ",
    ]
    places = [said.find(step) for step in steps]
    assert -1 not in places, steps[places.index(-1)]
    assert places == sorted(places)
    assert "Traceback" not in said
    [_, report] = sorted(tmp_path.glob("runs/*/annotations/upload/report.html"))
    html = report.read_text(encoding="utf-8")
    assert re.search(r"Known texts: DATE → nothing", html)
    data = report.parent / "../ingest/report.html"
    assert '<a href="../ingest/report.html">Data report</a>' in html
    assert '<a href="../../../index.html">All runs</a>' in html
    assert '<a href="../../../index.html">All runs</a>' in data.read_text(encoding="utf-8")
    assert (data.parent / "../../../index.html").is_file()
    assert re.search(r"because  .*Overall F is .* at least 100\.0 is asked for", said)


def start_what_is_asked(folder: Path, environment: dict[str, str], transcript: IO[str]) -> None:
    """Run `retrain` with the words of one pipe; its exit code goes back by another."""
    while True:
        words = (folder / "asked").read_text(encoding="utf-8").split("\0")[:-1]
        done = subprocess.run(
            [sys.executable, "-m", "pipelines", *filter(None, words)],
            cwd=folder,
            env=environment,
            stdout=transcript,
            stderr=subprocess.STDOUT,
            check=False,
        )
        (folder / "answered").write_text(f"{done.returncode}\n", encoding="utf-8")


def readable(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def write_program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)
