"""What a training config may name: installed packages, whose version counts, and no files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from spacy.util import load_config
from thinc.api import Config

from components.errors import ConfigError
from components.train.named_files import packages
from tests.components.train.conftest import CONFIGS


def config(**overrides: Any) -> Config:
    """cnn.cfg with overrides, whose dots are written as two underscores."""
    dotted = {key.replace("__", "."): value for key, value in overrides.items()}
    return load_config(CONFIGS / "cnn.cfg", overrides=dotted)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package of vectors."""
    folder = tmp_path / "site" / "en_vectors-1.2.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Name: en-vectors\nVersion: 1.2\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))


@pytest.mark.usefixtures("package")
def test_version_of_a_package_is_found() -> None:
    assert packages(config(paths__vectors="en_vectors")) == {"en_vectors": "1.2"}


def test_nothing_is_named() -> None:
    for path in CONFIGS.glob("*.cfg"):
        assert packages(load_config(path)) == {}


@pytest.mark.parametrize("key", ["paths__vectors", "paths__init_tok2vec", "initialize__vectors"])
def test_file_is_refused_by_its_key(key: str) -> None:
    section = key.replace("paths__", "initialize.").replace("__", ".")
    with pytest.raises(ConfigError, match=rf"{section}: 'vectors/mine' is no installed package"):
        packages(config(**{key: "vectors/mine"}))


def test_file_of_a_function_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "extra").mkdir()
    named = config(corpora__dev__path="extra/dev.spacy")
    assert packages(named) == {}  # nothing is there: whoever reads it says so
    (tmp_path / "extra/dev.spacy").touch()
    with pytest.raises(ConfigError, match=r"corpora.dev.path: 'extra/dev.spacy'"):
        packages(named)


def test_corpora_of_the_pipeline_are_no_such_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus/train").mkdir(parents=True)
    assert packages(config()) == {}
