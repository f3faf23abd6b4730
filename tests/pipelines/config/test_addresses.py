"""`retrain init` of what is no file: a dataset of Prodigy's database, a project of Label Studio."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.errors import ConfigError
from pipelines.config.load import load
from pipelines.config.scaffold import first_config
from tests.support.label_studio import PERSONAL, label_studio
from tests.support.prodigy_database import write_database

TEXTS = [f"Ask HMRC for letter {number}" for number in range(4)]


def written(folder: Path, *sources: str) -> tuple[str, dict[str, Any]]:
    """The config that `init` would write, and its phase as it is read again."""
    text = first_config([*sources], folder)
    (folder / "my.yaml").write_text(text, encoding="utf-8")
    [phase] = load(folder / "my.yaml").pipeline.phases.values()
    return text, phase.model_dump()


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], str]:
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", PERSONAL)

    def annotate(server: Any) -> str:
        for number, text in enumerate(TEXTS, start=1):
            value = {"start": 4, "end": 8, "text": "HMRC", "labels": ["ORG"]}
            one = {"id": "a", "type": "labels", "from_name": "e", "to_name": "text", "value": value}
            server.annotate(number, text, one)
        return str(server.path)

    return annotate


def test_a_project_of_label_studio(tmp_path: Path, project: Callable[[Any], str]) -> None:
    with label_studio() as server:
        path = project(server)
        text, phase = written(tmp_path, path)
        with pytest.raises(ConfigError, match="has no project 4"):
            first_config([path.replace("/3", "/4")], tmp_path)
    assert f"# Made by `retrain init` from {path}: 4 records" in text
    assert [source["path"] for source in phase["annotations"]] == [path]
    assert phase["labels"] == ["ORG"]
    assert phase["model"]["name"].endswith("project-3")


def test_a_dataset_of_prodigy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spans = [{"start": 4, "end": 8, "label": "ORG"}]
    rows = [{"text": text, "spans": spans, "answer": "accept"} for text in TEXTS]
    write_database(tmp_path / "prodigy.db", {"letters": rows})
    monkeypatch.setenv("PRODIGY_HOME", str(tmp_path))
    text, phase = written(tmp_path, "prodigy:letters")
    assert "# Made by `retrain init` from prodigy:letters: 4 records" in text
    assert [source["path"] for source in phase["annotations"]] == ["prodigy:letters"]
    assert phase["model"]["name"].endswith("letters")
    with pytest.raises(ConfigError, match="no-such"):
        first_config(["prodigy:no-such"], tmp_path)
