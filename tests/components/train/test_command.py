"""The stage, run on small corpora: what it writes, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy

from tests.components.train.conftest import LABELS, arguments
from tests.support.records import ner_tasks

Train = Callable[..., int]

CNN = {"training.max_steps": 40, "training.eval_frequency": 20}
WIDE = {"width": 96, "depth": 4}
TINY = {
    "components.transformer.model.name": "tiny/bert",
    "training.max_steps": 2,
    "training.eval_frequency": 1,
}


def test_model_log_history_and_progress(
    train: Train,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RETRAIN_PROGRESS", str(tmp_path / "progress.json"))
    assert train("cnn", CNN) == 0
    doc = spacy.load(tmp_path / "out/model")("The fee is £12 if you apply online.")
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("£12", "MONEY")]
    table = (tmp_path / "out/log/training.log").read_text(encoding="utf-8")
    assert table in capsys.readouterr().out
    lines = (tmp_path / "out/log/history.jsonl").read_text(encoding="utf-8").splitlines()
    history = [json.loads(line) for line in lines]
    assert [entry["step"] for entry in history] == [0, 20, 40]
    assert [entry["steps"] for entry in history] == [1, 20, 20]
    # A step's loss; spaCy's own table has the sum.
    last = history[-1]["losses"]
    assert history[-1]["loss"] == pytest.approx(sum(last.values()), abs=1e-4)
    [row] = [line.split() for line in table.splitlines() if line.split()[1:2] == ["40"]]
    assert [float(cell) for cell in row[2:4]] == [
        pytest.approx(20 * last[name], abs=0.01) for name in ("tok2vec", "ner")
    ]
    assert {"epoch", "loss", "f", "p", "r", "words_per_second"} <= set(history[-1])
    progress = json.loads((tmp_path / "progress.json").read_text(encoding="utf-8"))
    assert progress["step"] == progress["max_steps"] == 40
    assert progress["f"] == history[-1]["f"] > 0.9


@pytest.mark.parametrize(
    "length", [{"training.max_steps": 40}, {"training.max_epochs": 2, "training.max_steps": 0}]
)
def test_the_last_step_is_evaluated_whatever_eval_frequency_is(
    train: Train, tmp_path: Path, length: dict[str, int]
) -> None:
    """Or a short training would keep the model of its first step."""
    batches = {"training.batcher.size": 40}
    assert train("cnn", {**batches, **length, "training.eval_frequency": 1000}) == 0
    lines = (tmp_path / "out/log/history.jsonl").read_text(encoding="utf-8").splitlines()
    steps = [json.loads(line)["step"] for line in lines]
    assert len(steps) == 2
    assert steps[0] == 0
    doc = spacy.load(tmp_path / "out/model")("The fee is £12 if you apply online.")
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("£12", "MONEY")]


def test_same_input_gives_the_same_model(train: Train, tmp_path: Path) -> None:
    for out in ("one", "two"):
        paths = {"model": str(tmp_path / out), "log": str(tmp_path / f"{out}-log")}
        assert train("cnn", CNN, **paths) == 0
    one, two = ((tmp_path / out / "ner/model").read_bytes() for out in ("one", "two"))
    assert one == two


def test_no_file_of_the_model_depends_on_the_hash_seed(
    corpora: tuple[Path, Path], tmp_path: Path
) -> None:
    """Two processes, whose sets have other orders, as two machines have."""
    short = {"training.max_steps": 20, "training.eval_frequency": 20}
    files = []
    for seed in ("1", "4"):
        out = tmp_path / seed
        command = [sys.executable, "-m", "components", *arguments("cnn", short, corpora, out)]
        env = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL)
        model = out / "model"
        files.append(
            {p.relative_to(model): p.read_bytes() for p in model.rglob("*") if p.is_file()}
        )
    assert files[0] == files[1]
    per_type = json.loads(files[0][Path("meta.json")])["performance"]["ents_per_type"]
    assert list(per_type) == sorted(LABELS)


def test_best_step_is_that_of_the_weights_kept(train: Train, tmp_path: Path) -> None:
    """Of equal scores the last one's weights are kept, as in spaCy: a run to there agrees."""
    out = tmp_path / "executor.json"
    task = {
        "outputs": {
            "outputFile": str(out),
            "artifacts": {"model": {"artifacts": [{"uri": str(tmp_path / "out/model")}]}},
        }
    }
    # Wide enough to reach the best score twice.
    wide = {**CNN, **{f"components.tok2vec.model.encode.{k}": v for k, v in WIDE.items()}}
    assert train("cnn", {**wide, "training.max_steps": 60}, executor_input=json.dumps(task)) == 0
    lines = (tmp_path / "out/log/history.jsonl").read_text(encoding="utf-8").splitlines()
    scores = {entry["step"]: entry["f"] for entry in map(json.loads, lines)}
    best = [step for step, score in scores.items() if score == max(scores.values())]
    assert len(best) > 1
    metadata = json.loads(out.read_text())["artifacts"]["model"]["artifacts"][0]["metadata"]
    assert metadata["best_step"] == best[-1]
    paths = {"model": str(tmp_path / "again"), "log": str(tmp_path / "log")}
    assert train("cnn", {**wide, "training.max_steps": best[-1]}, **paths) == 0
    kept, ended = ((tmp_path / name / "ner/model").read_bytes() for name in ("out/model", "again"))
    assert kept == ended


def test_saved_transformer_needs_nothing_of_ours(
    train: Train, tmp_path: Path, base_models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It keeps the hub's name, no path of this machine, and loads without us or a hub."""
    assert train("minilm", {**TINY, "training.patience": 1}) == 0
    said = capsys.readouterr().out
    assert f"tiny/bert, from {base_models / 'tiny--bert'}" in said
    assert "2 steps, about " in said
    assert "training.patience is not used" in said
    model = tmp_path / "out/model"
    for file in model.rglob("*"):
        assert not file.is_file() or str(tmp_path).encode() not in file.read_bytes(), file
    config = spacy.util.load_config(model / "config.cfg")
    assert config["components"]["transformer"]["model"]["name"] == "tiny/bert"
    (base_models / "tiny--bert").rename(tmp_path / "gone")
    # Isolated and elsewhere: neither our package nor the folder of base models can be found.
    load = "import spacy, sys; spacy.load(sys.argv[1])('Pay £5.'); assert 'components' not in "
    subprocess.run(
        [sys.executable, "-I", "-c", load + "sys.modules", model],
        cwd=tmp_path,
        env={"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        check=True,
    )


def test_weights_that_are_nowhere(train: Train, capsys: pytest.CaptureFixture[str]) -> None:
    name = {"components.transformer.model.name": "no/such-model"}
    assert train("minilm", {**TINY, **name}) == 5
    message = capsys.readouterr().err
    assert "components.transformer.model.name" in message
    assert "no--such-model" in message


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"training.max_setps": 5}, "unknown key training.max_setps"),
        ({"trainnig.max_steps": 5}, "trainnig.max_steps"),
        ({"training.max_steps": "many"}, "training.max_steps"),
        ({"training.optimizer.lr": 0.1}, "training.optimizer.lr"),
        ({"components.ner.model.widht": 3}, "components.ner.model.widht"),
        ({"corpora.train.lenght": 3}, "corpora.train.lenght"),
        ({"training.batcher.@batchers": "no.v1"}, "no.v1"),
        ({"nlp.pipeline": ["tok2vec", "nre"]}, "nre"),
        ({"system.sede": 1}, "unknown key system.sede"),
        (
            {"nlp.lang": "ja"},
            "language: spaCy has no tokeniser for 'ja' here: Japanese support requires",
        ),
        ({"training.eval_frequency": 0}, "training.eval_frequency: must be 1 or more, not 0"),
        ({"training.max_steps": -1}, "training.max_steps: must be 0 or more, not -1 (0: no limit)"),
        ({"training.patience": -1}, "training.patience: must be 0 or more, not -1"),
        ({"training.dropout": 1.5}, "training.dropout: must be 0 or more and less than 1, not 1.5"),
    ],
)
def test_wrong_override_is_named(
    train: Train,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    overrides: dict[str, object],
    expected: str,
) -> None:
    assert train("cnn", overrides) == 2
    error = capsys.readouterr().err
    assert expected in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"config": "[training\n"}, "training config"),
        ({"config": "[paths]\ntrain = null\n"}, "paths.dev"),
        ({"overrides": "{"}, "--overrides"),
        ({"tasks": "{}"}, "--tasks"),
        ({"settings": '{"devise": "cpu"}'}, "devise"),
    ],
)
def test_wrong_argument_is_named(
    train: Train, capsys: pytest.CaptureFixture[str], options: dict[str, str], expected: str
) -> None:
    assert train("cnn", {}, **options) == 2
    assert expected in capsys.readouterr().err


def test_what_needs_a_gpu_says_so(
    train: Train, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.train.run.prefer_gpu", lambda: False)
    assert train("cnn", {}, settings='{"device": "gpu"}') == 2
    assert "train.device" in capsys.readouterr().err


def test_pipeline_without_recogniser(train: Train, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("cnn", {"nlp.pipeline": ["tok2vec"]}) == 2
    assert "recognises entities" in capsys.readouterr().err


def test_label_that_the_phase_does_not_name(
    train: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("cnn", CNN, tasks=ner_tasks(["MONEY"])) == 3
    assert "does not name: DATE" in capsys.readouterr().err


def test_label_without_an_example_is_reported(
    train: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("cnn", CNN, tasks=ner_tasks(["DATE", "MONEY", "FORM"])) == 0
    assert "no example of FORM" in capsys.readouterr().out


def test_diverged_training_is_an_error(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rate = {"training.optimizer.learn_rate": 1e30, "training.optimizer.grad_clip": 0.0}
    assert train("cnn", {**CNN, **rate}) == 2
    assert "no longer a number" in capsys.readouterr().err
    assert not (tmp_path / "out/model").exists()


def test_config_that_loses_documents_is_reported(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batcher = {"training.batcher.discard_oversize": True, "training.batcher.size": 10}
    fixed = {"training.batcher.@batchers": "spacy.batch_by_words.v1"}
    assert train("cnn", {**CNN, **fixed, **batcher}) == 0
    assert "training.batcher leaves out" in (tmp_path / "out/log/training.log").read_text("utf-8")


def test_fast_config_gives_a_plain_pipeline(train: Train, tmp_path: Path) -> None:
    assert train("roberta-fast", {**TINY, "training.patience": 1}) == 0
    said = (tmp_path / "out/log/training.log").read_text("utf-8")
    assert "training.patience ends this run after 1 steps without a better score" in said
    assert "falls until step 20,000" in said
    nlp = spacy.load(tmp_path / "out/model")
    assert nlp.pipe_names == ["transformer", "ner"]
    assert nlp.config["corpora"]["train"]["@readers"] == "spacy.Corpus.v1"
