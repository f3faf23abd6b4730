"""Config text: YAML 1.2 as it is written down, and every fault of it as one message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.config.yaml_text import YamlFaultError, parse_yaml, spell

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            "[NO, on, y, 12:30, 1_000, 2025-02-30]",
            ["NO", "on", "y", "12:30", "1_000", "2025-02-30"],
        ),
        ("[null, NULL, ~, '']", [None, None, None, ""]),
        ("[true, False, 'true', tRUE]", [True, False, "true", "tRUE"]),
        ("[1e-4, 3, -2, .5, 0x1F, 0o17, 011]", [1e-4, 3, -2, 0.5, 31, 15, 11]),
        ("{1: a, NO: b, true: c}", {"1": "a", "NO": "b", "true": "c"}),
        ("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
        ("!!str 5", "5"),
        ("\ufeffa: 1", {"a": 1}),
        ("", None),
    ],
)
def test_scalars_are_yaml_1_2(text: str, value: object) -> None:
    assert parse_yaml(text)[0] == value


@pytest.mark.parametrize(
    ("text", "line", "column", "detail"),
    [
        ("a: 1\nb: \x7f", 2, 4, "U+007F"),
        ("a: &d\n  b: *d", 2, 6, "stands inside what &d names"),
        ("a: *d", 1, 4, "no &d stands above it"),
        ("? [a, b]\n: 1", 1, 3, "a key must be a text"),
        ("a: {{$}}", 1, 5, "a key must be a text"),
        ("a: 1\na: 2", 2, 1, "a: written twice, first on line 1"),
        ("a: " + "[" * 60 + "]" * 60, 1, 54, "more than 50 levels"),
        (BOMB, 5, 45, "more than 100,000 values"),
        ("a: " + "9" * 5000, 1, 4, "a number of 5,000 characters"),
        ("a: 1e999", 1, 4, "too large a number"),
        ("a: .nan", 1, 4, "no number that a setting can have"),
        ("a: !!python/object:os.system x", 1, 4, "the tag"),
        ("a: !!python/object/apply:os.system [x]", 1, 4, "the tag"),
        ("a: !!set {x}", 1, 4, "the tag"),
        ('a: ["\\ud800"]', 1, 5, "half a character, U+D800"),
        ('"\\udfff": 1', 1, 1, "half a character, U+DFFF"),
        ("a: [", 1, 5, "not valid YAML"),
        ("a: 'b", 1, 6, "not valid YAML"),
        ("a: 1\n--- \nb: 2", 2, 1, "a second document"),
    ],
)
def test_a_fault_has_its_line_and_column(text: str, line: int, column: int, detail: str) -> None:
    with pytest.raises(YamlFaultError) as caught:
        parse_yaml(text)
    assert detail in caught.value.detail
    assert (caught.value.line, caught.value.column) == (line, column)


def test_a_change_of_what_an_alias_repeats_does_not_reach_its_anchor() -> None:
    data, _ = parse_yaml("a: &x {b: 1}\nc: *x")
    data["c"]["b"] = 2
    assert data["a"] == {"b": 1}


@pytest.mark.parametrize("text", ["NULL", "True", "NO", "~", "1e5", "a: b", "x #y", "\x7f", "😀"])
def test_what_is_spelt_reads_back(text: str) -> None:
    assert parse_yaml(f"- {spell(text)}  # said")[0] == [text]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_that_is_spelt_reads_back(text: str) -> None:
    assert parse_yaml(f"[{spell(text)}]")[0] == [text]
