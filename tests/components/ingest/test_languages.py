"""A script tells the language. Whole runs on several scripts are in tests/e2e/test_languages.py."""

from __future__ import annotations

import pytest

from components.records.scripts import count_scripts, language_of


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
        ("Gestern kam niemand ins Büro.", "en"),
        ("We met 王小明 at the market", "en"),
        ("12 345", "en"),
    ],
)
def test_a_script_tells_the_language(text: str, language: str) -> None:
    assert language_of(count_scripts(text)) == language
