"""`retrain run` as a user types it, on a cut-down sample with spaCy's small CNN."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import spacy

from tests.support.narrow import quick

pytestmark = pytest.mark.xdist_group("run")

ROOT = Path(__file__).parents[2]
CACHED = ("split", "convert", "train", "evaluate")
CONFIG = """\
name: small
registry: models
defaults:
  split: {dev: 0.15, test: 0.25, group_by: meta.base_path}
  ingest: {required: []}
  train:
    config: cnn
    set: QUICK
  gate: {min_f: 0, max_interval: 1, min_support: 1}
phases:
  phase-1:
    labels: [MONEY, FORM, PERSON, DATE, POSTCODE, EMAIL, PHONE]
    annotations: [phase1.jsonl]
    model: {name: ner-phase-1}
  phase-2:
    labels: [OCCUPATION, ROLE, TITLE, GPE, LOC, FAC, ORG, EVENT]
    annotations: [phase2.jsonl]
    model: {name: ner-phase-2}
""".replace("QUICK", quick(40, 20))


def retrain(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelines", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file."""
    files = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {str(path): (stat.st_size, stat.st_mtime_ns) for path, stat in files.items()}


def cut(source: Path, target: Path, lines: int) -> None:
    with source.open("rb") as file:
        target.write_bytes(b"".join(itertools.islice(file, lines)))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a project")
    (folder / "small.yaml").write_text(CONFIG, encoding="utf-8")
    for name in ("phase1.jsonl", "phase2.jsonl"):
        cut(ROOT / "configs/sample" / name, folder / name, 150)
    return folder


@pytest.fixture(scope="module")
def first(project: Path) -> dict[str, Any]:
    result = retrain(project, "run", "small.yaml", "--json")
    assert result.returncode == 0, result.stderr
    summary: dict[str, Any] = json.loads(result.stdout)
    return summary


def states(project: Path, run: str) -> dict[str, str]:
    result = retrain(project, "runs", "show", run, "--json")
    return {name: task["state"] for name, task in json.loads(result.stdout)["tasks"].items()}


def test_both_phases_end_with_a_model_that_plain_spacy_opens(
    project: Path, first: dict[str, Any]
) -> None:
    assert first["state"] == "succeeded"
    for name, label in (("phase-1", "MONEY"), ("phase-2", "ORG")):
        phase = first["phases"][name]
        assert phase["decision"] == "promote"
        assert (phase["message"], phase["in_production"]) == ("promoted to version 1", "1")
        assert phase["scores"]["labels"][label]["support"] > 0
        assert 0 <= phase["scores"]["overall"]["f"] <= 1
        assert "</html>" in Path(phase["report"]).read_text(encoding="utf-8")
    models = [phase["model_uri"] for phase in first["phases"].values()]
    code = f"import spacy; print(*(spacy.load(each).pipe_names for each in {models}), sep='\\n')"
    opened = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd="/", capture_output=True, text=True, check=True
    )
    assert opened.stdout.count("ner") == 2


def test_the_model_scores_on_the_test_set_what_the_table_says(first: dict[str, Any]) -> None:
    phase = first["phases"]["phase-1"]
    nlp = spacy.load(phase["model_uri"])
    corpus = Path(first["folder"]) / "phase-1" / "convert" / "test_corpus"
    from spacy.training import Corpus

    scores = nlp.evaluate(list(Corpus(corpus)(nlp)))
    assert scores["ents_f"] == pytest.approx(phase["scores"]["overall"]["f"], abs=1e-9)


def test_a_check_after_it_says_how_long_the_next_will_take_here(
    project: Path, first: dict[str, Any]
) -> None:
    said = retrain(project, "check", "small.yaml").stdout
    assert re.search(
        r"training of phase-1: roughly .* at most, for 40 steps of about \d+ words, or 1,600 after "
        rf"the best score, as fast as run {first['run']}; the last one took .* in run ",
        said,
    ), said
    other = (project / "small.yaml").read_text(encoding="utf-8")
    (project / "other.yaml").write_text(re.sub("(?m)^name: .*", "name: other", other), "utf-8")
    said = retrain(project, "check", "other.yaml").stdout
    (project / "other.yaml").unlink()
    assert f"after the best score, as fast as run {first['run']}\n" in said, said


def test_a_second_run_reuses_every_stage_that_can_be(project: Path, first: dict[str, Any]) -> None:
    result = retrain(project, "run", "small.yaml")
    assert result.returncode == 0, result.stderr
    assert f"reused from {first['run']}" in result.stdout
    said = f"nothing changed since run {first['run']}: production stays version 1"
    assert f"phase-1: {said}\n" in result.stdout
    assert said in (project / "runs" / "index.html").read_text(encoding="utf-8")
    assert "entities of the test set" in result.stdout
    after = states(project, "latest")
    for phase in ("phase-1", "phase-2"):
        for stage in CACHED:
            assert after[f"{phase}/{stage}"] == "reused"
    (record,) = project.glob(f"runs/{first['run']}/run.json")
    started = json.loads(record.read_text(encoding="utf-8"))["command"]
    assert started == "retrain run small.yaml --json"
    versions = list((project / "models" / "ner-phase-1").glob("[0-9]*"))
    assert len(versions) == 1


def test_one_phase_with_one_value_changed(project: Path, first: dict[str, Any]) -> None:
    result = retrain(
        project,
        *("run", "small.yaml", "--phase", "phase-2", "--json"),
        *("--set", "phases.phase-2.training.max_steps=20"),
    )
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    after = states(project, summary["run"])
    assert after["phase-2/convert"] == "reused"
    assert after["phase-2/train"] == "succeeded"
    assert {after[task] for task in after if task.startswith("phase-1/")} == {"not-run"}


def test_a_run_that_finds_nothing_due_waits_and_says_why(
    project: Path, first: dict[str, Any]
) -> None:
    result = retrain(project, "run", "small.yaml", "--param", "when=due")
    assert result.returncode == 0, result.stderr
    why = "data and config are those of version 1 of ner-phase-1: the same input gives the same"
    assert f"phase-1 · ingest  WAITS: {why} model. Nothing is trained." in result.stdout
    waits = "not trained, nothing is due: production stays version 1"
    assert f"phase-1: {waits}\n" in result.stdout
    assert "promoted" not in result.stdout
    assert "skipped" not in result.stdout
    shown = json.loads(retrain(project, "runs", "show", "latest", "--json").stdout)
    assert shown["state"] == "succeeded"
    for phase in ("phase-1", "phase-2"):
        assert shown["phases"][phase]["state"] == "waits"
        assert "decision" not in shown["phases"][phase]
        assert shown["phases"][phase]["message"] == waits
        assert shown["tasks"][f"{phase}/train"]["state"] == "skipped"
    assert f"phase-2: {waits}" in retrain(project, "runs", "show").stdout
    listed = retrain(project, "runs", "list").stdout.splitlines()
    assert any(line.endswith("phase-2  waits") for line in map(str.rstrip, listed))
    assert any(re.search(r"phase-1 +promoted 1 +\d+\.\d$", line.rstrip()) for line in listed)
    assert why in (project / "runs" / "index.html").read_text(encoding="utf-8")
    # Asked for, it runs as ever.
    result = retrain(project, "run", "small.yaml", "--param", "when=always", "--json")
    assert json.loads(result.stdout)["phases"]["phase-1"]["decision"] == "promote"
    result = retrain(project, "run", "small.yaml", "--param", "when=never")
    assert result.returncode == 2
    assert "when: expected always or due, not 'never'" in result.stdout + result.stderr


def test_a_corrected_annotation_makes_a_retrain_due(
    project: Path, first: dict[str, Any], tmp_path: Path
) -> None:
    for name in ("phase1.jsonl", "phase2.jsonl"):
        lines = (project / name).read_bytes().splitlines(keepends=True)
        number = next(n for n, line in enumerate(lines) if b'"label"' in line)
        record = json.loads(lines[number])
        del record["spans"][0]
        lines[number] = json.dumps(record).encode() + b"\n"
        (tmp_path / name).write_bytes(b"".join(lines))
    limits = 'schedule: {cron: "0 3 * * 1", min_new_examples: NUMBER}\n'
    config = CONFIG.replace("registry: models", f"registry: {project}/models")
    due = ("run", "small.yaml", "--phase", "phase-1", "--param", "when=due", "--json")
    for enough, state in (("2", "waits"), ("1", "succeeded")):
        text = config + limits.replace("NUMBER", enough)
        (tmp_path / "small.yaml").write_text(text, encoding="utf-8")
        result = retrain(tmp_path, *due)
        assert result.returncode == 0, result.stderr
        phase = json.loads(result.stdout)["phases"]["phase-1"]
        assert phase["state"] == state
    assert json.loads(result.stdout)["phases"]["phase-2"]["state"] == "not-run"


def test_a_file_cut_in_the_middle_of_a_line_is_bad_data(project: Path, tmp_path: Path) -> None:
    data = (project / "phase1.jsonl").read_bytes()
    (tmp_path / "phase1.jsonl").write_bytes(data[:-40])
    (tmp_path / "phase2.jsonl").write_bytes((project / "phase2.jsonl").read_bytes())
    (tmp_path / "small.yaml").write_text(CONFIG, encoding="utf-8")
    result = retrain(tmp_path, "run", "small.yaml", "--phase", "phase-1")
    assert result.returncode == 3
    assert "phase1.jsonl:150" in result.stderr
    said = "failed in ingest, production unchanged: nothing is in production"
    assert f"phase-1: {said}\n" in result.stdout
    run = next(tmp_path.glob("runs/2*"))
    assert f"retrain runs logs {run.name} phase-1/ingest" in result.stdout
    before = contents(tmp_path)
    logs = retrain(tmp_path, "runs", "logs").stdout
    assert logs.splitlines()[0] == f"==> runs/{run.name}/logs/phase-1.ingest.log <=="
    assert "phase1.jsonl:150" in logs
    assert logs == retrain(tmp_path, "runs", "logs", "latest", "--failed").stdout
    assert logs == retrain(tmp_path, "runs", "logs", "--follow").stdout, "it is over"
    for command in (["list"], ["show"], ["show", "--json"]):
        assert "failed in ingest" in retrain(tmp_path, "runs", *command).stdout
    assert said in retrain(tmp_path, "report").stdout
    assert contents(tmp_path) == before, "reading writes nothing"
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "models").exists()
    assert list(tmp_path.glob("runs/*/phase-1/ingest/report.html"))
    assert not list(tmp_path.glob("runs/store/*"))


def test_a_label_that_no_annotation_has_is_bad_data(project: Path, tmp_path: Path) -> None:
    for name in ("phase1.jsonl", "phase2.jsonl"):
        (tmp_path / name).write_bytes((project / name).read_bytes())
    config = CONFIG.replace("PHONE]", "PHONE, NATIONALITY]").replace("required: []", "")
    (tmp_path / "small.yaml").write_text(config, encoding="utf-8")
    result = retrain(tmp_path, "run", "small.yaml", "--phase", "phase-1")
    assert result.returncode == 3
    assert "NATIONALITY" in result.stderr


def test_a_missing_file_and_a_typo_stop_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(CONFIG.replace("labels:", "lables:"), encoding="utf-8")
    result = retrain(tmp_path, "run", "small.yaml")
    assert result.returncode == 2
    assert "Did you mean 'labels'?" in result.stderr
    (tmp_path / "small.yaml").write_text(CONFIG, encoding="utf-8")
    result = retrain(tmp_path, "run", "small.yaml")
    assert result.returncode == 2
    assert "phase1.jsonl: no such file" in result.stderr
