"""History, report and compare, on runs whose outputs real stages wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import ConfigError
from components.scoring.document import read_scores
from pipelines.local.runs import Artifact, RunRecord, TaskRecord, write_record
from pipelines.results.compare import common_phases, compare_phase, comparison_page
from pipelines.results.console import outcome as outcome_of
from pipelines.results.history import entries, write_history
from pipelines.results.summary import summary
from tests.components.report.conftest import DATA, run_report
from tests.support.stages import evaluate, gate, gate_decision_in
from tests.support.tiny_ner import make_docs, train_tiny, write_corpus

pytestmark = pytest.mark.xdist_group("runs")

PHASE = "phase-1"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a middling run, a good one and one that failed."""
    out = tmp_path_factory.mktemp("runs")
    make_run(out, "20260101-000000-weak", steps=34, outcome="held")
    make_run(out, "20260102-000000-good", steps=60, outcome="promoted")
    failed = TaskRecord(f"{PHASE}/train", "failed", exit_code=3)
    gated = TaskRecord(f"{PHASE}/gate", "not-run")
    tasks = {task.task: task for task in (failed, gated)}
    record(out, "20260103-000000-failed", tasks, "failed")
    return out


def make_run(out: Path, name: str, steps: int, outcome: str) -> None:
    """Judge a tiny model by the real stages and lay their outputs out as the runner does."""
    folder = out / name / PHASE
    model = train_tiny(folder / "train" / "model", make_docs(60, seed=1), steps=steps)
    evaluated = folder / "evaluate"
    corpus = write_corpus(folder / "corpus", make_docs(60, seed=2))
    evaluate(evaluated, model, corpus, None)
    assert gate(evaluated, DATA, settings={"min_f": 0.9}) == 0
    reported = run_report(folder / "report", evaluated, evaluated)
    data = evaluated / "data-report"
    outputs = ("scores", "predictions", "metrics", "confusion")
    tasks = [
        task("ingest", dict.fromkeys(("report", "data_report", "quarantine"), data)),
        task("train", {"model": model, "log": reported / "log"}),
        task("evaluate", {one: evaluated / one for one in outputs}),
        task(
            "gate",
            {"gate_decision": evaluated / "gate-decision"},
            {"decision": gate_decision_in(evaluated)["decision"]},
        ),
        task("report", {one: reported / one for one in ("report", "review", "facts")}),
        task("upload", {}, {"outcome": outcome, "version": "1", "model_uri": str(model)}),
    ]  # fmt: skip
    record(out, name, {one.task: one for one in tasks}, "succeeded")


def task(
    stage: str, artifacts: dict[str, Path], parameters: dict[str, str] | None = None
) -> TaskRecord:
    return TaskRecord(
        f"{PHASE}/{stage}",
        "succeeded",
        parameters=parameters or {},
        artifacts={
            name: Artifact(name, str(path), "system.Artifact", "0.0.1")
            for name, path in artifacts.items()
        },
    )


def record(out: Path, name: str, tasks: dict[str, TaskRecord], state: str) -> None:
    day = f"{name[:4]}-{name[4:6]}-{name[6:8]}"
    folder = out / name
    folder.mkdir(exist_ok=True)
    write_record(
        folder,
        RunRecord(
            id=name, name="sample", config="configs/sample.yaml", spec_digest="", parameters={},
            started=f"{day}T00:00:00+00:00", ended=f"{day}T00:01:00+00:00", pid=1, workers=1,
            threads=1, tasks=tasks, state=state, exit_code=0,
        ),
    )  # fmt: skip


def retrain(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelines", *arguments],
        cwd=Path(__file__).parents[3],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_history_lists_every_run_with_its_decision(runs: Path) -> None:
    listed = entries(runs)
    unknown = "what is in production is not known (the run kept no word of it)"
    assert [(one.number, one.state, one.message) for one in listed] == [
        (1, "succeeded", f"held as version 1, {unknown}"),
        (2, "succeeded", "promoted to version 1"),
        (3, "failed", f"failed in train, {unknown}"),
    ]
    html = write_history(runs).read_text(encoding="utf-8")
    assert html.index("20260103-000000-failed") < html.index("20260101-000000-weak")
    assert 'href="20260102-000000-good/phase-1/report/report"' in html
    assert "<svg" in html


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("promoted", "promoted to version 1"),
        ("in-production", "the same model as before: production stays version 1"),
        ("withdrawn", "not promoted, version 1 was withdrawn before"),
        ("overtaken", "kept as version 1 and not promoted, production has changed"),
    ],
)
def test_what_happened_is_reported_whatever_the_gate_decided(
    runs: Path, tmp_path: Path, outcome: str, said: str
) -> None:
    good = tmp_path / "20260102-000000-good"
    good.mkdir()
    text = (runs / good.name / "run.json").read_text(encoding="utf-8")
    assert '"promoted"' in text
    (good / "run.json").write_text(text.replace('"promoted"', f'"{outcome}"'), encoding="utf-8")
    phase = summary(good)["phases"][PHASE]
    assert (phase["decision"], phase["outcome"]) == ("promote", outcome)
    assert outcome_of(PHASE, phase).startswith(f"{PHASE}: {said}")
    [listed] = entries(tmp_path)
    assert listed.message == phase["message"]


def test_the_history_of_nothing_says_how_to_start(tmp_path: Path) -> None:
    assert "retrain run CONFIG" in write_history(tmp_path).read_text(encoding="utf-8")


@pytest.mark.parametrize("gone", ["", "/20260101-000000-weak/phase-1/evaluate/scores"])
def test_a_run_whose_files_are_gone_does_not_hide_the_others(
    runs: Path, tmp_path: Path, gone: str
) -> None:
    for folder in runs.iterdir():
        if folder.is_dir():
            (tmp_path / folder.name).mkdir()
            (tmp_path / folder.name / "run.json").write_bytes((folder / "run.json").read_bytes())
    broken = tmp_path / "20260101-000000-weak" / "run.json"
    text = broken.read_text(encoding="utf-8")
    text = text.replace(f"{runs}{gone}", f"{tmp_path / 'gone'}{gone}")
    broken.write_text(text, encoding="utf-8")
    weak, good, _failed = entries(tmp_path)
    assert good.run == "20260102-000000-good"
    assert weak.message.startswith("held as version 1, ")
    assert not weak.tasks
    assert any("the scores of phase-1/evaluate, is gone: " in one for one in weak.missing)
    assert "is gone: " in write_history(tmp_path).read_text(encoding="utf-8")
    shown = retrain("runs", "show", "weak", "--out", str(tmp_path))
    assert shown.returncode == 0, shown.stderr
    assert "missing" in shown.stdout
    compared = retrain("compare", "weak", "good", "--out", str(tmp_path))
    assert compared.returncode == 3
    assert "is gone: " in compared.stderr
    assert "Traceback" not in compared.stderr


def test_compare_is_the_comparison_with_a_champion(runs: Path) -> None:
    weak, good = runs / "20260101-000000-weak", runs / "20260102-000000-good"
    [comparison] = compare_phase(weak, good, PHASE)
    assert (comparison.shared, comparison.left_out, comparison.outcome) == (60, 0, "better")
    scores = {run: compared_f(run) for run in (weak, good)}
    difference = comparison.contrast["overall"]["difference"]
    assert difference == pytest.approx(scores[good] - scores[weak])
    [backwards] = compare_phase(good, weak, PHASE)
    assert backwards.outcome == "worse"
    assert backwards.contrast["overall"]["difference"] == pytest.approx(-difference)
    assert compare_phase(good, good, PHASE)[0].outcome == "same"
    html = comparison_page(comparison)
    assert "20260102-000000-good against 20260101-000000-weak: better" in html


def test_compare_keeps_to_the_settings_of_the_phase(runs: Path, tmp_path: Path) -> None:
    """To the digit what evaluate says of the two, which resampled 200 times."""
    good, weak = (runs / name / PHASE for name in ("20260102-000000-good", "20260101-000000-weak"))
    evaluate(tmp_path, good / "train/model", good / "corpus", weak / "train/model")
    scores = read_scores(tmp_path / "scores")["ner"]
    assert scores["settings"]["resamples"] == 200
    [comparison] = compare_phase(weak.parent, good.parent, PHASE)
    assert json.loads(json.dumps(comparison.contrast)) == scores["champion"]["comparison"]
    assert json.loads(json.dumps(comparison.scores["overall"])) == scores["overall"]


def compared_f(run: Path) -> float:
    path = run / PHASE / "evaluate" / "scores"
    return float(read_scores(path)["ner"]["overall"]["f"])


def test_runs_without_a_common_phase_are_refused(runs: Path) -> None:
    with pytest.raises(ConfigError, match="no phase that both have scored"):
        common_phases(runs / "20260101-000000-weak", runs / "20260103-000000-failed")


def test_the_commands_speak_to_people_and_to_programs(runs: Path) -> None:
    done = retrain("compare", "weak", "good", "--out", str(runs))
    assert done.returncode == 0, done.stderr
    assert "better" in done.stdout
    assert not (runs / "compared").exists()
    retrain("compare", "weak", "good", "--out", str(runs), "--pages")
    assert (runs / "compared" / "20260101-000000-weak_20260102-000000-good").is_dir()
    parsed = json.loads(retrain("compare", "weak", "good", "--out", str(runs), "--json").stdout)
    compared = parsed["phases"][PHASE]
    assert compared["outcome"] == "better"
    assert f"Compared on the {compared['documents']} test documents" in done.stdout
    parsed = json.loads(retrain("report", "good", "--out", str(runs), "--json").stdout)
    assert parsed["phases"][PHASE]["decision"] == "promote"
    wrong = retrain("compare", "weak", "good", "--phase", "phase-9", "--out", str(runs))
    assert wrong.returncode == 2
    assert "phase-9" in wrong.stderr
