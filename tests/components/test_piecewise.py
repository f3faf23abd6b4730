"""A tokeniser in pieces gives spaCy's tokens, and no piece keeps it for long."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc

from components.convert.alignment import borders
from components.custom_code import load_model
from components.piecewise import LONGEST_WORD, MOST_WORK, Piecewise, at_once, pieces, piecewise
from components.tokeniser import tokenise

HOSTILE = (
    "[",
    "'s",
    "'s's'",
    ")(",
    ".",
    ".)",
    "…",
    "-",
    "a-",
    "a/b/",
    "http://a.b/",
    "a:",
    "a@",
    "😀",
    "a\u0301",
    "\u200b",
    "1+",
    "5km",
    "°C.",
    "漢",
    "字。",
)
WORDS = ("don't", "U.S.", "(e.g.", "EE.", "UU.", "a.m.", "l'été", "10km", "www.a.de/b?c=d", "x--y")
SPACES = (" ", "  ", "\n", "\t ", " \n", "\u00a0", "\u2003")


def facts(doc: Doc) -> list[tuple[Any, ...]]:
    return [(token.idx, token.text, token.whitespace_, token.norm_) for token in doc]


def text_of(dice: random.Random, words: int) -> str:
    """Words of up to as many characters as may stay whole, and of white space between them."""
    return "".join(
        dice.choice(
            [
                dice.choice(WORDS),
                (dice.choice(HOSTILE) * LONGEST_WORD)[: dice.randint(1, LONGEST_WORD)],
            ]
        )
        + dice.choice(SPACES)
        for _ in range(words)
    )


@pytest.mark.parametrize("language", ["en", "es", "fr", "de", "xx"])
def test_the_tokens_are_spacys(language: str) -> None:
    dice = random.Random(language)
    nlp = spacy.blank(language)
    mine = piecewise(nlp.tokenizer)
    cut = 0
    for words in (0, 1, 2, 5, 50):
        text = text_of(dice, words)
        cut += len(list(pieces(text))) - 1
        assert "".join(pieces(text)) == text
        assert facts(mine(text)) == facts(nlp.tokenizer(text))  # type: ignore[operator]
    assert cut > 2


@pytest.mark.parametrize("sign", HOSTILE)
def test_a_long_word_is_cut(sign: str) -> None:
    nlp = spacy.blank("en")
    mine = piecewise(nlp.tokenizer)
    word = (sign * 20_000)[:20_000]  # the tokeniser by itself takes half a minute for some
    text = f"It's {word} isn't\n it"
    doc = mine(text)
    assert doc.text == text
    assert [t.text for t in doc][:2] == ["It", "'s"]
    assert [(t.text, t.norm_) for t in doc][-4:] == [
        ("is", "is"),
        ("n't", "not"),
        ("\n ", "\n "),
        ("it", "it"),
    ]
    assert max(len(token) for token in doc) <= LONGEST_WORD


@pytest.mark.parametrize("word", ["[" * 20_000, "'s" * 2_000, "[" * 299, "ab-" * 60, "a" * 70])
def test_no_piece_is_much_work(word: str) -> None:
    text = f"{word} " * 50
    work = [sum(len(word) ** 2 for word in piece.split()) for piece in pieces(text)]
    assert len(work) > 1 or at_once(text)
    assert max(work) <= MOST_WORK


def test_where_a_word_is_cut_depends_on_the_word_alone() -> None:
    word = "ab[" * 600
    text = f"{'x' * 700} {'[' * 400} {word}"
    at = text.index(word)
    alone = {at + edge for edge in borders(word, "en")}
    assert alone == {edge for edge in borders(text, "en") if edge >= at}
    assert tokenise(text, "en")[-1][1] == len(text)


def test_what_is_saved_is_spacys(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.to_disk(tmp_path / "stock")
    loaded = load_model(tmp_path / "stock")
    assert isinstance(loaded.tokenizer, Piecewise)
    assert loaded("[" * 5_000).text == "[" * 5_000
    loaded.to_disk(tmp_path / "again")
    for file in (tmp_path / "stock").rglob("*"):
        if file.is_file() and file.name != "strings.json":
            assert (tmp_path / "again" / file.relative_to(tmp_path / "stock")).read_bytes() == (
                file.read_bytes()
            )


def test_other_tokenisers_are_left_alone() -> None:
    """Chinese has no spaces: a sentence is a word here."""
    for language in ("zh", "th") if spacy.util.is_package("pythainlp") else ("zh",):
        tokeniser = spacy.blank(language).tokenizer
        assert piecewise(tokeniser) is tokeniser
    mine = piecewise(spacy.blank("en").tokenizer)
    assert piecewise(mine) is mine
