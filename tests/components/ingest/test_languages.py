"""From annotations in several scripts to a model that marks the entity, and not its clause."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy

from components.__main__ import main
from components.records.record import write_records
from components.records.scripts import count_scripts, language_of
from pipelines.config.shipped import shipped_config
from tests.components.ingest.exports import Ingested
from tests.support.records import ner_tasks

# Language, tokeniser, clauses around a name, names. Where spaCy's own tokeniser needs a package,
# that of Chinese takes each character for a token.
SAMPLES = {
    "zh": (
        "zh",
        ["{}昨天在公司工作。", "我们今天见到了{}先生。"],
        ["王小明", "李华", "赵丽娟", "陈志强"],
    ),
    "ja": (
        "zh",
        ["昨日{}さんが会社に来ました。", "これは{}の本です。"],
        ["山田太郎", "佐藤", "鈴木花子", "高橋"],
    ),
    "th": ("zh", ["เมื่อวาน{}ไปทำงาน", "เราพบ{}ที่ตลาด"], ["สมชาย", "มาลี", "วิชัย", "สุดา"]),
    "ar": (
        "ar",
        ["ذهب {} إلى العمل اليوم.", "رأينا {} في السوق."],
        ["محمد علي", "ليلى", "سمير", "نور"],
    ),
    "de": (
        "de",
        ["Gestern kam {} ins Büro.", "Wir trafen {} am Markt."],
        ["Jürgen Groß", "Änne", "Uwe"],
    ),
}


def rows(clauses: list[str], names: list[str]) -> list[str]:
    lines = []
    for number in range(48):
        clause, name = clauses[number % len(clauses)], names[number % len(names)]
        before = clause.index("{}")
        text = f"{clause.format(name)} {number}"
        span = {"start": before, "end": before + len(name), "label": "PERSON"}
        lines.append(json.dumps({"text": text, "spans": [span], "answer": "accept"}))
    return lines


@pytest.mark.parametrize("script", SAMPLES)
def test_a_model_learns_the_entity(
    script: str, write: Callable[..., str], ingest: Callable[..., Ingested], tmp_path: Path
) -> None:
    language, clauses, names = SAMPLES[script]
    done = ingest(write(rows(clauses, names)), labels=["PERSON"], language=language, max_moved=0)
    assert done.code == 0
    sets = {"train": done.records[:38], "dev": done.records[38:], "test": []}
    for name, records in sets.items():
        write_records(tmp_path / f"{name}.jsonl", records)
    paths = {
        f"--{name}-{what}": str(tmp_path / f"{name}{end}")
        for name in sets
        for what, end in (("set", ".jsonl"), ("corpus", ""))
    }
    tasks = ["--tasks", ner_tasks(["PERSON"])]
    options = {
        **paths,
        "--convert-report": str(tmp_path / "report"),
        "--settings": json.dumps({"language": language}),
    }
    assert main(["convert", *tasks, *(word for pair in options.items() for word in pair)]) == 0
    length = {"training.max_steps": 60, "training.eval_frequency": 30, "nlp.lang": language}
    options = {
        "--train-corpus": str(tmp_path / "train"),
        "--dev-corpus": str(tmp_path / "dev"),
        "--config": shipped_config("cnn").read_text(encoding="utf-8"),
        "--overrides": json.dumps(length),
        "--model": str(tmp_path / "model"),
        "--log": str(tmp_path / "log"),
    }
    assert main(["train", *tasks, *(word for pair in options.items() for word in pair)]) == 0
    doc = spacy.load(tmp_path / "model")(clauses[0].format(names[1]))
    assert [(ent.text, ent.label_) for ent in doc.ents] == [(names[1], "PERSON")]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (SAMPLES["zh"][1][0], "zh"),
        (SAMPLES["ja"][1][0], "ja"),
        (SAMPLES["th"][1][0], "th"),
        (SAMPLES["ar"][1][0], "ar"),
        ("שלום עולם", "he"),
        ("Она ушла домой", "ru"),
        (SAMPLES["de"][1][0], "en"),
        ("We met 王小明 at the market", "en"),
        ("12 345", "en"),
    ],
)
def test_a_script_tells_the_language(text: str, language: str) -> None:
    assert language_of(count_scripts(text)) == language
