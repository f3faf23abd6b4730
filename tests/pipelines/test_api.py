"""The Python API, on models of rules in a registry on disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import retrain
from components.errors import ConfigError
from components.registry.base import Artefact
from components.registry.lineage import Lineage
from components.registry.open import open_registry
from components.registry.promotion import promote
from tests.containers.conftest import write_model


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """Two versions of a model; the second, which is in production, also knows London."""
    folder = tmp_path / "models"
    opened = open_registry(str(folder))
    for number, patterns in (("1", {"£5": "MONEY"}), ("2", {"£5": "MONEY", "London": "GPE"})):
        model = write_model(tmp_path / f"model-{number}", patterns)
        lineage = Lineage(digest=number, run="r", created="now", decision="promote", scores={})
        opened.add("ner-letters", Artefact(model, {}, lineage))
        promote(opened, "ner-letters", number, "champion")
    return folder


def found(registry: Path, reference: str) -> list[tuple[str, str]]:
    [answer] = retrain.predict(reference, ["It is £5 in London."], registry=registry)
    return [(entity.text, entity.label) for entity in answer.entities]


def test_models_are_listed_promoted_rolled_back_and_asked(registry: Path) -> None:
    assert [each.number for each in retrain.models(registry=registry)] == ["1", "2"]
    assert found(registry, "ner-letters") == [("£5", "MONEY"), ("London", "GPE")]
    before, now = retrain.rollback("ner-letters", registry=registry)
    assert (before.number, now.number) == ("2", "1")
    assert found(registry, "ner-letters") == [("£5", "MONEY")]
    assert retrain.promote("ner-letters", "2", registry=registry).number == "2"
    nlp = retrain.load_model("ner-letters@1", registry=registry)
    assert [ent.text for ent in nlp("It is £5 in London.").ents] == ["£5"]
    with pytest.raises(ConfigError, match="there is no model 'other'"):
        retrain.models("other", registry=registry)


def test_a_version_becomes_a_wheel_that_plain_spacy_opens(registry: Path, tmp_path: Path) -> None:
    wheel = retrain.package("ner-letters", folder=tmp_path / "dist", registry=registry)
    assert wheel.name == "en_ner_letters-2.0.0-py3-none-any.whl"
    site = tmp_path / "site"
    install = ["-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(site)]
    subprocess.run([sys.executable, *install, str(wheel)], check=True)
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r}); import spacy; "
        "print(spacy.load('en_ner_letters')('It is £5 in London.').ents)"
    )
    opened = subprocess.run(
        [sys.executable, "-c", code], cwd="/", capture_output=True, text=True, check=True
    )
    assert opened.stdout == "(£5, London)\n"
    with pytest.raises(ConfigError, match="is already there"):
        retrain.package("ner-letters", folder=tmp_path / "dist", registry=registry)


def test_a_first_config_is_written_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [
        f'{{"text": "Ann {n} of Leeds", "answer": "accept", '
        f'"spans": [{{"start": 0, "end": 3, "label": "NAME"}}]}}\n'
        for n in range(20)
    ]
    Path("letters.jsonl").write_text("".join(lines), encoding="utf-8")
    assert retrain.init("letters.jsonl") == Path("retrain.yaml")
    [checked] = retrain.check().values()
    assert checked.problems == []
    assert checked.data is not None
    assert checked.data["records"]["kept"] == 20
    assert retrain.runs() == []
    with pytest.raises(ConfigError, match="no run yet"):
        retrain.outcomes()
