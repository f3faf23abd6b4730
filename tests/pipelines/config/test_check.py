"""`retrain check` says what a run has here, and what it could not see."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def check(
    config: Path, folder: Path, *options: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelines", "check", str(config), *options],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_bucket_that_does_not_answer_is_unknown_and_no_fault(tmp_path: Path) -> None:
    """The server takes the connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = check(ROOT / "configs/govuk.yaml", tmp_path, STORAGE_EMULATOR_HOST=address)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is right as far as can be seen from here. Next: retrain doctor " in done.stdout
    unknown = [line for line in done.stdout.splitlines() if line.startswith("  UNKNOWN phase-")]
    assert len(unknown) == 2
    assert all("gs://" in line and "no answer within 4 s" in line for line in unknown)
    assert "NVIDIA_TESLA_T4" in done.stdout
    assert "this machine:" not in done.stdout


def test_a_check_of_a_run_here_describes_this_machine(tmp_path: Path) -> None:
    done = check(ROOT / "configs/sample.yaml", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "this machine: " in done.stdout
    assert "  training of phase-1: roughly " in done.stdout
    assert "at most, for 120 steps of about 312 words" in done.stdout
    assert "e2-standard-4" not in done.stdout


def test_a_quiet_check_says_only_whether_it_is_right(tmp_path: Path) -> None:
    config = ROOT / "configs/sample.yaml"
    done = check(config, tmp_path, "-q")
    assert (done.returncode, done.stderr) == (0, "")
    said = rf"{re.escape(str(config))} is right(, with \d+ warnings? about the data)?\. Next: .*\n"
    assert re.fullmatch(said, done.stdout), done.stdout


def test_what_training_does_not_learn_from_is_said(tmp_path: Path) -> None:
    words = ("Ada", "Bob", "Cleo", "Dan", "Eve", "Finn")
    rows = [
        {
            "text": f"{word} pays {number} pounds",
            "spans": [{"start": 0, "end": len(word), "label": "PERSON"}],
            "answer": "reject" if number % 3 == 0 else "accept",
            "_view_id": "ner",
        }
        for word in words
        for number in range(10)
    ]
    (tmp_path / "teach.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    config = tmp_path / "my.yaml"
    config.write_text(
        """\
name: teach
registry: models
phases:
  names:
    task: ner
    labels: [PERSON]
    annotations: [teach.jsonl]
    train: {config: mine.cfg}
    model: {name: names}
""",
        encoding="utf-8",
    )
    text = (ROOT / "pipelines/config/training/cnn.cfg").read_text(encoding="utf-8")
    told = 'incorrect_spans_key = "incorrect_spans"'
    (tmp_path / "mine.cfg").write_text(text.replace(told, "incorrect_spans_key = null"))
    done = check(config, tmp_path, "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "  NOTE names: 24 spans of ner were rejected. No component of the" in done.stdout
    done = check(config, tmp_path, "-q", "--set", "phases.names.train.config=minilm-tokens")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NOTE" not in done.stdout


def test_texts_for_a_queue_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"text": "Ada pays", "spans": [{"start": 0, "end": 3, "label": "P"}], "answer": "accept"}'
        "\n",
        encoding="utf-8",
    )
    (tmp_path / "pool.jsonl").write_text('{"body": "Bob"}\n', encoding="utf-8")
    lines = (
        "name: q\nphases:\n  p:\n    labels: [P]\n    annotations: [a.jsonl]\n"
        "    train: {config: cnn}\n    model: {name: q}\n    queue: {texts: [TEXTS]}\n"
    )
    for texts, message in (
        ("pool.jsonl", "pool.jsonl:1: no text among body. Name the key of the text"),
        ("gone.jsonl", "gone.jsonl: no such file"),
        ("a.docx", "a.docx: its name does not say what it is"),
    ):
        (tmp_path / "a.docx").touch()
        config = tmp_path / "q.yaml"
        config.write_text(lines.replace("TEXTS", texts), encoding="utf-8")
        done = check(config, tmp_path)
        assert done.returncode in (2, 3)
        assert message in done.stdout + done.stderr
