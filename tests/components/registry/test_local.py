"""The registry in a folder: versions, aliases, and what holds when something goes wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
import spacy

from components.errors import ConfigError, DataError
from components.registry.base import Artefact, champion_for, find
from components.registry.local import LocalRegistry
from components.registry.promotion import add_and_promote, promote, rollback

MakeArtefact = Callable[..., Artefact]


@pytest.fixture
def registry(tmp_path: Path) -> LocalRegistry:
    return LocalRegistry(tmp_path / "models")


def test_a_version_is_a_model_that_loads_with_its_documents(
    registry: LocalRegistry, artefact: MakeArtefact
) -> None:
    version = registry.add("ner", artefact("pound"))

    assert version.number == "1"
    assert version.aliases == ("candidate",)
    assert [ent.label_ for ent in spacy.load(version.uri)("one pound").ents] == ["MONEY"]
    folder = registry.folder / "ner" / "1"
    assert sorted(path.name for path in folder.iterdir()) == [
        "lineage.json",
        "manifest.json",
        "model",
        "report.html",
    ]
    assert version.lineage.scores["overall"]["f"] == 0.847
    assert version.lineage.packages["spacy"] == metadata.version("spacy")
    assert len(version.lineage.config_digest) == 64


def test_the_same_model_again_finds_its_version(
    registry: LocalRegistry, artefact: MakeArtefact
) -> None:
    first = registry.add("ner", artefact("pound"))
    assert registry.add("ner", artefact("pound")) == first
    assert registry.add("ner", artefact("euro")).number == "2"


def test_numbers_are_in_order_beyond_nine(registry: LocalRegistry, artefact: MakeArtefact) -> None:
    for word in range(11):
        registry.add("ner", artefact(f"word{word}"))
    assert [version.number for version in registry.versions("ner")] == [
        str(number) for number in range(1, 12)
    ]


def test_a_promotion_moves_the_alias_and_records_what_it_replaced(
    registry: LocalRegistry, artefact: MakeArtefact
) -> None:
    add_and_promote(registry, "ner", "champion", artefact("pound"))
    version, _ = add_and_promote(registry, "ner", "champion", artefact("euro"))

    assert version.aliases == ("candidate", "champion")
    assert version.lineage.replaced == "1"
    assert version.lineage.promoted
    assert find(registry, "ner", "1").aliases == ()
    alias = registry.folder / "ner" / "aliases" / "champion"
    assert alias.read_text(encoding="utf-8").strip() == "2"


def test_a_model_that_is_held_back_is_kept_and_not_promoted(
    registry: LocalRegistry, artefact: MakeArtefact
) -> None:
    add_and_promote(registry, "ner", "champion", artefact("pound"))
    version, _ = add_and_promote(registry, "ner", "champion", artefact("euro", decision="hold"))

    assert version.number == "2"
    assert find(registry, "ner", "champion").number == "1"
    assert version.lineage.promoted == ""


def test_a_repeated_run_does_not_undo_a_rollback(
    registry: LocalRegistry, artefact: MakeArtefact
) -> None:
    add_and_promote(registry, "ner", "champion", artefact("pound"))
    add_and_promote(registry, "ner", "champion", artefact("euro"))
    withdrawn, restored = rollback(registry, "ner", "champion")
    assert (withdrawn.number, restored.number) == ("2", "1")

    add_and_promote(registry, "ner", "champion", artefact("euro"))

    assert find(registry, "ner", "champion").number == "1"


def test_a_first_version_cannot_be_rolled_back(
    registry: LocalRegistry, artefact: MakeArtefact
) -> None:
    add_and_promote(registry, "ner", "champion", artefact("pound"))
    with pytest.raises(ConfigError, match="version 1 of ner replaced no other version"):
        rollback(registry, "ner", "champion")


def test_a_version_is_found_by_number_alias_and_run(
    registry: LocalRegistry, artefact: MakeArtefact
) -> None:
    add_and_promote(registry, "ner", "champion", artefact("pound"))
    add_and_promote(registry, "ner", "champion", artefact("euro", decision="hold"))

    numbers = [find(registry, "ner", name).number for name in ("2", "champion", "run-euro")]
    assert numbers == ["2", "1", "2"]
    with pytest.raises(ConfigError, match="versions 1, 2 and the aliases candidate, champion"):
        find(registry, "ner", "3")
    with pytest.raises(ConfigError, match="there is no model 'textcat'; there is ner"):
        find(registry, "textcat", "1")


def test_a_champion_stands_aside_for_a_run_on_its_own_data(
    registry: LocalRegistry, artefact: MakeArtefact
) -> None:
    assert champion_for(registry, "ner", "champion", "data-pound") is None
    add_and_promote(registry, "ner", "champion", artefact("pound"))
    assert champion_for(registry, "ner", "champion", "data-pound") is None
    add_and_promote(registry, "ner", "champion", artefact("euro"))

    def to_beat(digest: str) -> str:
        version = champion_for(registry, "ner", "champion", digest)
        return version.number if version else ""

    assert to_beat("data-euro") == "1"
    assert to_beat("data-dollar") == "2"


def test_a_champion_stands_aside_past_a_second_model_of_the_same_data(
    registry: LocalRegistry, artefact: MakeArtefact
) -> None:
    for word, digest in [("pound", "old"), ("euro", "new"), ("dollar", "new")]:
        add_and_promote(registry, "ner", "champion", artefact(word, digest=digest))
    to_beat = champion_for(registry, "ner", "champion", "new")
    assert to_beat and to_beat.number == "1"


def test_damage_is_found(registry: LocalRegistry, artefact: MakeArtefact, tmp_path: Path) -> None:
    version = registry.add("ner", artefact("pound"))
    registry.verify(version)
    damaged = Path(version.uri) / "meta.json"
    damaged.write_text("{}", encoding="utf-8")

    for use in (
        lambda: registry.verify(version),
        lambda: promote(registry, "ner", "1", "champion"),
        lambda: registry.fetch(version, tmp_path / "pulled"),
    ):
        with pytest.raises(DataError, match=r"meta\.json is not what was uploaded"):
            use()
    assert not (tmp_path / "pulled").exists()
    damaged.unlink()
    with pytest.raises(DataError, match=r"meta\.json is missing"):
        registry.verify(version)


def test_a_lineage_that_cannot_be_read_is_named(
    registry: LocalRegistry, artefact: MakeArtefact
) -> None:
    registry.add("ner", artefact("pound"))
    (registry.folder / "ner" / "1" / "lineage.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"ner/1/lineage\.json cannot be read"):
        registry.versions("ner")


def test_a_fetched_model_loads(
    registry: LocalRegistry, artefact: MakeArtefact, tmp_path: Path
) -> None:
    version = registry.add("ner", artefact("pound"))
    registry.fetch(version, tmp_path / "pulled")
    assert spacy.load(tmp_path / "pulled")("one pound").ents


# A process of its own that takes in one model.
UPLOAD = """
import sys
from pathlib import Path
from components.registry.base import Artefact
from components.registry.lineage import trace
from components.registry.local import LocalRegistry
from components.registry.promotion import add_and_promote

model, scores, folder = map(Path, sys.argv[1:])
digest = f"data of {model.name}"
lineage = trace(model, scores, decision="promote", digest=digest, run="run")
add_and_promote(LocalRegistry(folder), "ner", "champion", Artefact(model, {}, lineage))
"""


def start_upload(model: Path, scores: Path, registry: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", UPLOAD, model, scores, registry])


def test_uploads_at_the_same_time_get_their_own_numbers(
    registry: LocalRegistry, artefact: MakeArtefact, outputs: dict[str, Path]
) -> None:
    # Each model twice: four processes, two versions.
    models = [artefact(word).model for word in ("pound", "euro")] * 2
    uploads = [start_upload(model, outputs["scores"], registry.folder) for model in models]

    assert [upload.wait() for upload in uploads] == [0] * 4
    versions = registry.versions("ner")
    assert [version.number for version in versions] == ["1", "2"]
    for version in versions:
        registry.verify(version)
    # Whichever was promoted last, and each of them once.
    champion = find(registry, "ner", "champion")
    (other,) = (version for version in versions if version.number != champion.number)
    assert (champion.lineage.replaced, other.lineage.replaced) == (other.number, "")
