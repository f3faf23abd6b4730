from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli.evaluate import evaluate as spacy_evaluate
from spacy.pipeline import AttributeRuler
from spacy.tokens import Doc, Span

from components.__main__ import main
from components.records.keys import key_of, normalised
from components.records.prediction import read_predictions
from components.registry.assignment import VERSION, Stored, write
from components.registry.documents import ASSIGNMENT
from components.scoring.document import read_scores
from components.tasks.ner.examples import labels_of
from tests.components.evaluate.conftest import Shelf
from tests.support.records import ner_tasks
from tests.support.tiny_ner import LABELS, make_docs, train_tiny, write_corpus

pytestmark = pytest.mark.xdist_group("shelf")

FAST = {"resamples": 100}
SAMPLE = Path(__file__).parents[3] / "configs/sample/phase1.jsonl"


def evaluated(
    folder: Path,
    model: Path,
    corpus: Path,
    champion: Path | None,
    labels: list[str] | None = None,
    *,
    metadata: Path | None = None,
    init: str = "base",
    teacher: Path | None = None,
    of_teacher: Path | None = None,
) -> dict[str, Any]:
    """Run the stage as the pipeline does; return its scores, and the task's metadata as `shown`."""
    folder.mkdir(exist_ok=True)
    out = {name: folder / name for name in ("scores", "predictions", "metrics", "confusion")}
    declared = {
        name: {"artifacts": [{"name": name, "uri": str(path)}]} for name, path in out.items()
    }
    executor = {"outputs": {"artifacts": declared, "outputFile": str(folder / "out.json")}}
    arguments = {
        "executor-input": json.dumps(executor),
        "tasks": ner_tasks(labels or LABELS),
        "model": str(model),
        "test-corpus": str(corpus),
        "champion": str(champion or ""),
        "champion-assignment": str(metadata / "assignment.json" if metadata else ""),
        "teacher": str(teacher or ""),
        "teacher-version": "big 3",
        "teacher-assignment": str(of_teacher or ""),
        "init": init,
        "settings": json.dumps(FAST),
        **{name: str(path) for name, path in out.items()},
    }
    flat = [part for name, value in arguments.items() for part in (f"--{name}", value)]
    assert main(["evaluate", *flat]) == 0
    shown = json.loads((folder / "out.json").read_text(encoding="utf-8"))["artifacts"]
    scores = read_scores(out["scores"])["ner"]
    return {
        **scores,
        "shown": {name: one["artifacts"][0]["metadata"] for name, one in shown.items()},
    }


def test_scores_equal_those_of_spacy_evaluate(tmp_path: Path, shelf: Shelf) -> None:
    expected = spacy_evaluate(str(shelf.weak), shelf.corpus, silent=True)
    actual = evaluated(tmp_path, shelf.weak, shelf.corpus, None)
    assert 0.2 < actual["overall"]["f"] < 0.95, "a perfect model would prove little"
    for key in "prf":
        assert actual["overall"][key] == pytest.approx(expected[f"ents_{key}"], abs=1e-9)
        for label, scores in expected["ents_per_type"].items():
            assert actual["labels"][label][key] == pytest.approx(scores[key], abs=1e-9)


def sample_docs() -> list[Doc]:
    """The documents of the sample that can be read without fixing them."""
    nlp = spacy.blank("en")
    docs = []
    for line in SAMPLE.read_text(encoding="utf-8", errors="replace").splitlines():
        with suppress(ValueError, KeyError, TypeError):
            task = json.loads(line)
            doc = nlp.make_doc(task["text"])
            spans = [doc.char_span(s["start"], s["end"], s["label"]) for s in task["spans"]]
            if None in spans:
                continue
            doc.set_ents(spans)
            doc.user_data = {"id": f"{len(docs)}", "meta": task["meta"]}
            docs.append(doc)
    return docs


def test_scores_equal_those_of_spacy_evaluate_on_the_sample(tmp_path: Path, shelf: Shelf) -> None:
    docs = sample_docs()
    model = train_tiny(tmp_path / "model", docs[:120], steps=20)
    corpus = write_corpus(tmp_path / "corpus", docs[120::3])
    expected = spacy_evaluate(str(model), corpus, silent=True)
    labels = sorted(expected["ents_per_type"])
    actual = evaluated(tmp_path, model, corpus, None, labels)
    assert 0.1 < actual["overall"]["f"] < 1
    assert len(labels) > 3
    for key in "prf":
        assert f"{actual['overall'][key]:.4f}" == f"{expected[f'ents_{key}']:.4f}"
        for label in labels:
            shown = f"{actual['labels'][label][key]:.4f}"
            assert shown == f"{expected['ents_per_type'][label][key]:.4f}"


def test_scores_equal_those_of_spacy_where_tokenisers_differ(tmp_path: Path, shelf: Shelf) -> None:
    docs = make_docs(40, seed=3)
    for doc in docs:
        with doc.retokenize() as retokenizer:
            for entity in doc.ents:
                if entity.end < len(doc):
                    retokenizer.merge(doc[entity.start : entity.end + 1])
    corpus = write_corpus(tmp_path / "merged", docs)
    expected = spacy_evaluate(str(shelf.good), corpus, silent=True)
    actual = evaluated(tmp_path, shelf.good, corpus, None)
    assert actual["overall"]["f"] == pytest.approx(expected["ents_f"], abs=1e-9)


def test_entities_inside_the_words_of_the_model_are_counted(tmp_path: Path, shelf: Shelf) -> None:
    nlp = spacy.blank("en")
    split = Doc(nlp.vocab, words=["pre", "Treasury", "tax"], spaces=[False, True, False])
    split.set_ents([Span(split, 1, 2, "ORG")])
    split.user_data = {"id": "split", "meta": {}}
    corpus = write_corpus(tmp_path / "split", [split, *make_docs(10, seed=5)])
    scores = evaluated(tmp_path, shelf.good, corpus, None)
    assert scores["tokenisation"]["unalignable"] == 1
    assert scores["labels"]["ORG"]["r"] < 1
    assert scores["tokenisation"]["without"]["r"] > scores["overall"]["r"]


def test_a_label_that_never_occurs_is_undefined_and_not_a_metric(
    tmp_path: Path, shelf: Shelf
) -> None:
    scores = evaluated(tmp_path, shelf.good, shelf.corpus, None, [*LABELS, "EVENT"])
    event = scores["labels"]["EVENT"]
    assert (event["p"], event["r"], event["f"], event["support"]) == (None, None, None, 0)
    metrics = scores["shown"]["metrics"]
    assert metrics["f1"] == scores["overall"]["f"]
    assert {"f1_ORG", "p_ORG", "r_ORG", "support_ORG"} <= set(metrics)
    assert not [name for name in metrics if "EVENT" in name]


def test_the_console_gets_the_whole_confusion_matrix(tmp_path: Path, shelf: Shelf) -> None:
    scores = evaluated(tmp_path, shelf.weak, shelf.corpus, None)
    matrix = scores["shown"]["confusion"]["confusionMatrix"]
    names = [spec["displayName"] for spec in matrix["annotationSpecs"]]
    assert names == [*LABELS, "(none)"]
    cells = {
        (names[row], names[column]): number
        for row, line in enumerate(matrix["rows"])
        for column, number in enumerate(line["row"])
    }
    for label in LABELS:
        row = sum(cells[label, column] for column in names)
        assert row == scores["labels"][label]["support"]


def test_the_champion_is_scored_on_the_same_documents(tmp_path: Path, shelf: Shelf) -> None:
    alone = evaluated(tmp_path / "a", shelf.weak, shelf.corpus, None)
    scores = evaluated(tmp_path / "b", shelf.good, shelf.corpus, shelf.weak)
    assert scores["champion"]["overall"] == alone["overall"]
    overall = scores["champion"]["comparison"]["overall"]
    assert overall["difference"] == pytest.approx(scores["overall"]["f"] - alone["overall"]["f"])
    assert overall["interval"][0] < overall["difference"] < overall["interval"][1]
    assert overall["better"] > 0.9


def test_each_language_is_scored_and_compared(tmp_path: Path, shelf: Shelf) -> None:
    docs = make_docs(60, seed=3)
    for number, doc in enumerate(docs):
        doc.user_data["meta"]["lang"] = "da" if number % 3 else "de"
    corpus = write_corpus(tmp_path / "corpus", docs)
    alone = evaluated(tmp_path / "a", shelf.weak, corpus, None)
    scores = evaluated(tmp_path / "b", shelf.good, corpus, shelf.weak)
    assert {name: one["documents"] for name, one in scores["slices"]["lang"].items()} == {
        "da": 40,
        "de": 20,
    }
    compared = scores["champion"]["comparison"]["per_language"]
    assert list(compared) == ["da", "de"]
    for language, one in compared.items():
        low, high = scores["slices"]["lang"][language]["interval"]["f"]
        new, old = (each["slices"]["lang"][language]["f"] for each in (scores, alone))
        assert low <= new <= high
        assert one["f"] == {"new": new, "champion": old}
        assert one["interval"][0] <= one["difference"] <= one["interval"][1]


def test_a_model_is_not_better_than_itself(tmp_path: Path, shelf: Shelf) -> None:
    overall = evaluated(tmp_path, shelf.weak, shelf.corpus, shelf.weak)["champion"]["comparison"][
        "overall"
    ]
    assert (overall["difference"], overall["interval"], overall["better"]) == (0, [0, 0], 0)


def test_a_champion_that_cannot_be_loaded_is_reported(tmp_path: Path, shelf: Shelf) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("meta.json", "config.cfg"):
        (broken / name).write_text("{", encoding="utf-8")
    scores = evaluated(tmp_path, shelf.good, shelf.corpus, broken)
    assert scores["champion"].keys() == {"error", "seen"}
    assert scores["overall"]["f"] > 0.9


def test_a_champion_that_is_named_and_not_there_is_never_taken_for_none(
    tmp_path: Path, shelf: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "--tasks",
        ner_tasks(LABELS),
        "--model",
        str(shelf.good),
        "--test-corpus",
        str(shelf.corpus),
    ]
    arguments += ["--settings", json.dumps(FAST), "--init", "base"]
    for name in ("scores", "predictions", "metrics", "confusion"):
        arguments += [f"--{name}", str(tmp_path / name)]
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "missing"):
        assert main(["evaluate", *arguments, "--champion", str(tmp_path / folder)]) == 3
        assert "the model in production is not there" in capsys.readouterr().err
    other = ["--champion", str(shelf.weak), "--champion-digest", "0" * 64]
    assert main(["evaluate", *arguments, *other]) == 3
    assert "not what the stage before wrote" in capsys.readouterr().err
    assert not (tmp_path / "scores").exists()
    # Only this says that there is none.
    nobody = ["--champion", str(tmp_path / "missing"), "--champion-digest", "none"]
    assert main(["evaluate", *arguments, *nobody]) == 0
    scores = json.loads((tmp_path / "scores").read_text(encoding="utf-8"))
    assert scores["tasks"]["ner"]["champion"] is None


def remember(folder: Path, train: list[Doc], dev: list[Doc], test: list[Doc]) -> Path:
    """The assignment that a champion keeps, as `split` writes it."""
    lists = (
        [f"{key_of(normalised(doc.text), b'text'):016x}" for doc in docs]
        for docs in (train, dev, test)
    )
    write(folder / ASSIGNMENT, Stored(VERSION, *lists))
    return folder


def test_the_champion_is_not_scored_on_what_it_was_trained_on(tmp_path: Path, shelf: Shelf) -> None:
    """Left out of the comparison; and of all scores, if the new model started from it."""
    docs = make_docs(80, seed=2)
    metadata = remember(tmp_path, docs[:20], docs[20:25], docs[40:])
    learnt = {doc.text for doc in docs[:25]}
    # In the order of the whole corpus, on which the resampling depends.
    rest = [doc for doc in (*docs[::2], *docs[1::2]) if doc.text not in learnt]
    assert 20 < len(rest) < 55
    kept = write_corpus(tmp_path / "rest", rest, shards=1)
    expected = evaluated(tmp_path / "1", shelf.good, kept, shelf.weak, metadata=metadata)
    assert expected["champion"]["seen"] == 0

    whole = evaluated(tmp_path / "2", shelf.good, shelf.corpus, shelf.weak, metadata=metadata)
    assert whole["champion"]["seen"] == 80 - len(rest)
    assert whole["champion"]["comparison"] == expected["champion"]["comparison"]
    assert whole["champion"]["overall"] == expected["champion"]["overall"]
    assert whole["documents"] == 80

    warm = evaluated(
        tmp_path / "3", shelf.good, shelf.corpus, shelf.weak, metadata=metadata, init="champion"
    )
    assert warm["documents"] == len(rest)
    assert warm["overall"] == expected["overall"]
    assert warm["champion"]["comparison"] == expected["champion"]["comparison"]


def test_without_a_document_new_to_the_champion_there_is_no_comparison(
    tmp_path: Path, shelf: Shelf
) -> None:
    metadata = remember(tmp_path, make_docs(80, seed=2), [], [])
    scores = evaluated(tmp_path / "1", shelf.good, shelf.corpus, shelf.weak, metadata=metadata)
    assert scores["champion"]["seen"] == 80
    assert "was trained on all test documents" in scores["champion"]["error"]
    unknown = evaluated(tmp_path / "2", shelf.good, shelf.corpus, shelf.weak)
    assert unknown["champion"]["seen"] is None


@pytest.mark.parametrize("swallowed", [False, True])
def test_a_timeout_while_the_champion_loads_ends_the_stage(
    tmp_path: Path,
    shelf: Shelf,
    swallowed: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is no champion that cannot be loaded: nothing is scored, and nothing held back."""
    if swallowed:  # long enough for the first to be told of on a busy machine
        monkeypatch.setattr("components.__main__.AGAIN_SECONDS", 1.0)
    slow = tmp_path / "slow"
    shutil.copytree(shelf.weak, slow)
    ring = "import os, signal\nos.kill(os.getpid(), signal.SIGALRM)\n"
    deaf = "try:\n    {}\nexcept BaseException:\n    pass\nwhile True:\n    pass\n"
    code = deaf.format(ring.strip().replace("\n", "\n    ")) if swallowed else ring
    (slow / "code.py").write_text(code, encoding="utf-8")
    arguments = ["--model", str(shelf.good), "--champion", str(slow), "--tasks", ner_tasks(LABELS)]
    arguments += ["--test-corpus", str(shelf.corpus)]
    arguments += ["--init", "base"]
    for name in ("scores", "predictions", "metrics", "confusion"):
        arguments += [f"--{name}", str(tmp_path / name)]
    code_of = main(["evaluate", *arguments, "--settings", json.dumps(FAST), "--timeout", "600"])
    assert code_of == 1
    assert "ran past its timeout of 600 s" in capsys.readouterr().err
    assert not (tmp_path / "scores").exists()


def test_only_labels_that_the_champion_knows_are_compared(tmp_path: Path, shelf: Shelf) -> None:
    docs = make_docs(60, seed=1)
    for doc in docs:
        doc.set_ents([entity for entity in doc.ents if entity.label_ != "MONEY"])
    narrow = train_tiny(tmp_path / "narrow", docs)
    comparison = evaluated(tmp_path, shelf.good, shelf.corpus, narrow)["champion"]["comparison"]
    assert comparison["labels"] == ["ORG", "DATE"]
    backwards = evaluated(tmp_path, narrow, shelf.corpus, shelf.good)["champion"]["comparison"]
    assert backwards["per_label"]["MONEY"]["f"]["new"] == 0


def test_labels_of_a_token_classifier_are_those_of_its_ruler() -> None:
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("attribute_ruler")
    assert isinstance(ruler, AttributeRuler)
    ruler.add([[{"TAG": "B-MONEY"}]], {"ENT_IOB": 3, "ENT_TYPE": "MONEY"})
    ruler.add([[{"TAG": "O"}]], {"ENT_IOB": 2})
    assert labels_of(nlp) == ("MONEY",)


def test_the_order_of_shards_and_batches_changes_nothing(tmp_path: Path, shelf: Shelf) -> None:
    docs = make_docs(80, seed=2)
    one_shard = write_corpus(tmp_path / "one", docs, shards=1)
    first = evaluated(tmp_path / "a", shelf.weak, one_shard, None)
    again = evaluated(tmp_path / "b", shelf.weak, shelf.corpus, None)
    for key in ("overall", "confusion", "matches"):
        if key == "overall":
            assert first[key]["f"] == again[key]["f"]
        else:
            assert first[key] == again[key]
    written = [p.id for p in read_predictions(tmp_path / "a" / "predictions")]
    assert written == [doc.user_data["id"] for doc in docs]


def test_disagreements_carry_the_confidence_of_the_model(tmp_path: Path, shelf: Shelf) -> None:
    evaluated(tmp_path, shelf.weak, shelf.corpus, None)
    disagreements = [
        one for p in read_predictions(tmp_path / "predictions") for one in p.disagreements
    ]
    assert disagreements
    assert all(one.confidence is not None and 0 <= one.confidence <= 1 for one in disagreements)
    assert len({one.confidence for one in disagreements}) > 3


def test_an_empty_corpus_is_refused(
    tmp_path: Path, shelf: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = write_corpus(tmp_path / "empty", [], shards=1)
    arguments = ["--tasks", ner_tasks(LABELS), "--model", str(shelf.good)]
    arguments += ["--test-corpus", str(empty)]
    arguments += ["--settings", "{}", "--init", "base"]
    for name in ("scores", "predictions", "metrics", "confusion"):
        arguments += [f"--{name}", str(tmp_path / name)]
    assert main(["evaluate", *arguments]) == 3
    assert "no documents" in capsys.readouterr().err
    assert not (tmp_path / "scores").exists()


def test_windows_of_one_document_count_as_one(tmp_path: Path, shelf: Shelf) -> None:
    docs = make_docs(20, seed=4)
    for place, doc in enumerate(docs):
        doc.user_data["id"] = f"document {place // 2}"
    scores = evaluated(tmp_path, shelf.good, write_corpus(tmp_path / "w", docs), None)
    assert scores["documents"] == 10


def test_teacher_and_student_stand_side_by_side(
    tmp_path: Path, shelf: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = evaluated(tmp_path / "1", shelf.weak, shelf.corpus, None, teacher=shelf.good)
    said = scores["teacher"]
    alone = evaluated(tmp_path / "2", shelf.good, shelf.corpus, None)
    assert said["version"] == "big 3"
    assert said["overall"] == alone["overall"]
    compared = said["comparison"]["overall"]
    assert compared["f"] == {"new": scores["overall"]["f"], "champion": alone["overall"]["f"]}
    assert 0 < said["agreement"] < 1
    assert said["words_per_second"] > 0
    assert said["megabytes"] > 0 < said["student_megabytes"]
    assert said["seen"] is None  # nobody knows what it was trained on
    assert "Teacher (big 3): F " in capsys.readouterr().out
    same = evaluated(tmp_path / "3", shelf.good, shelf.corpus, None, teacher=shelf.good)
    assert same["teacher"]["agreement"] == 1
    assert "teacher" not in alone


def test_a_teacher_is_not_scored_on_what_it_was_trained_on(tmp_path: Path, shelf: Shelf) -> None:
    docs = make_docs(80, seed=2)
    keys = [f"{key_of(normalised(doc.text), b'text'):016x}" for doc in docs]
    texts = {doc.text for doc in docs}
    first = {key for doc, key in zip(docs, keys, strict=True) if doc.text == min(texts)}
    write(tmp_path / "some.json", Stored(VERSION, [*first], [], []))
    write(tmp_path / "all.json", Stored(VERSION, [], [], ["a" * 16], [*keys]))
    some = evaluated(
        tmp_path / "1", shelf.weak, shelf.corpus, None, teacher=shelf.good,
        of_teacher=tmp_path / "some.json",
    )  # fmt: skip
    assert some["teacher"]["seen"] == sum(doc.text == min(texts) for doc in docs)
    every = evaluated(
        tmp_path / "2", shelf.weak, shelf.corpus, None, teacher=shelf.good,
        of_teacher=tmp_path / "all.json",
    )  # fmt: skip
    assert every["teacher"]["error"] == "the teacher was trained on all test documents"
