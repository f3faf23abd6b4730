"""`retrain models` on a registry of this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import spacy
from typer.testing import CliRunner

from components.errors import ConfigError
from components.registry.base import Artefact
from components.registry.lineage import trace
from components.registry.local import LocalRegistry
from components.registry.promotion import add_and_promote
from pipelines.cli import app


class Models:
    """A registry with two versions in production one after the other, and the command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "models"
        self.registry = LocalRegistry(self.folder)
        for number, f in enumerate((0.8, 0.85), start=1):
            self.add(folder / f"trained-{number}", f)

    def add(self, model: Path, f: float) -> None:
        spacy.blank("en", meta={"name": model.name}).to_disk(model)
        scores = model.with_suffix(".json")
        money = {"p": 0.9, "r": None, "f": f, "support": 40}
        text = json.dumps({"overall": money, "labels": {"MONEY": money}})
        scores.write_text(text, encoding="utf-8")
        lineage = trace(model, scores, decision="promote", digest=model.name, run=f"run-{f}")
        add_and_promote(self.registry, "ner", "champion", Artefact(model, {}, lineage))

    def __call__(self, *arguments: str | Path) -> str:
        command = ["models", *map(str, arguments), "--registry", str(self.folder)]
        result = CliRunner().invoke(app, command, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout


@pytest.fixture
def models(tmp_path: Path) -> Models:
    return Models(tmp_path)


def test_list_shows_every_version_and_which_is_in_production(models: Models) -> None:
    lines = models("list").splitlines()
    assert lines[0].split() == ["model", "version", "aliases", "F", "created", "(UTC)", "run"]
    assert lines[1].split()[:3] == ["ner", "1", "80.0"]
    assert lines[2].split()[:5] == ["ner", "2", "candidate,", "champion", "85.0"]

    listed = json.loads(models("list", "ner", "--json"))
    assert [version["version"] for version in listed] == ["1", "2"]
    assert listed[1]["replaced"] == "1"


def test_an_empty_registry_says_how_to_fill_it(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["models", "list", "--registry", str(tmp_path)])
    assert result.stdout == "No models yet: `retrain run` makes them.\n"


def test_show_gives_the_lineage_and_the_scores(models: Models) -> None:
    text = models("show", "ner")
    assert text.startswith("ner version 2\n")
    assert ["replaced", "version", "1"] in [line.split() for line in text.splitlines()]
    assert ["MONEY", "90.0", "-", "85.0", "40"] in [line.split() for line in text.splitlines()]
    assert json.loads(models("show", "ner", "run-0.8", "--json"))["version"] == "1"


def test_compare_gives_the_change_and_warns_of_different_data(models: Models) -> None:
    text = models("compare", "ner", "1", "champion")
    assert ["overall", "80.0", "85.0", "+5.0"] in [line.split() for line in text.splitlines()]
    assert "their data differ" in text
    comparison = json.loads(models("compare", "ner", "1", "2", "--json"))
    assert comparison["f"]["MONEY"] == {
        "old": 0.8,
        "new": 0.85,
        "difference": pytest.approx(0.05),
    }


def test_rollback_and_promote_move_the_alias_and_keep_every_version(models: Models) -> None:
    assert "champion of ner is version 1" in models("rollback", "ner")
    assert "champion of ner is version 2" in models("promote", "ner", "candidate")
    assert [version.number for version in models.registry.versions("ner")] == ["1", "2"]


def test_a_pulled_model_loads_and_nothing_is_overwritten(models: Models, tmp_path: Path) -> None:
    target = tmp_path / "pulled"
    models("pull", "ner", "1", "-o", target)
    assert spacy.load(target).meta["name"] == "trained-1"
    with pytest.raises(ConfigError, match="pulled exists already"):
        models("pull", "ner", "-o", target)
    assert spacy.load(target).meta["name"] == "trained-1"


def test_an_unknown_model_lists_those_that_there_are(models: Models) -> None:
    with pytest.raises(ConfigError, match="there is no model 'textcat'; there is ner"):
        models("list", "textcat")


def test_vertex_needs_a_config() -> None:
    with pytest.raises(ConfigError, match="--where vertex needs --config"):
        CliRunner().invoke(app, ["models", "list", "--where", "vertex"], catch_exceptions=False)
