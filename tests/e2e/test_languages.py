"""Whole runs in several languages, from an export to a model that marks the entity."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
import yaml
from rich.console import Console

from pipelines.config.profile import profile_of
from pipelines.config.scaffold import scaffold
from pipelines.local.launch import run_config
from pipelines.local.run import RunResult

# What `init` says the language is; the one to train with; clauses around a name; names. spaCy's own
# tokenisers of Japanese and Thai need a package each: the one of Chinese takes each character for a
# token, and does for them as well.
SAMPLES: dict[str, tuple[str, str, list[str], list[str]]] = {
    "chinese": (
        "zh",
        "zh",
        ["{}昨天在公司工作。", "我们今天见到了{}先生。", "昨天公司里没有人。"],
        ["王小明", "李华", "赵丽娟", "陈志强"],
    ),
    "japanese": (
        "ja",
        "zh",
        ["昨日{}さんが会社に来ました。", "これは{}の本です。", "昨日は誰も来ませんでした。"],
        ["山田太郎", "佐藤", "鈴木花子", "高橋"],
    ),
    "thai": (
        "th",
        "zh",
        ["เมื่อวาน{}ไปทำงาน", "เราพบ{}ที่ตลาด", "ไม่มีใครไปทำงาน"],
        ["สมชาย", "มาลี", "วิชัย", "สุดา"],
    ),
    "arabic": (
        "ar",
        "ar",
        ["ذهب {} إلى العمل اليوم.", "رأينا {} في السوق.", "لم يذهب أحد اليوم."],
        ["محمد علي", "ليلى", "سمير", "نور"],
    ),
    "german": (
        "de",
        "de",
        ["Gestern kam {} nicht ins Büro.", "Wir trafen {} auf dem Markt.", "Da ist niemand."],
        ["Jürgen Groß", "Änne", "Uwe", "Käthe Müller"],
    ),
    "danish": (
        "da",
        "da",
        ["I går blev {} på kontoret.", "Vi så {} efter mødet, m.fl.", "Der var ikke nogen."],
        ["Søren Holm", "Åse", "Jens", "Bodil Kjær"],
    ),
}
ROOT = Path(__file__).parents[2]
LENGTH = {
    "training.max_steps": 90,
    "training.eval_frequency": 30,
    "components.tok2vec.model.encode.width": 32,
    "components.tok2vec.model.encode.depth": 2,
}


def export(path: Path, clauses: list[str], names: list[str]) -> None:
    """A text for each clause and name, over and over: each has its own number."""
    lines = []
    for number in range(72):
        clause, name = clauses[number % len(clauses)], names[number % len(names)]
        start = clause.find("{}")
        spans = (
            [{"start": start, "end": start + len(name), "label": "PERSON"}] if start >= 0 else []
        )
        text = f"{clause.format(name)} {number}"
        lines.append(json.dumps({"text": text, "spans": spans, "answer": "accept"}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def phase_of(path: Path, said: str, language: str) -> dict[str, Any]:
    """The phase that `retrain init` writes, with a tiny model."""
    text = scaffold([path], path.parent, profile_of(path))
    (phase,) = yaml.safe_load(text)["phases"].values()
    assert phase["language"] == said
    phase["language"] = language
    phase["train"] = {"config": "cnn", "set": LENGTH}
    return dict(phase)


def sample_of_two_languages() -> dict[str, Any]:
    """The phase of configs/sample-languages.yaml, with a tiny model."""
    path = ROOT / "configs/sample-languages.yaml"
    (phase,) = yaml.safe_load(path.read_text(encoding="utf-8"))["phases"].values()
    for source in phase["annotations"]:
        source["path"] = str(path.parent / source["path"])
    return {**phase, "train": {"config": "cnn", "set": LENGTH}}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunResult]:
    folder = tmp_path_factory.mktemp("languages")
    phases = {}
    for name, (said, language, clauses, names) in SAMPLES.items():
        export(folder / f"{name}.jsonl", clauses, names)
        phases[name] = phase_of(folder / f"{name}.jsonl", said, language)
    phases["letters"] = sample_of_two_languages()
    config = {"name": "languages", "registry": "models", "phases": phases}
    (folder / "my.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    result = run_config(folder / "my.yaml", out=folder / "runs", console=Console(quiet=True))
    assert result.exit_code == 0, [failure.tail for failure in result.failures]
    return folder, result


@pytest.mark.xdist_group("languages")
@pytest.mark.parametrize("name", SAMPLES)
def test_a_run_learns_the_entity_and_not_its_clause(
    name: str, finished: tuple[Path, RunResult]
) -> None:
    folder, result = finished
    report = json.loads((result.path / name / "ingest/data_report").read_text("utf-8"))
    (task,) = report["tasks"].values()
    assert task["labels"]["PERSON"]["expanded"] == 0
    assert task["labels"]["PERSON"]["count"] == 48
    (scores,) = json.loads((result.path / name / "evaluate/scores").read_text("utf-8"))[
        "tasks"
    ].values()
    assert scores["overall"]["f"] > 0.9
    nlp = spacy.load(folder / f"models/ner-{name}/1/model")
    _, language, clauses, names = SAMPLES[name]
    assert nlp.lang == language
    for clause, person in ((clauses[0], names[1]), (clauses[1], names[2])):
        doc = nlp(clause.format(person))
        assert [(ent.text, ent.label_) for ent in doc.ents] == [(person, "PERSON")]


@pytest.mark.xdist_group("languages")
def test_a_model_of_two_languages_is_split_scored_and_gated_by_language(
    finished: tuple[Path, RunResult],
) -> None:
    _, result = finished

    def read(output: str) -> Any:
        return json.loads((result.path / "letters" / output).read_text("utf-8"))

    labels = read("split/split_report")["labels"]
    assert {name: labels[f"meta.lang: {name}"]["documents"]["test"] for name in ("da", "de")} == {
        "da": 27,
        "de": 54,
    }
    (scores,) = read("evaluate/scores")["tasks"].values()
    languages = scores["slices"]["lang"]
    assert {name: one["documents"] for name, one in languages.items()} == {"de": 54, "da": 27}
    assert all(one["interval"]["f"] for one in languages.values())
    rules = read("upload/gate_decision")["rules"]
    asked = {one["language"]: one for one in rules if one["name"] == "min_f_per_language"}
    assert {name: one["measured"] for name, one in asked.items()} == {
        name: one["f"] for name, one in languages.items()
    }
    (task,) = read("convert/convert_report")["corpora"]["train"]["tasks"].values()
    assert {name: one["misaligned"] for name, one in task["languages"].items()} == {
        "da": 0,
        "de": 0,
    }
