"""The stage before train: a bad config or an unusable corpus ends there, with one clear error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
import torch
from spacy.tokens import DocBin

from components.__main__ import main
from tests.components.train.conftest import CONFIGS, arguments, write_shard
from tests.support.records import ner_tasks

Debug = Callable[..., int]

CODE = """\
from spacy.language import Language

@Language.component("nothing")
def nothing(doc):
    return doc
"""


@pytest.fixture
def debug(
    tmp_path: Path,
    corpora: tuple[Path, Path],
    base_models: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Debug:
    """Run the stage and return its exit code; its output is out/findings."""
    monkeypatch.setenv("RETRAIN_BASE_MODELS", str(base_models))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    torch.set_num_threads(1)

    def run(config: str, overrides: dict[str, object], /, **options: str) -> int:
        train = arguments(config, overrides, corpora, tmp_path / "out", **options)
        kept = [word for word in train[1:] if not word.startswith(("--model", "--log"))]
        return main(["debug", *kept, f"--findings={tmp_path / 'out/findings'}"])

    return run


@pytest.mark.parametrize("config", ["cnn", "minilm", "roberta-fast", "minilm-tokens"])
def test_what_spacy_finds_is_kept(debug: Debug, tmp_path: Path, config: str) -> None:
    tiny = {"components.transformer.model.name": "tiny/bert"} if config != "cnn" else {}
    assert debug(config, tiny) == 0
    text = (tmp_path / "out/findings").read_text(encoding="utf-8")
    for said in ("Config is valid", "Corpus is loadable", "80 training docs", " label(s)"):
        assert said in text


def test_custom_code_is_known(debug: Debug) -> None:
    text = (CONFIGS / "cnn.cfg").read_text(encoding="utf-8")
    text += '\n[components.nothing]\nfactory = "nothing"\n'
    pipeline = {"nlp.pipeline": ["tok2vec", "ner", "nothing"]}
    assert debug("cnn", pipeline, config=text, code=CODE) == 0


@pytest.mark.parametrize(
    ("overrides", "options", "expected"),
    [
        ({"training.max_setps": 5}, {}, "unknown key training.max_setps"),
        ({"nlp.pipeline": ["tok2vec"]}, {}, "no component that recognises entities"),
        ({"training.batcher.@batchers": "no.v1"}, {}, "no.v1"),
        ({"initialize.before_init": {"@callbacks": "no.v1"}}, {}, "no.v1"),
        ({"initialize.vectors": "en_no_such"}, {}, "initialize.vectors: 'en_no_such'"),
        ({}, {"code": "import nowhere"}, "train.code: code.py:1: ModuleNotFoundError"),
    ],
)
def test_bad_config_is_an_error_of_one_line(
    debug: Debug,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    overrides: dict[str, object],
    options: dict[str, str],
    expected: str,
) -> None:
    assert debug("cnn", overrides, **options) == 2
    error = capsys.readouterr().err
    assert expected in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_weights_that_are_nowhere(debug: Debug, capsys: pytest.CaptureFixture[str]) -> None:
    assert debug("minilm", {"components.transformer.model.name": "no/such-model"}) == 5
    assert "components.transformer.model.name" in capsys.readouterr().err


def test_label_that_the_phase_does_not_name(
    debug: Debug, capsys: pytest.CaptureFixture[str]
) -> None:
    assert debug("cnn", {}, tasks=ner_tasks(["DATE"])) == 3
    assert "MONEY" in capsys.readouterr().err


def test_corpus_that_spacy_refuses(
    debug: Debug, tmp_path: Path, corpora: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    nlp = spacy.blank("en")
    doc = nlp.make_doc("Pay £5  today.")
    doc.set_ents([spacy.tokens.Span(doc, 1, 4, "MONEY")])  # "£5  ": ends in a space
    (corpora[0] / "000000.spacy").unlink()
    write_shard(corpora[0], DocBin(docs=[doc] * 120))
    assert debug("cnn", {}) == 3
    assert "spaCy's `debug data` finds" in capsys.readouterr().err
    findings = (tmp_path / "out/findings").read_text(encoding="utf-8")
    assert "invalid whitespace entity spans" in findings
