"""Classifiers are trained as entities are, and what is saved is stock spaCy's."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import DocBin, Span
from spacy.training import Corpus, Example

from components.__main__ import main
from components.evaluate.run import Clock, load, predict_batch
from components.tasks import tasks_of
from components.train.long_texts import LONGEST, all_shortened, shortened, tokenizer_of
from tests.components.train.conftest import CONFIGS, arguments, write_shard
from tests.components.train.test_resume import assert_same_outcome
from tests.support.tiny_roberta import write_roberta

LABELS = ["FEE", "OPENING"]
TEXTS = [
    ("The fee is £{n} if you apply.", "FEE"),
    ("It costs £{n} a year.", "FEE"),
    ("It opened on {n} May.", "OPENING"),
    ("We open at {n} on Monday.", "OPENING"),
]
STEPS = {
    "training.max_steps": 40,
    "training.eval_frequency": 20,
    "training.batcher.size": 400,
    "training.optimizer.learn_rate.initial_rate": 0.01,
}
ANY = {
    "components.classes.factory": "textcat_multilabel",
    "components.classes.model.exclusive_classes": False,
}
# Refuses whatever is ours, and prints what spaCy alone says.
OPEN = """
import json, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("components", "pipelines", "containers"):
            raise ImportError(name)

sys.meta_path.insert(0, Refuse())
import spacy
nlp = spacy.load(sys.argv[1])
print(json.dumps([nlp(text).cats for text in json.loads(sys.argv[2])]))
"""


def tasks(**settings: object) -> str:
    return json.dumps([{"name": "topic", "kind": "textcat", "labels": LABELS, **settings}])


@pytest.fixture
def corpora(tmp_path: Path) -> tuple[Path, Path]:
    """Train and dev corpora of two classes; dev is large enough to calibrate."""
    nlp = spacy.blank("en")
    folders = []
    for split, numbers in (("train", range(80)), ("dev", range(100, 220))):
        docs = []
        for number in numbers:
            text, right = TEXTS[number % len(TEXTS)]
            doc = nlp.make_doc(text.format(n=number % 28 + 1))
            # Some annotators err: else nothing would be left to calibrate.
            wrong = number % 9 == 0
            doc.cats = {label: float((label == right) != wrong) for label in LABELS}
            docs.append(doc)
        folder = tmp_path / "corpus" / split
        folder.mkdir(parents=True)
        folders.append(write_shard(folder, DocBin(docs=docs)))
    return folders[0], folders[1]


@pytest.mark.parametrize("exclusive", [True, False])
def test_stock_spacy_gives_the_same_scores(
    train: Callable[..., int],
    tmp_path: Path,
    corpora: tuple[Path, Path],
    capsys: pytest.CaptureFixture[str],
    exclusive: bool,
) -> None:
    overrides: dict[str, Any] = {**STEPS, "components.transformer.model.name": "tiny/bert"}
    described = tasks(exclusive=exclusive)
    assert train("minilm-classes", overrides | ({} if exclusive else ANY), tasks=described) == 0
    assert "Mixed precision" in capsys.readouterr().out
    # Ours, as `evaluate` sees them: many documents at once, in batches of like length.
    nlp = load(tmp_path / "out/model")
    remembered = nlp.meta["retrain"]["topic"]["calibration"]
    assert remembered["documents"] == 120
    assert "not_calibrated" not in remembered
    examples = list(Corpus(corpora[1])(nlp))[:24]  # type: ignore[no-untyped-call]
    noted = predict_batch(nlp, examples, tasks_of(described), Clock())
    ours = [predictions[0].scores for _, predictions in noted]
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            OPEN,
            str(tmp_path / "out/model"),
            json.dumps([one.reference.text for one in examples]),
        ],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    theirs = json.loads(done.stdout)
    for one, other in zip(ours, theirs, strict=True):
        assert one == pytest.approx(other, abs=1e-4)
    assert max(abs(one["FEE"] - ours[0]["FEE"]) for one in ours) > 0.1, "equal scores prove nothing"


def test_roberta_takes_a_step(train: Callable[..., int], tmp_path: Path, base_models: Path) -> None:
    write_roberta(base_models / "tiny--roberta")
    overrides = {
        "components.transformer.model.name": "tiny/roberta",
        "training.max_steps": 1,
    }
    assert train("roberta-classes", overrides, tasks=tasks()) == 0
    assert set(spacy.load(tmp_path / "out/model")("It costs £3.").cats) == set(LABELS)


def test_few_documents_of_dev_are_said_not_to_calibrate(
    tmp_path: Path, corpora: tuple[Path, Path]
) -> None:
    small = {
        "training.max_steps": 4,
        "components.tok2vec.model.encode.width": 16,
        "components.tok2vec.model.encode.depth": 1,
    }
    # 80 documents.
    swapped = (corpora[1], corpora[0])
    stage = arguments("cnn-classes", small, swapped, tmp_path / "out", tasks=tasks())
    assert main(stage) == 0
    said = spacy.load(tmp_path / "out/model").meta["retrain"]["topic"]["calibration"]
    assert said["documents"] == 80
    assert "80 documents with an answer; 100 are needed" in said["not_calibrated"]


def test_a_very_long_text_is_learnt_from_its_first_words(
    tmp_path: Path, corpora: tuple[Path, Path]
) -> None:
    nlp = spacy.blank("en")
    long = nlp.make_doc("It costs £3 a year. " * 1_000)
    long.cats = {"FEE": 1.0, "OPENING": 0.0}
    docs = DocBin().from_disk(corpora[0] / "000000.spacy")
    docs.add(long)
    write_shard(corpora[0], docs)
    small = {
        "training.max_steps": 1,
        "components.tok2vec.model.encode.width": 16,
        "components.tok2vec.model.encode.depth": 1,
    }
    assert main(arguments("cnn-classes", small, corpora, tmp_path / "out", tasks=tasks())) == 0
    log = (tmp_path / "out/log/training.log").read_text(encoding="utf-8")
    assert f"Of 1 of 81 documents the first {LONGEST:,} words are learnt from" in log


def test_a_shortened_text_keeps_what_was_said_of_it() -> None:
    nlp = spacy.blank("en")
    long = nlp.make_doc("Ada pays. " * LONGEST)
    long.cats = {"FEE": 1.0}
    last = len(long) - 3
    long.set_ents([Span(long, 0, 1, "PERSON"), Span(long, last, last + 1, "PERSON")])
    long.user_data["unanswered"] = ["topic"]
    short = shortened(nlp, Example(nlp.make_doc(long.text), long), None)
    assert short.predicted.text == short.reference.text
    assert len(short.reference) == LONGEST
    assert short.reference.cats == {"FEE": 1.0}
    assert [ent.start for ent in short.reference.ents] == [0]
    assert short.reference.user_data["unanswered"] == ["topic"]
    fits = Example(nlp.make_doc("Ada pays."), nlp.make_doc("Ada pays."))
    assert shortened(nlp, fits, None) is fits
    given = Example(nlp.make_doc(long.text), long)
    assert list(all_shortened(nlp, [given])) == [given]  # entities alone: convert cuts their texts
    nlp.add_pipe("textcat")
    assert len(next(all_shortened(nlp, [given])).reference) == LONGEST


def test_a_text_is_cut_where_its_word_pieces_end(base_models: Path) -> None:
    """A word of a log has many of them."""
    nlp = spacy.blank("en")
    model = {"name": str(base_models / "tiny--bert")}
    nlp.add_pipe("transformer", config={"model": model})
    nlp.add_pipe("textcat")
    for label in LABELS:
        nlp.get_pipe("textcat").add_label(label)  # type: ignore[attr-defined]
    nlp.initialize()
    tokenizer = tokenizer_of(nlp)

    def read(text: str) -> tuple[int, int]:
        """Words and word pieces that are left of a text."""
        doc = nlp.make_doc(text)
        doc.cats = {"FEE": 1.0}
        [short] = all_shortened(nlp, [Example(nlp.make_doc(text), doc)])
        return len(short.predicted), len(tokenizer.tokenize(short.predicted.text))

    assert read("fee " * 100) == (100, len(tokenizer.tokenize("fee " * 100)))
    log = "0x7f3a9c41be " * 400
    assert len(tokenizer.tokenize(log)) > 3 * LONGEST
    words, pieces = read(log)
    assert 10 < words < 400
    assert LONGEST <= pieces < LONGEST + 30


# A module of the user's, as a phase names one: here it pulls the plug.
CODE = """\
import os

from spacy.util import registry


@registry.callbacks("plug.v1")
def plug():
    def before_update(nlp, args):
        if args["step"] == 25 and os.environ.get("PULLED"):
            raise RuntimeError("the plug is pulled")

    return before_update
"""


def test_a_run_that_broke_off_ends_as_if_it_had_not(
    train: Callable[..., int], tmp_path: Path, base_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides = {
        **STEPS,
        "training.score_weights.cats_score": 0.0,  # so that the last weights are kept
        "components.transformer.model.name": "tiny/bert",
    }
    text = (CONFIGS / "minilm-classes.cfg").read_text(encoding="utf-8")
    text = text.replace("before_update = null\n", "")
    more = {
        "config": f'{text}\n[training.before_update]\n@callbacks = "plug.v1"\n',
        "code": CODE,
        "tasks": tasks(balance=0.5),
    }
    assert train("minilm-classes", overrides, **more) == 0
    (tmp_path / "out").rename(tmp_path / "whole")
    kept = {
        "checkpoints": str(tmp_path / "ckpt"),
        "settings": json.dumps({"checkpoint_every": 10, "checkpoint_share": 1}),
    }
    monkeypatch.setenv("PULLED", "1")
    with pytest.raises(RuntimeError, match="the plug is pulled"):
        train("minilm-classes", overrides, **more, **kept)
    monkeypatch.delenv("PULLED")
    assert train("minilm-classes", overrides, **more, **kept) == 0
    log = (tmp_path / "out/log/training.log").read_text(encoding="utf-8")
    assert "Resumed after step" in log
    assert_same_outcome(tmp_path / "whole", tmp_path / "out")
    assert (tmp_path / "out/model/code.py").read_text(encoding="utf-8") == CODE
