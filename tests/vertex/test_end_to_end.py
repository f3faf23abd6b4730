"""Submit, run what was submitted, find the model in the registry, pull it: all on this machine."""

from __future__ import annotations

import itertools
import json
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
import spacy
from google.cloud import storage
from google.protobuf import json_format
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec
from typer.testing import CliRunner

from components.errors import ConfigError
from pipelines.cli import app
from pipelines.local.run import RunResult, run_spec
from pipelines.local.runner.launchers import Command, ThisMachine
from pipelines.local.runner.listeners import Nobody
from tests.support.narrow import quick
from tests.vertex.conftest import ROOT, commit_all
from tests.vertex.double import Double
from tests.vertex.jobs import set_output, spec_of

LABELS = "labels: [MONEY, FORM, PERSON, DATE, POSTCODE, EMAIL, PHONE]"
MORE = """\
  ingest: {required: []}
  gate: {min_f: 0, max_interval: 1, min_support: 1}
"""


def retrain(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


class Mounting(ThisMachine):
    """Runs commands as a machine of Vertex AI does, which sees every bucket under /gcs."""

    def __init__(self, bucket: storage.Bucket, folder: Path) -> None:
        super().__init__()
        self.bucket = bucket
        self.folder = folder

    def launch(self, command: Command) -> AbstractContextManager[Command]:
        argv = [self.mounted(word) for word in command.argv]
        return super().launch(replace(command, argv=argv))

    def mounted(self, word: str) -> str:
        """The path of a folder of the bucket here, filled; anything else as it is."""
        prefix = word.removeprefix(f"/gcs/{self.bucket.name}/")
        if prefix == word:
            return word
        for blob in self.bucket.list_blobs(prefix=f"{prefix}/"):
            path = self.folder / blob.name
            path.parent.mkdir(parents=True, exist_ok=True)
            blob.download_to_filename(str(path))
        return str(self.folder / prefix)


def run_here(double: Double, folder: Path, bucket: storage.Bucket) -> RunResult:
    """Run the job that was submitted last as Vertex AI would: its own spec and parameters."""
    job = list(double.jobs.by_name.values())[-1]
    given = json_format.MessageToDict(type(job).pb(job).runtime_config).get("parameterValues", {})
    # In the job the spec is untyped, with every number a float.
    spec = json_format.ParseDict(spec_of(job), PipelineSpec())
    return run_spec(
        json_format.MessageToDict(spec),
        out=folder / "runs",
        cwd=folder,
        name=job.name.rpartition("/")[2],
        listener=Nobody(),
        launcher=Mounting(bucket, folder / "gcs"),
        # Vertex AI mounts buckets as /gcs, which no developer's machine has.
        parameters={
            **given,
            "checkpoints": str(folder / "checkpoints"),
            "store": str(folder / "store"),
        },
    )


def name_as_vertex_does(
    double: Double, result: RunResult, bucket: storage.Bucket, run: str
) -> None:
    """Give the job the name that the lineage has, and its snapshot a place in the bucket."""
    (job,) = double.jobs.by_name.values()
    snapshot = Path(result.record.tasks["phase-1/ingest"].artifacts["snapshot"].uri)
    for path in snapshot.rglob("*"):
        if path.is_file():
            blob = bucket.blob(f"runs/snapshot/{path.relative_to(snapshot).as_posix()}")
            blob.upload_from_filename(str(path))
    set_output(job, "phase-1/ingest", "snapshot", f"gs://{bucket.name}/runs/snapshot")
    job.name = f"{job.name.rpartition('/')[0]}/{run}"
    double.jobs.by_name = {job.name: job}


@pytest.fixture
def small(config: Path, bucket: storage.Bucket) -> Path:
    """The config with few training steps, and annotations that something can be learnt from."""
    text = config.read_text(encoding="utf-8").replace("labels: [MONEY]", LABELS)
    text = text.replace(
        "train: {config: cnn.cfg}",
        f"train: {{config: cnn.cfg, set: {quick(20, 10)}}}",
    )
    config.write_text(text.replace("phases:\n", f"{MORE}phases:\n"), encoding="utf-8")
    commit_all(config.parent)
    annotate(bucket, 120)
    return config


def annotate(bucket: storage.Bucket, documents: int) -> None:
    """Put the first annotations of the sample in the bucket."""
    with (ROOT / "configs/sample/phase1.jsonl").open("rb") as file:
        lines = b"".join(itertools.islice(file, documents))
    bucket.blob("phase1.jsonl").upload_from_string(lines)


def test_submit_run_registry_pull(
    double: Double, small: Path, bucket: storage.Bucket, tmp_path: Path
) -> None:
    submitted = json.loads(retrain("submit", small, "--phase", "phase-1", "--json"))
    assert submitted["new"]

    result = run_here(double, tmp_path, bucket)

    assert result.exit_code == 0, [failure.tail for failure in result.failures]
    on_vertex = ("--where", "vertex", "--config", small)
    (version,) = json.loads(retrain("models", "list", "ner-phase-1", *on_vertex, "--json"))
    assert version["aliases"] == ["candidate", "champion"]
    assert submitted["run"] in version["run"]

    target = tmp_path / "pulled-model"
    retrain("models", "pull", "ner-phase-1", "champion", "-o", target, *on_vertex)
    assert "ner" in spacy.load(target).pipe_names

    name_as_vertex_does(double, result, bucket, version["run"])
    target = tmp_path / "pulled"
    retrain("pull", small, version["run"], "-o", target, "--phase", "phase-1")
    assert "ner" in spacy.load(target / "phase-1" / "model").pipe_names
    (annotations,) = (target / "phase-1" / "annotations").rglob("*.jsonl")
    assert annotations.read_bytes() == bucket.blob("phase1.jsonl").download_as_bytes()
    facts = json.loads((target / "phase-1" / "pulled.json").read_text(encoding="utf-8"))
    assert facts["version"] == version["version"]

    # An interrupted pull goes on: what is there stays as it is.
    annotations.chmod(0o644)
    annotations.write_text("mine", encoding="utf-8")
    retrain("pull", small, "-o", target, "--phase", "phase-1")
    assert annotations.read_text(encoding="utf-8") == "mine"

    # Another version never comes to lie beside these annotations.
    facts["version"] = "7"
    (target / "phase-1" / "pulled.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(ConfigError, match="phase-1 holds something else than version 1"):
        retrain("pull", small, "-o", target, "--phase", "phase-1")


def test_the_next_run_is_measured_against_the_champion_in_the_bucket(
    double: Double, small: Path, bucket: storage.Bucket, tmp_path: Path
) -> None:
    retrain("submit", small, "--phase", "phase-1")
    assert run_here(double, tmp_path, bucket).exit_code == 0
    annotate(bucket, 180)
    assert json.loads(retrain("submit", small, "--phase", "phase-1", "--json"))["new"]

    second = run_here(double, tmp_path, bucket)

    assert second.exit_code == 0, [failure.tail for failure in second.failures]
    tasks = second.record.tasks
    parameters = tasks["phase-1/ingest"].parameters
    assert parameters["champion_uri"].startswith(str(tmp_path / "store"))
    assert parameters["champion_version"] == "1"
    scores = json.loads(Path(tasks["phase-1/evaluate"].artifacts["scores"].uri).read_bytes())
    # On the test documents of the second run, which are not those that it was evaluated on before.
    (block,) = scores["tasks"].values()
    champions = block["champion"]["overall"]
    assert champions["support"] == block["overall"]["support"] > 0

    on_vertex = ("--where", "vertex", "--config", small)
    listed = json.loads(retrain("models", "list", "ner-phase-1", *on_vertex, "--json"))
    assert [version["version"] for version in listed] == ["1", "2"]
    before, after = (version["scores"]["overall"] for version in listed)
    assert before["support"] != after["support"] == champions["support"]


def test_a_schedule_trains_on_a_spot_machine_and_then_waits_for_something_new(
    double: Double, small: Path, bucket: storage.Bucket, tmp_path: Path
) -> None:
    text = small.read_text(encoding="utf-8").partition("  phase-2:")[0]
    text = text.replace("phases:\n", "  compute: {train: {spot: true}}\nphases:\n")
    limits = 'schedule: {cron: "0 3 * * 1", min_new_examples: 20}\n'
    small.write_text(text + limits, encoding="utf-8")
    commit_all(small.parent)
    retrain("schedule", "apply", small)

    def scheduled_run() -> RunResult:
        double.schedules.tick()
        result = run_here(double, tmp_path, bucket)
        assert result.exit_code == 0, [failure.tail for failure in result.failures]
        double.jobs.finish(list(double.jobs.by_name.values())[-1])
        return result

    def decision(result: RunResult) -> tuple[str, str]:
        due = result.record.tasks["phase-1/ingest"].parameters
        return due["decision"], due["why"]

    first = scheduled_run()
    assert decision(first) == ("train", "no version of ner-phase-1 is in production yet.")
    trained = (first.path / "logs/phase-1.train.sh").read_text(encoding="utf-8")
    assert "--from-executor-input" in trained
    assert first.record.tasks["phase-1/upload"].parameters["version"] == "1"

    again = scheduled_run()
    assert decision(again)[0] == "wait"
    assert decision(again)[1].startswith("data and config are those of version 1 of ner-phase-1")
    states = {name: task.state for name, task in again.record.tasks.items()}
    assert states["phase-1/train"] == states["phase-1/upload"] == "skipped"

    annotate(bucket, 130)
    decided, why = decision(scheduled_run())
    assert decided == "wait"
    assert why.endswith("since version 1 of ner-phase-1; a retrain needs 20.")
