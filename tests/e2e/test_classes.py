"""Classes of texts, from exports to models that stock spaCy opens."""

from __future__ import annotations

import io
import json
import random
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
import spacy
import yaml
from rich.console import Console

from components.tasks.textcat.answering import classifiers_of
from pipelines.local.launch import run_config
from pipelines.local.run import RunResult
from pipelines.local.runs import find_task, read_record
from pipelines.results.compare import compare_phase, comparison_page
from pipelines.results.console import next_steps, print_summary
from pipelines.results.summary import summary
from tests.support.site import Ui

pytestmark = pytest.mark.xdist_group("classes")

WORDS = {
    "TAX": ["pay", "refund", "return"],
    "VISA": ["border", "passport", "entry"],
    "RENT": ["landlord", "tenant", "deposit"],
}
IGNORED = "nobody can tell what this is about, so that it was ignored"
FILLING = ["apply", "when", "how", "you", "can", "the", "for", "online", "form"]
CONFIG: dict[str, Any] = {
    "name": "classes",
    "registry": "models",
    "defaults": {
        "split": {"dev": 0.25, "test": 0.2},
        "train": {
            "config": "cnn-classes",
            "set": {
                "training.max_steps": 60,
                "training.eval_frequency": 20,
                "components.tok2vec.model.encode.width": 32,
                "components.tok2vec.model.encode.depth": 1,
            },
        },
    },
    "phases": {
        "topic": {
            "tasks": {"topic": {"kind": "textcat", "labels": [*WORDS]}},
            "annotations": ["topic.jsonl"],
            "model": {"name": "topic", "alias": "champion"},
            "queue": {"texts": ["pool.jsonl"], "number": 20},
        },
        "flags": {
            "tasks": {"flags": {"kind": "textcat", "exclusive": False, "labels": ["TAX", "VISA"]}},
            "annotations": ["flags.jsonl"],
            "train": {
                "set": {
                    "components.classes.factory": "textcat_multilabel",
                    "components.classes.model.exclusive_classes": False,
                }
            },
            "model": {"name": "flags", "alias": "champion"},
        },
    },
}


def text(draw: random.Random, number: int, *labels: str) -> str:
    words = [word for label in labels for word in draw.sample(WORDS[label], 2)]
    words += draw.sample(FILLING, 6)
    draw.shuffle(words)
    return f"{' '.join(words)} {number}."


def topics(draw: random.Random, count: int) -> list[dict[str, Any]]:
    """Rows of `choice`: one of three; each tenth one rejects a wrong label."""
    rows = []
    for number in range(count):
        right = draw.choice([*WORDS])
        wrong = draw.choice([label for label in WORDS if label != right])
        reject = number % 10 == 0
        rows.append(
            {
                "text": text(draw, number, right),
                "options": [{"id": label, "text": label} for label in WORDS],
                "accept": [wrong if reject else right],
                "answer": "reject" if reject else "accept",
                "_view_id": "choice",
            }
        )
    return rows


def flags(draw: random.Random, count: int) -> list[dict[str, Any]]:
    """Yes-or-no questions about one label of each text."""
    rows = []
    for number in range(count):
        labels = [label for label in ("TAX", "VISA") if draw.random() < 0.5]
        asked = draw.choice(["TAX", "VISA"])
        answer = "accept" if asked in labels else "reject"
        rows.append({"text": text(draw, number, *labels), "label": asked, "answer": answer})
    return rows


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunResult]:
    folder = tmp_path_factory.mktemp("classes")
    draw = random.Random(0)
    for name, rows in (("topic", topics(draw, 440)), ("flags", flags(draw, 440))):
        ignored = {**rows[0], "text": IGNORED, "answer": "ignore"}
        lines = "".join(json.dumps(row) + "\n" for row in [*rows, ignored])
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    seen = [json.loads(line) for line in lines_of(folder / "topic.jsonl")]
    unseen = [text(draw, number, *draw.sample([*WORDS], 2)) for number in range(1000, 1060)]
    pool = [*(row["text"] for row in seen[:10]), *unseen, IGNORED]
    (folder / "pool.jsonl").write_text("\n".join(map(json.dumps, pool)), encoding="utf-8")
    config = json.loads(json.dumps(CONFIG))
    config["phases"]["flags"]["train"]["set"] |= CONFIG["defaults"]["train"]["set"]
    (folder / "classes.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    result = run_config(folder / "classes.yaml", out=folder / "runs", console=Console(quiet=True))
    assert result.exit_code == 0, [failure.tail for failure in result.failures]
    return folder, result


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def scores(result: RunResult, phase: str) -> dict[str, Any]:
    block = json.loads((result.path / phase / "evaluate/scores").read_text("utf-8"))["tasks"][phase]
    return dict(block)


def test_one_of_several_is_learnt_and_calibrated(finished: tuple[Path, RunResult]) -> None:
    folder, result = finished
    block = scores(result, "topic")
    assert block["macro"]["f"] > 0.9
    # Rejected rows are in no score but their own.
    assert block["rejected"]["documents"] + block["overall"]["support"] == block["documents"]
    assert block["calibration"]["ece"] < 0.1
    nlp = spacy.load(folder / "models/topic/1/model")
    assert nlp.get_pipe_meta("classes").factory == "textcat"
    assert "temperature" in nlp.meta["retrain"]["topic"]["calibration"]
    cats = nlp("refund your return pay online").cats
    assert max(cats, key=lambda label: cats[label]) == "TAX"


def test_yes_and_no_are_enough_for_any_of_several(finished: tuple[Path, RunResult]) -> None:
    folder, result = finished
    block = scores(result, "flags")
    assert block["macro"]["f"] > 0.85
    # Each text was asked about one label: the other is unknown, and counted nowhere.
    outcomes = block["overall"]["support"]
    assert 0 < outcomes < block["documents"]
    nlp = spacy.load(folder / "models/flags/1/model")
    assert nlp.get_pipe_meta("classes").factory == "textcat_multilabel"
    assert set(nlp.meta["retrain"]["flags"]["thresholds"]) == {"TAX", "VISA"}
    # A server reads the same.
    [served] = classifiers_of(nlp)
    assert (served.task, served.exclusive, served.calibrated) == ("flags", False, True)
    assert served.thresholds == nlp.meta["retrain"]["flags"]["thresholds"]


def test_the_end_of_a_run_says_how_to_see_the_classes(finished: tuple[Path, RunResult]) -> None:
    folder, result = finished
    _, command, _ = next_steps(summary(result.path))
    said = subprocess.run(
        [sys.executable, *shlex.split(command)[2:]],  # after the phase and python
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "'TAX': 0." in said.stdout
    console = Console(file=io.StringIO(), record=True, width=200)
    print_summary(result.path, console)
    assert "mean of 3 labels" in console.export_text()


def test_two_runs_of_classes_are_compared_as_what_they_are(
    finished: tuple[Path, RunResult],
) -> None:
    """Labels that do not exclude each other keep their thresholds, and what calibration said."""
    _, result = finished
    for phase, exclusive in (("topic", True), ("flags", False)):
        (comparison,) = compare_phase(result.path, result.path, phase)
        assert comparison.outcome == "same"
        assert comparison.scores["described"]["exclusive"] is exclusive
        assert comparison.scores["thresholds" if not exclusive else "confusion"]
        assert comparison.scores["calibration"]["fitted_on"] > 100
        assert "were calibrated on" in comparison_page(comparison)


def test_a_run_says_which_texts_to_label_next(finished: tuple[Path, RunResult]) -> None:
    folder, result = finished
    said = summary(result.path)["phases"]
    assert "queue" not in said["flags"]
    queue = Path(said["topic"]["queue"])
    rows = [json.loads(line) for line in lines_of(queue)]
    pool = [json.loads(line) for line in lines_of(folder / "pool.jsonl")]
    assert len(rows) == 20
    # Neither what is learnt from nor what was ignored, nor what is near a text that tests.
    assert {row["text"] for row in rows} <= {*pool[10:-1]}
    assert {row["meta"]["model"] for row in rows} == {"topic 1"}
    assert all(row["options"] and row["accept"] for row in rows)
    task = find_task(read_record(result.path), "topic/queue")
    assert task.artifacts["queue"].metadata["texts"] == len(pool)
    assert "- left out: annotated: 11" in lines_of(Path(task.artifacts["summary"].uri))
    with Ui(folder) as ui:
        page = httpx2.get(f"{ui.url}/runs/{result.run_id}").text
        assert f'href="/runs/{result.run_id}/topic/queue"' in page
        got = httpx2.get(f"{ui.url}/runs/{result.run_id}/topic/queue")
    assert got.content == queue.read_bytes()
    assert got.headers["content-disposition"].endswith('.topic.queue.jsonl"')
