"""Whether weights tell upper from lower case is read from their tokeniser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.train.local_weights import BASE_MODELS_VARIABLE, UNCASED, case_of, is_cased
from tests.support.tiny_roberta import write_roberta


@pytest.mark.parametrize(
    ("settings", "lowers", "cased"),
    [
        ({"do_lower_case": True}, None, False),
        ({"do_lower_case": False}, True, True),  # as transformers reads them
        ({}, True, False),
        ({}, False, True),
        ({}, None, None),
        (None, True, False),
        (None, None, None),
    ],
)
def test_the_tokenisers_own_settings_say_it(
    tmp_path: Path, settings: dict[str, Any] | None, lowers: bool | None, cased: bool | None
) -> None:
    from tokenizers import Tokenizer, models, normalizers  # type: ignore[import-untyped]

    if settings is not None:
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    if lowers is not None:
        tokenizer = Tokenizer(models.WordLevel({"a": 0}, unk_token="a"))
        if lowers:
            both = [normalizers.NFKC(), normalizers.Lowercase()]
            tokenizer.normalizer = normalizers.Sequence(both)
        tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert is_cased(tmp_path) is cased


def test_weights_are_looked_up_where_training_finds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert case_of("sentence-transformers/all-MiniLM-L6-v2") == UNCASED
    assert case_of("roberta-base") == ""  # not on this machine
    write_roberta(tmp_path / "roberta-base")
    monkeypatch.setenv(BASE_MODELS_VARIABLE, str(tmp_path))
    assert case_of("roberta-base") == "cased"
