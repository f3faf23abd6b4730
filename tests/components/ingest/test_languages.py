"""Script and commonest words tell the language; whole runs are in tests/e2e/test_languages.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.__main__ import main
from components.records.languages import contradicts, count_common, language_of
from components.records.record import read_records
from components.records.scripts import count_scripts
from tests.components.ingest.exports import OUTPUTS
from tests.support.records import ner_tasks


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("昨天在公司工作。", "zh"),
        ("昨日会社に来ました。", "ja"),
        ("เราพบที่ตลาด", "th"),
        # spaCy has none of their own: each character is a token, as in Chinese.
        ("ຂ້ອຍໄປເຮັດວຽກ", "zh"),
        ("ខ្ញុំទៅធ្វើការ", "zh"),
        ("ကျွန်တော်အလုပ်သွားတယ်", "zh"),
        ("رأينا في السوق.", "ar"),
        ("שלום עולם", "he"),
        ("Она ушла домой", "ru"),
        ("We met 王小明 at the market", "en"),
        ("I was on the phone and you said that it is not from my bank.", "en"),
        ("Gestern kam niemand ins Büro, und der Brief ist auch nicht da.", "de"),
        ("Hun blev efter mødet på kontoret, og det var ikke til at forstå.", "da"),
        ("Hun ble etter møtet på kontoret, og det var ikke til å forstå.", "nb"),
        ("Hon blev kvar efter mötet, och det var inte så lätt att förstå.", "sv"),
        ("Ze bleef na de vergadering, en het was niet goed te begrijpen.", "nl"),
        ("Ontem a carta não chegou ao escritório, mas o diretor não se queixou.", "pt"),
        ("La carta no llegó a la oficina, y el director no se quejó por ello.", "es"),
        ("La lettera non è arrivata in ufficio, ma il direttore non si lamenta.", "it"),
        ("La lettre est arrivée dans le bureau, et le directeur ne la lit pas.", "fr"),
        ("Scrisoarea nu a ajuns la birou, și directorul nu mai este din oraș.", "ro"),
        ("List nie jest w biurze, ale dyrektor się na to nie skarży.", "pl"),
        ("Levél nem jött, és a főnök azt mondta, hogy már nem is vár.", "hu"),
        # Names and numbers alone say nothing.
        ("Apple Pay: Straße 12, Müller GmbH", ""),
        ("12 345", ""),
    ],
)
def test_script_and_words_tell_the_language(text: str, language: str) -> None:
    assert language_of(count_scripts(text), count_common(text)) == language


@pytest.mark.parametrize(
    ("read", "language", "expected"),
    [
        ("da", "en", True),
        ("ru", "en", True),
        ("de", "ja", True),
        ("da", "da", False),
        ("", "en", False),
        ("en", "xx", False),
        ("ja", "zh", False),  # as the documentation advises
        ("ru", "uk", False),
        ("cs", "sk", False),
    ],
)
def test_texts_contradict_a_language_only_where_both_are_known(
    read: str, language: str, expected: bool
) -> None:
    assert contradicts(read, language) is expected


def test_a_source_says_the_language_of_records_that_say_none(tmp_path: Path) -> None:
    def rows(name: str, *each: tuple[str, dict[str, str]]) -> str:
        path = tmp_path / name
        lines = [
            json.dumps({"text": text, "meta": meta, "answer": "accept",
                        "spans": [{"start": 0, "end": 4, "label": "PERSON"}]})
            for text, meta in each
        ]  # fmt: skip
        path.write_text("\n".join(lines), encoding="utf-8")
        return str(path)

    danish = rows("da.jsonl", ("Åses brev er her.", {}), ("Emma kam nicht.", {"lang": "de"}))
    other = rows("any.jsonl", ("Emil did not come.", {}))
    outputs = {name: str(tmp_path / name) for name in OUTPUTS}
    sources = [{"path": danish, "language": "da"}, {"path": other}]
    arguments = {
        "sources": json.dumps(sources),
        "tasks": ner_tasks(["PERSON"]),
        "settings": json.dumps({"required": []}),
        "store": str(tmp_path / "store"),
        **outputs,
    }
    assert main(["ingest", *(f"--{key}={value}" for key, value in arguments.items())]) == 0
    [kept] = (tmp_path / "store").glob("*/annotations.jsonl")
    said = {record.text: record.meta.get("lang") for record in read_records(kept)}
    assert said == {
        "Åses brev er her.": "da",
        "Emma kam nicht.": "de",
        "Emil did not come.": None,
    }
