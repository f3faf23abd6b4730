"""The scripts of texts: which languages they may be, and which put no spaces between words."""

from __future__ import annotations

import re
from collections import Counter

# Ranges of letters, by script. Han stands in Chinese and in Japanese, kana in Japanese alone.
SCRIPTS = {
    "han": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f",
    "kana": "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9d",
    "thai": "\u0e00-\u0e7f",
    "lao": "\u0e80-\u0eff",
    "khmer": "\u1780-\u17ff",
    "myanmar": "\u1000-\u109f",
    "hangul": "\uac00-\ud7af\u1100-\u11ff\u3130-\u318f",
    "arabic": "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefe",
    "hebrew": "\u0590-\u05ff",
    "cyrillic": "\u0400-\u04ff",
    "greek": "\u0370-\u03ff",
    "devanagari": "\u0900-\u097f",
    "latin": "A-Za-z\u00c0-\u024f",
}
LETTERS = {script: re.compile(f"[{letters}]") for script, letters in SCRIPTS.items()}
# The language that a script is most often of; Latin is of many. Of Lao, Khmer and Burmese spaCy has
# no tokeniser, and that of Chinese takes each character alone.
LANGUAGES = {
    "han": "zh",
    "kana": "ja",
    "thai": "th",
    "hangul": "ko",
    "arabic": "ar",
    "hebrew": "he",
    "cyrillic": "ru",
    "greek": "el",
    "devanagari": "hi",
    "lao": "zh",
    "khmer": "zh",
    "myanmar": "zh",
}
# Languages whose tokeniser of spaCy's needs no spaces.
UNSPACED = ("zh", "ja", "th")
PACKAGES = {"ja": "spacy[ja]", "th": "spacy[th]", "ko": "spacy[ko]"}
MUCH_KANA = 0.05  # of the letters: Chinese has none, Japanese a half
WITHOUT_SPACES = ("han", "kana", "thai", "lao", "khmer", "myanmar")
SPACELESS = re.compile(f"[{''.join(SCRIPTS[script] for script in WITHOUT_SPACES)}]")
# Their punctuation, too, stands without spaces around it.
WIDE = re.compile(f"[{SPACELESS.pattern[1:-1]}\u3000-\u303f\uff01-\uff65]")


def part_without_space(left: str, right: str) -> bool:
    """Whether two characters of neighbouring words stand side by side."""
    return WIDE.match(left) is not None and WIDE.match(right) is not None


def count_scripts(text: str) -> Counter[str]:
    """Letters of each script."""
    counts = {script: len(letters.findall(text)) for script, letters in LETTERS.items()}
    return +Counter(counts)


def without_spaces(text: str) -> bool:
    """Whether most letters of a text are of a script without spaces between words."""
    if text.isascii():
        return False
    letters = count_scripts(text)
    return 2 * sum(letters[script] for script in WITHOUT_SPACES) > letters.total()


def language_of_script(scripts: Counter[str]) -> str | None:
    """The language that most letters tell; None where they are Latin, or of no script known."""
    asian = scripts["han"] + scripts["kana"]
    if asian and scripts["kana"] >= MUCH_KANA * asian and 2 * asian > scripts.total():
        return "ja"
    most = max(scripts, key=lambda script: scripts[script], default="latin")
    return LANGUAGES.get(most)
