"""One sentence about a phase, true of a registry on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy

from components.registry.base import Artefact
from components.registry.lineage import Lineage
from components.registry.local import LocalRegistry
from components.registry.outcome import End, InProduction, ask, sentence
from components.registry.promotion import promote, rollback


@pytest.fixture
def registry(tmp_path: Path) -> LocalRegistry:
    """Two versions, of which the second was promoted by run-2."""
    registry = LocalRegistry(tmp_path / "models")
    for number in ("1", "2"):
        model = tmp_path / f"model-{number}"
        nlp = spacy.blank("en")
        nlp.meta["name"] = f"n{number}"
        nlp.to_disk(model)
        lineage = Lineage(
            digest=number, run=f"run-{number}", created="now", decision="promote", scores={}
        )
        registry.add("ner", Artefact(model, {}, lineage))
        promote(registry, "ner", number, "champion", by=f"run run-{number}")
    return registry


def test_what_is_in_production_and_who_put_it_there(registry: LocalRegistry) -> None:
    location = str(registry.folder)
    assert ask(location, "ner", "champion") == InProduction("2", "run run-2")
    rollback(registry, "ner", "champion", by="me@here")
    assert ask(location, "ner", "champion") == InProduction("1", "me@here")
    assert ask(location, "other", "champion") == InProduction("")
    (registry.folder / "ner/aliases/champion").write_text("9\n", encoding="utf-8")
    damaged = ask(location, "ner", "champion")
    assert damaged.version is None
    assert "names version 9, which is not there" in damaged.unknown


TWO, NONE = InProduction("2", "run run-2"), InProduction("")
UNKNOWN = InProduction(None, unknown="it does not answer.")


@pytest.mark.parametrize(
    ("end", "production", "more", "said"),
    [
        ("promoted", InProduction("3"), {"version": "3"}, "promoted to version 3"),
        (
            "promoted",
            TWO,
            {"version": "3"},
            "promoted to version 3, since then production is version 2",
        ),
        ("held", TWO, {"version": "3"}, "held as version 3, production stays version 2"),
        ("held", NONE, {"version": "1"}, "held as version 1, nothing is in production"),
        ("not-kept", TWO, {}, "held and not kept, production stays version 2"),
        (
            "in-production",
            TWO,
            {"version": "2", "since": "R"},
            "nothing changed since run R: production stays version 2",
        ),
        (
            "held",
            TWO,
            {"version": "3", "since": "R"},
            "nothing changed since run R; held again: production stays version 2",
        ),
        ("waits", TWO, {}, "not trained, nothing is due: production stays version 2"),
        ("failed", TWO, {"stage": "train"}, "failed in train, production unchanged: version 2"),
        (
            "failed",
            NONE,
            {"stage": "ingest"},
            "failed in ingest, production unchanged: nothing is in production",
        ),
        ("stopped", TWO, {"stage": "train"}, "stopped in train, production unchanged: version 2"),
        (
            "failed",
            UNKNOWN,
            {"stage": "train"},
            "failed in train, what is in production is not known (it does not answer)",
        ),
        (
            "failed",
            TWO,
            {"stage": "upload", "run": "run-2"},
            "failed in upload, after it was promoted: production is version 2",
        ),
    ],
)
def test_the_sentence(end: End, production: InProduction, more: dict[str, str], said: str) -> None:
    assert sentence(end, production, **{"run": "run-9", **more}) == said
