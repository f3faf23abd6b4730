"""Functions of the user's own: known in training, kept with the model, part of what a run is of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from components.custom_code import load_model
from components.tasks import task_of
from components.tasks.base import TaskSettings
from components.train.inputs import inputs
from tests.components.train.conftest import CONFIGS, LABELS
from tests.support import stages

Train = Callable[..., int]

SHORT = {"training.max_steps": 40, "training.eval_frequency": 20}
CODE = """\
import random

import numpy
from spacy.language import Language
from spacy.util import registry


@registry.augmenters("lottery.v1")
def lottery(share: float):
    def augment(nlp, example):
        if random.random() < share and numpy.random.random() < share:
            yield example
        yield example

    return augment


@Language.component("loud")
def loud(doc):
    doc.user_data["loud"] = doc.text.upper()
    return doc
"""


def config_with_code() -> str:
    """cnn.cfg with an augmenter and a component of CODE."""
    text = (CONFIGS / "cnn.cfg").read_text(encoding="utf-8")
    text = text.replace('["tok2vec", "ner"]', '["tok2vec", "ner", "loud"]')
    text = text.replace("augmenter = null\n", "", 1)
    text += '\n[corpora.train.augmenter]\n@augmenters = "lottery.v1"\nshare = 0.5\n'
    return text + '\n[components.loud]\nfactory = "loud"\n'


def test_it_trains_and_the_model_brings_it(
    train: Train, tmp_path: Path, corpora: tuple[Path, Path]
) -> None:
    assert train("cnn", SHORT, config=config_with_code(), code=CODE) == 0
    model = tmp_path / "out/model"
    assert (model / "code.py").read_text(encoding="utf-8") == CODE
    assert load_model(model)("Pay £5.").user_data["loud"] == "PAY £5."
    stages.evaluate(tmp_path, model, corpora[1], model, LABELS)


def test_function_that_it_does_not_register_is_named(
    train: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = config_with_code().replace("lottery.v1", "no_lottery.v1")
    assert train("cnn", SHORT, config=unknown, code=CODE) == 2
    assert "no_lottery.v1" in capsys.readouterr().err


@pytest.mark.parametrize("changed", ["train.code", "champion", "en_vectors"])
def test_a_run_is_of_its_code_its_champion_and_its_packages(
    corpora: tuple[Path, Path], tmp_path: Path, changed: str
) -> None:
    (tmp_path / "champion").mkdir()
    (tmp_path / "champion/meta.json").write_text("{}", encoding="utf-8")

    def entities(**new: str) -> dict[str, str]:
        given = {"code": "x = 1", "packages": "1.0", "champion": "champion", **new}
        return inputs(
            config_text="",
            overrides={},
            code=given["code"],
            packages={"en_vectors": given["packages"]},
            champion=tmp_path / given["champion"],
            corpora=list(corpora),
            tasks=[task_of(TaskSettings(name="ner", labels=LABELS))],
        )

    options = {"train.code": "code", "champion": "champion", "en_vectors": "packages"}
    then, now = entities(), entities(**{options[changed]: "other"})
    assert {name for name in then if then[name] != now[name]} == {changed}
