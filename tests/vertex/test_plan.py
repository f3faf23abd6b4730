"""`retrain plan`: what a submit would do and cost, with nothing changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from google.cloud import storage
from typer.testing import CliRunner

from components.errors import ConfigError
from components.registry.base import Artefact
from components.registry.lineage import Lineage
from components.registry.open import open_registry
from components.registry.promotion import promote
from pipelines.cli import app
from pipelines.config.load import load
from tests.vertex.conftest import MakeArtefact
from tests.vertex.double import Double

PRICES = """\
source: our contract
as_of: 2026-11-01
region: us-central1
currency: GBP
run: 1
vcpu_hour: {e2-standard: 0.25, n1-standard: 0.5}
accelerator_hour: {NVIDIA_TESLA_T4: 2}
"""
GPU = "{machine: n1-standard-8, accelerator: NVIDIA_TESLA_T4, timeout: 8h, retries: 2}"


def retrain(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def writes(double: Double) -> list[str]:
    """The requests that may have changed something."""
    return [each for each in double.requests if not each.startswith("GET")]


def test_it_tells_what_submit_then_does_and_changes_nothing(
    double: Double, config: Path, bucket: storage.Bucket
) -> None:
    before = sorted(blob.name for blob in bucket.list_blobs())
    what = json.loads(retrain("plan", config, "--json"))
    assert not what["exists"]
    assert [task["task"] for task in what["tasks"]] == [
        f"{name}/{stage}"
        for name, phase in load(config).pipeline.phases.items()
        for stage in phase.stages
    ]
    assert what["images"]["cpu"].endswith("/cpu:0123abc")
    assert what["phases"]["phase-1"]["champion"] == what["phases"]["phase-1"]["made"] == ""
    said = retrain("plan", config)
    assert "phase-1: 1 file of annotations; in production is no version;" in said
    assert writes(double) == []
    assert sorted(blob.name for blob in bucket.list_blobs()) == before

    assert json.loads(retrain("submit", config, "--json"))["run"] == what["run"]

    assert f"submit would start nothing: {what['run']} does" in retrain("plan", config)


def test_it_counts_the_machines_that_start_one_after_another(double: Double, config: Path) -> None:
    def starts(*settings: str) -> int:
        return int(json.loads(retrain("plan", config, "--json", *settings))["serial_starts"])

    assert starts() == 6
    assert starts("--set", "parallel=false") == 12


def test_it_adds_up_the_gpu_hours(double: Double, config: Path) -> None:
    options = ["--set", f"phases.phase-1.compute.train={GPU}"]
    assert json.loads(retrain("plan", config, *options, "--json"))["gpu_hours_at_most"] == 24


def test_it_says_which_version_was_trained_from_this_input(
    double: Double, config: Path, bucket: storage.Bucket, artefact: MakeArtefact
) -> None:
    digest = json.loads(retrain("plan", config, "--json"))["phases"]["phase-1"]["digest"]
    made = artefact("pound")
    lineage = Lineage(**{**made.lineage.model_dump(), "digest": digest})
    registry = open_registry(f"vertex://my-project/us-central1/{bucket.name}/models")
    version = registry.add("ner-phase-1", Artefact(made.model, made.documents, lineage))
    promote(registry, "ner-phase-1", version.number, "champion")
    double.requests.clear()
    said = retrain("plan", config)
    assert "in production is version 1; version 1 was trained from this very input" in said
    assert writes(double) == []


def test_the_cost_is_an_estimate_from_hours_and_list_prices(
    double: Double, config: Path, tmp_path: Path
) -> None:
    said = retrain("plan", config)
    assert "Estimated cost: " in said
    assert "USD at most, if every attempt ran to its timeout. At list prices of https://" in said

    prices = tmp_path / "prices.yaml"
    prices.write_text(PRICES, encoding="utf-8")
    options = ["--phase", "phase-1", "--prices", prices]
    options += ["--set", f"phases.phase-1.compute.train={GPU}"]
    cost = json.loads(retrain("plan", config, *options, "--json"))["cost"]
    small = len(load(config).pipeline.phases["phase-1"].stages) - 2  # not train and evaluate
    # Two attempts of an hour each: four vCPU of e2, eight of n1; and three of eight hours on a T4.
    at_most = 1 + small * 2 * 4 * 0.25 + 2 * 8 * 0.5 + 3 * 8 * (8 * 0.5 + 2)
    assert cost["at_most"] == pytest.approx(at_most)
    assert (cost["expected"], cost["currency"], cost["region"]) == (None, "GBP", "us-central1")


def test_hours_that_tasks_took_before_make_the_estimate(
    double: Double, config: Path, tmp_path: Path
) -> None:
    retrain("submit", config)
    (job,) = double.jobs.by_name.values()
    double.jobs.finish(job)
    prices = tmp_path / "prices.yaml"
    prices.write_text(PRICES, encoding="utf-8")
    what = json.loads(retrain("plan", config, "--prices", prices, "--json"))
    assert what["cost"]["known"] == what["cost"]["tasks"] == len(what["tasks"])
    # They took no time at all.
    assert what["cost"]["expected"] == pytest.approx(1, abs=0.01)
    assert "about 1.00 GBP, with the hours that" in retrain("plan", config, "--prices", prices)


def test_a_machine_without_a_price_is_named(double: Double, config: Path) -> None:
    options = ["--set", "phases.phase-1.compute.train={machine: n2-highmem-8}"]
    assert "no price is known of n2-highmem-8: see --prices." in retrain("plan", config, *options)


def test_a_price_list_that_is_none_is_named(double: Double, config: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a price list"):
        retrain("plan", config, "--prices", tmp_path / "none.yaml")
