"""Names that a registry accepts."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from components.registry.settings import ModelSettings


def test_the_alias_is_champion_unless_named() -> None:
    assert ModelSettings(name="ner-phase-1").alias == "champion"


@pytest.mark.parametrize("alias", ["candidate", "default", "2", "", "Champion", "a/b"])
def test_an_alias_that_the_registry_cannot_have_is_refused(alias: str) -> None:
    with pytest.raises(ValidationError, match="alias"):
        ModelSettings(name="ner", alias=alias)


@pytest.mark.parametrize("name", ["", "../ner", "NER", ".incoming", "a b"])
def test_a_name_that_is_no_folder_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        ModelSettings(name=name)
