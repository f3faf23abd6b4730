"""A model of every kind of task where models are kept, served and asked: files, servers, clouds."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import spacy
from google.cloud import storage
from typer.testing import CliRunner

import retrain
from components.registry.base import Artefact
from components.registry.lineage import Lineage
from components.registry.open import open_registry
from components.registry.promotion import add_and_promote
from pipelines.cli import app
from pipelines.local.run import RunResult
from tests.containers.conftest import Running, predict
from tests.e2e.conftest import SAMPLE
from tests.kubeflow.conftest import SECTION
from tests.kubeflow.double import Double as KubeflowDouble
from tests.support.volume import run_on
from tests.vertex.conftest import bucket, commit_all, double, gcs_server
from tests.vertex.double import Double

__all__ = ["bucket", "double", "gcs_server"]
pytestmark = pytest.mark.xdist_group("mixed")
Whole = tuple[Path, RunResult]
IMAGE = "europe-docker.pkg.dev/my-project/retrain/serve:0123abc"
TEXTS = [
    f"As our bin has lost its lid. {tail}. {home} {number} Mill Lane."
    for number, tail in enumerate(("There is no hurry", "I have to answer by tomorrow morning"), 7)
    for home in ("I live at", "I have left", "I shall move to")
]
TASKS = ["entities", "topic", "urgency", "tense", "parts"]


def run_retrain(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def artefact_of(whole: Whole) -> Artefact:
    """The model with its scores, as `upload` offers it."""
    folder = whole[0] / "models/letters/1"
    lineage = Lineage.model_validate_json((folder / "lineage.json").read_bytes())
    return Artefact(folder / "model", {"scores.json": folder / "scores.json"}, lineage)


def cloud_config(folder: Path, section: str, bucket: storage.Bucket) -> Path:
    """The sample's phase in a repository, for a service, with its annotations in a bucket."""
    text = SAMPLE.read_text(encoding="utf-8").partition("  places:\n")[0]
    text = text.replace("registry: ../models\n", section).replace("max_steps: 200", "max_steps: 10")
    text = text.replace("eval_frequency: 50", "eval_frequency: 5").replace(
        "gate: {min_f: 0.8}", "gate: {mode: report-only}"
    )
    for name in ("places", "tenses", "topics", "urgency", "parts"):
        text = text.replace(f"sample/{name}.jsonl", f"gs://{bucket.name}/{name}.jsonl")
        source = SAMPLE.parent / f"sample/{name}.jsonl"
        bucket.blob(f"{name}.jsonl").upload_from_filename(str(source))
    path = folder / "repository/letters.yaml"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    subprocess.run(["git", "-C", str(path.parent), "init", "-q"], check=True)
    commit_all(path.parent)
    return path


def said(answer: dict[str, Any]) -> dict[str, Any]:
    """Entities with their status, spans and classes of an answer, without probabilities."""
    return {
        "entities": [
            (one["text"], one["label"], one["statuses"]["tense"]["label"])
            for one in answer["entities"]
        ],
        "spans": [(one["text"], one["label"], one["task"]) for one in answer["spans"]],
        "classes": {one["task"]: one["labels"] for one in answer["classes"]},
    }


def by_spacy(model: Path, text: str) -> dict[str, Any]:
    """The entities with their status, and the spans, as spaCy alone says them."""
    doc = spacy.load(model)(text)
    tense = {(one.start, one.end): one.label_ for one in doc.spans["tense"]}
    return {
        "entities": [(one.text, one.label_, tense[one.start, one.end]) for one in doc.ents],
        "spans": sorted((one.text, one.label_, "parts") for one in doc.spans["parts"]),
    }


def test_files_of_texts(whole: Whole, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    model = whole[0] / "models/letters/1/model"
    retrain.predict_files(model, [str(tmp_path / "in.txt")], tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    for text, row in zip(TEXTS, rows, strict=True):
        answer, expected = said(row), by_spacy(model, text)
        assert answer["entities"] == expected["entities"] != []
        assert sorted(answer["spans"]) == expected["spans"]
    tenses = {said(row)["entities"][-1][2] for row in rows}
    assert tenses == {"NOW", "PAST", "FUTURE"}
    assert said(rows[-1])["classes"] == {"topic": ["WASTE"], "urgency": ["URGENT"]}


def test_a_server_asked_as_batch_prediction_asks(whole: Whole) -> None:
    """Requests of a few instances, several at once, get the answers of single texts."""
    model = whole[0] / "models/letters/1/model"
    server = Running(f"--model=letters={model}@1", RETRAIN_SERVE_THREADS="2").until_ready()
    try:
        alone: list[Any] = [predict(server.url, text)[0] for text in TEXTS]
        chunks = [(TEXTS * 8)[first : first + 7] for first in range(0, len(TEXTS) * 8, 7)]
        with ThreadPoolExecutor(4) as pool:
            answers: list[Any] = [
                one for some in pool.map(lambda c: predict(server.url, *c), chunks) for one in some
            ]
    finally:
        server.terminate()
        assert server.wait() == 0
    assert [said(one) for one in answers] == [said(one) for one in alone] * 8


def test_the_registry_of_vertex_an_endpoint_and_a_pull(
    whole: Whole, double: Double, bucket: storage.Bucket, tmp_path: Path
) -> None:
    section = (
        "target: vertex\n"
        f"images: {{cpu: {IMAGE}, gpu: {IMAGE}}}\n"
        "vertex:\n  project: my-project\n  location: us-central1\n"
        f"  pipeline_root: gs://{bucket.name}/runs\n"
        "  service_account: retrain@my-project.iam.gserviceaccount.com\n"
    )
    config = cloud_config(tmp_path, section, bucket)
    registry = open_registry(f"vertex://my-project/us-central1/{bucket.name}/models", IMAGE)
    add_and_promote(registry, "letters", "champion", artefact_of(whole))
    # What the console shows: an evaluation for each task, of its own sort.
    assert len(double.models.evaluations) == len(TASKS)
    assert all(
        scores["confidenceMetrics"][0]["f1Score"] > 0.8 for _, scores in double.models.evaluations
    )
    kinds = [schema.partition("_metrics")[0] for schema in double.models.evaluation_schemas]
    assert kinds == ["text_extraction", *["classification"] * 3, "text_extraction"]
    on_vertex = ("--where", "vertex", "--config", config)
    [version] = json.loads(run_retrain("models", "list", "letters", *on_vertex, "--json"))
    assert [*version["scores"]["tasks"]] == TASKS
    shown = run_retrain("models", "show", "letters", "1", *on_vertex)
    assert all(name in shown for name in TASKS)
    run_retrain("models", "pull", "letters", "champion", "-o", tmp_path / "pulled", *on_vertex)
    model = whole[0] / "models/letters/1/model"
    assert by_spacy(tmp_path / "pulled", TEXTS[1]) == by_spacy(model, TEXTS[1])
    served = run_retrain("deploy", "letters", "--endpoint", "letters", "--config", config)
    assert served == "letters serves letters@1 100%\n"
    sent = json.loads(run_retrain("submit", config, "--json"))
    assert sent["new"]


def test_a_run_on_kubeflow_is_measured_against_it_task_by_task(
    whole: Whole, bucket: storage.Bucket, tmp_path: Path
) -> None:
    volume = tmp_path / "volume"
    add_and_promote(
        open_registry(str(volume / "models")), "letters", "champion", artefact_of(whole)
    )
    service = KubeflowDouble()
    section = SECTION.format(host=service.url, bucket=bucket.name)
    config = cloud_config(tmp_path, f"{section}images: {{cpu: {IMAGE}, gpu: {IMAGE}}}\n", bucket)
    try:
        name = json.loads(run_retrain("submit", config, "--json"))["run"]
        (sent,) = service.runs.by_id.values()
    finally:
        service.close()
    result = run_on(volume, sent["pipeline_spec"]["pipeline_spec"], tmp_path, name)
    scores = Path(result.record.tasks["letters/evaluate"].artifacts["scores"].uri)
    blocks = json.loads(scores.read_text(encoding="utf-8"))["tasks"]
    assert [*blocks] == TASKS
    for block in blocks.values():
        champion = block["champion"]["overall"]
        assert champion["support"] == block["overall"]["support"] > 0
        assert champion["f"] > 0.8
    assert blocks["tense"]["champion"]["overall"]["f"] > 0.8
