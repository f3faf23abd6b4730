"""The training configs that we ship are whole, valid, and lose no data."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import spacy
from spacy.util import import_file, load_config, load_model_from_config
from thinc.api import Config

from components.train.config import read_config

ROOT = Path(__file__).parents[3]
OURS = ROOT / "components" / "train" / "registered.py"
CONFIGS = sorted((ROOT / "pipelines/config/training").glob("*.cfg"))
ACCEPT = """
import pathlib, sys
from spacy.cli._util import import_code
from spacy.cli.debug_config import debug_config
import_code(sys.argv[1])
for path in sys.argv[2:]:
    debug_config(pathlib.Path(path))
"""
READ = """
import pathlib, sys
from components.train.config import read_config
for path in sys.argv[1:]:
    read_config(pathlib.Path(path).read_text(), {})
"""


def test_spacy_accepts_them() -> None:
    """What `python -m spacy debug config PATH --code OURS` does, in one process for all."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", ACCEPT, OURS, *CONFIGS], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Config is valid") == len(CONFIGS)


def test_our_functions_are_known_where_a_config_is_read() -> None:
    done = subprocess.run(
        [sys.executable, "-c", READ, *CONFIGS], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_nothing_is_left_to_defaults(path: Path) -> None:
    import_file("registered", OURS)
    config = load_config(path)
    filled = load_model_from_config(config, auto_fill=True).config
    assert keys(filled) == keys(config)


def keys(config: Config, prefix: str = "") -> set[str]:
    """The dotted keys of a config."""
    names = set()
    for key, value in config.items():
        names.add(f"{prefix}{key}")
        if isinstance(value, dict):
            names |= keys(value, f"{prefix}{key}.")
    return names


@pytest.mark.parametrize("language", ["de", "es", "pt", "it", "da", "ro", "fr", "nl", "zh", "xx"])
def test_a_config_takes_the_tokeniser_of_a_language(language: str) -> None:
    text = (ROOT / "pipelines/config/training/cnn.cfg").read_text(encoding="utf-8")
    config = read_config(text, {"nlp.lang": language})
    assert config["nlp"]["tokenizer"] == spacy.blank(language).config["nlp"]["tokenizer"]


def test_a_tokeniser_of_ones_own_stays_where_the_language_does() -> None:
    text = (ROOT / "pipelines/config/training/cnn.cfg").read_text(encoding="utf-8")
    own = text.replace('"spacy.Tokenizer.v1"', '"retrain.mine.v1"')
    assert own != text
    spacy.registry.tokenizers(
        "retrain.mine.v1", func=lambda: lambda nlp: spacy.blank("en").tokenizer
    )
    mine = {"@tokenizers": "retrain.mine.v1"}
    assert read_config(own, {"nlp.lang": "en"})["nlp"]["tokenizer"] == mine
    assert read_config(own, {"nlp.lang": "da"})["nlp"]["tokenizer"] != mine


def test_weights_that_a_phase_sets_have_all_their_layers() -> None:
    name, layers = (
        f"components.transformer.model.{key}"
        for key in ("name", "transformer_config.num_hidden_layers")
    )
    text = (ROOT / "pipelines/config/training/minilm-tokens.cfg").read_text(encoding="utf-8")

    def layers_with(overrides: dict[str, object]) -> object:
        model = read_config(text, overrides)["components"]["transformer"]["model"]
        return model["transformer_config"].get("num_hidden_layers")

    assert layers_with({}) == 5
    assert layers_with({layers: 4}) == 4
    assert layers_with({name: "roberta-base"}) is None
    assert layers_with({name: "roberta-base", layers: 8}) == 8


def test_a_model_that_is_said_elsewhere_stays_as_it_is() -> None:
    text = (ROOT / "pipelines/config/training/cnn.cfg").read_text(encoding="utf-8")
    elsewhere = text.replace("components.tok2vec.model", "network").replace(
        'factory = "tok2vec"', 'factory = "tok2vec"\nmodel = ${network}'
    )
    assert read_config(elsewhere, {})["components"]["tok2vec"]["model"] == "${network}"
