"""Script and commonest words tell the language; whole runs are in tests/e2e/test_languages.py."""

from __future__ import annotations

import pytest

from components.records.languages import count_common, language_of
from components.records.scripts import count_scripts


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
