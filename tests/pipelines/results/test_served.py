"""What `retrain serve` is asked to serve."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy

from components.errors import ConfigError, DataError
from components.registry.base import Artefact
from components.registry.lineage import Lineage
from components.registry.open import open_registry
from components.registry.promotion import promote
from pipelines.local.runs import Artifact, RunRecord, TaskRecord, write_record
from pipelines.results.served import sources_of


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "a-model"
    spacy.blank("en").to_disk(folder)
    return folder


def run_of(tmp_path: Path, model: Path, *phases: str) -> str:
    """A run on disk that trained the model for each phase."""
    artifact = Artifact("model", str(model), "system.Model", "0.0.1")
    tasks = {
        f"{phase}/train": TaskRecord(f"{phase}/train", artifacts={"model": artifact})
        for phase in phases
    }
    record = RunRecord("20260101-demo", "demo", "", "", {}, "2026-01-01", 1, 1, 1, tasks)
    (tmp_path / "runs" / record.id).mkdir(parents=True)
    write_record(tmp_path / "runs" / record.id, record)
    return record.id


def asked(tmp_path: Path, reference: str) -> list[tuple[str, Path, str]]:
    sources = sources_of(reference, tmp_path / "runs", tmp_path / "models")
    return [(source.phase, source.folder, source.version) for source in sources]


def test_a_folder_is_served_as_it_is(tmp_path: Path, model: Path) -> None:
    assert asked(tmp_path, str(model)) == [("a-model", model, "")]


def test_a_run_means_each_of_its_phases(tmp_path: Path, model: Path) -> None:
    run = run_of(tmp_path, model, "phase-1", "phase-2")
    both = [("phase-1", model, run), ("phase-2", model, run)]
    assert asked(tmp_path, "latest") == asked(tmp_path, run) == both


def test_a_registered_model_goes_by_alias_and_by_version(tmp_path: Path, model: Path) -> None:
    registry = open_registry(str(tmp_path / "models"))
    lineage = Lineage(digest="d", run="r", created="now", decision="promote", scores={})
    version = registry.add("ner", Artefact(model, {}, lineage))
    promote(registry, "ner", version.number, "champion")
    served = [("ner", Path(version.uri), "1")]
    assert asked(tmp_path, "ner") == asked(tmp_path, "ner@1") == served
    with pytest.raises(ConfigError, match="'ner' has no version, alias or run '2'"):
        asked(tmp_path, "ner@2")


def test_a_damaged_model_is_not_served(tmp_path: Path, model: Path) -> None:
    registry = open_registry(str(tmp_path / "models"))
    lineage = Lineage(digest="d", run="r", created="now", decision="promote", scores={})
    version = registry.add("ner", Artefact(model, {}, lineage))
    (Path(version.uri) / "config.cfg").write_text("[nlp]", encoding="utf-8")
    with pytest.raises(DataError, match=r"config\.cfg is not what was uploaded"):
        asked(tmp_path, "ner@1")


def test_what_is_nothing_of_these_is_reported_so(tmp_path: Path, model: Path) -> None:
    with pytest.raises(ConfigError, match=r"'nothing' is no folder of a spaCy pipeline, no model"):
        asked(tmp_path, "nothing")
    with pytest.raises(ConfigError, match="has trained no model"):
        asked(tmp_path, run_of(tmp_path, model))
