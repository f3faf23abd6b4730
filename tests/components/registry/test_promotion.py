"""What is in production: the history, the ways back, and two runs at the same time."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from components.errors import ConfigError, DataError
from components.registry.base import champion_for, find
from components.registry.history import Entry
from components.registry.local import LocalRegistry
from components.registry.promotion import (
    Outcome,
    OvertakenError,
    add_and_promote,
    promote,
    rollback,
)
from pipelines.cli.models import app
from pipelines.results.served import sources_of
from tests.components.registry.test_crash import artefact


@pytest.fixture
def registry(tmp_path: Path) -> LocalRegistry:
    """Three versions that were put in production one after the other."""
    registry = LocalRegistry(tmp_path / "models")
    for word in ("a", "b", "c"):
        add_and_promote(registry, "ner", "champion", artefact(tmp_path, word))
    return registry


def retrain(registry: LocalRegistry, *arguments: str) -> str:
    result = CliRunner().invoke(
        app, [*arguments, "--registry", str(registry.folder)], catch_exceptions=False
    )
    assert result.exit_code == 0
    return result.stdout


def champion(registry: LocalRegistry) -> str:
    return registry.pointed("ner", "champion")


def test_each_rollback_goes_further_back(registry: LocalRegistry) -> None:
    assert champion(registry) == "3"
    for expected in ("2", "1"):
        rollback(registry, "ner", "champion")
        assert champion(registry) == expected
    with pytest.raises(ConfigError, match="version 1 of ner replaced no other version"):
        rollback(registry, "ner", "champion")


def test_what_was_withdrawn_returns_only_by_promote_which_says_so(registry: LocalRegistry) -> None:
    rollback(registry, "ner", "champion", by="ada")
    promote(registry, "ner", "1", "champion")
    rollback(registry, "ner", "champion", by="bob")
    assert champion(registry) == "2", "what version 1 replaced"
    text = retrain(registry, "promote", "ner", "3")
    assert "Version 3 was withdrawn by ada on 20" in text
    assert champion(registry) == "3"
    rollback(registry, "ner", "champion")
    assert champion(registry) == "2"
    # Bob withdrew version 1.
    with pytest.raises(ConfigError, match="nothing to roll back to"):
        rollback(registry, "ner", "champion")


def test_the_history_is_listed_and_nothing_in_it_changes(registry: LocalRegistry) -> None:
    folder = registry.folder / "ner" / "history"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    rollback(registry, "ner", "champion", by="ada")
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert before.items() <= after.items()
    history = json.loads(retrain(registry, "history", "ner", "--json"))
    assert [(one["kind"], one["version"], one["replaced"]) for one in history] == [
        ("promote", "1", ""),
        ("promote", "2", "1"),
        ("promote", "3", "2"),
        ("rollback", "2", "3"),
    ]
    assert (history[0]["by"], history[3]["by"]) == ("run run-a", "ada")
    assert len({one["id"] for one in history}) == 4
    assert "ada" in retrain(registry, "history", "ner")


def test_an_operation_of_the_same_id_changes_nothing(registry: LocalRegistry) -> None:
    for _ in range(2):
        assert "version 2" in retrain(registry, "rollback", "ner", "--operation", "incident-7")
    assert champion(registry) == "2"
    promote(registry, "ner", "1", "champion")
    retrain(registry, "rollback", "ner", "--operation", "incident-7")
    assert champion(registry) == "1"


def test_an_alias_that_was_moved_by_hand_stands(registry: LocalRegistry, tmp_path: Path) -> None:
    (registry.folder / "ner" / "aliases" / "champion").write_text("1\n", encoding="utf-8")
    _, outcome = add_and_promote(registry, "ner", "champion", artefact(tmp_path, "c"), "2")
    assert (outcome, champion(registry)) == ("withdrawn", "1")
    _, outcome = add_and_promote(registry, "ner", "champion", artefact(tmp_path, "d"), "1")
    assert outcome == "promoted"
    rollback(registry, "ner", "champion")
    assert champion(registry) == "1"


def test_a_registry_of_before_there_was_a_history_goes_back_too(
    registry: LocalRegistry, tmp_path: Path
) -> None:
    """Its versions say themselves what they replaced."""
    shutil.rmtree(registry.folder / "ner" / "history")
    for number in ("1", "2", "3"):
        path = registry.folder / "ner" / number / "lineage.json"
        lineage = json.loads(path.read_text(encoding="utf-8"))
        replaced = str(int(number) - 1) if number != "1" else ""
        lineage |= {"promoted": "2026-01-01T00:00:00+00:00", "replaced": replaced}
        path.write_text(json.dumps(lineage), encoding="utf-8")
    assert find(registry, "ner", "champion").lineage.replaced == "2"
    add_and_promote(registry, "ner", "champion", artefact(tmp_path, "d"), "3")
    for expected in ("3", "2", "1"):
        rollback(registry, "ner", "champion")
        assert champion(registry) == expected


def becomes_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def becomes_a_link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("nothing")


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"7"),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"three"),
        lambda path: path.write_bytes(b"\xff\xfe"),
        becomes_a_folder,
        becomes_a_link_to_nothing,
    ],
)
def test_an_alias_to_nothing_is_damage_that_promote_mends(
    registry: LocalRegistry, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    alias = registry.folder / "ner" / "aliases" / "champion"
    damage(alias)
    for use in (
        lambda: champion_for(registry, "ner", "champion", "data-d"),
        lambda: registry.versions("ner"),
        lambda: rollback(registry, "ner", "champion"),
        lambda: add_and_promote(registry, "ner", "champion", artefact(tmp_path, "d"), ""),
    ):
        with pytest.raises(DataError, match="retrain models promote ner VERSION") as error:
            use()
        assert error.value.exit_code == 3
    if alias.is_dir():
        with pytest.raises(DataError, match=r"champion is a folder\. Move it away"):
            promote(registry, "ner", "2", "champion")
        alias.rmdir()
    assert "champion of ner is version 2" in retrain(registry, "promote", "ner", "2")
    assert find(registry, "ner", "champion").number == "2"


def test_an_alias_that_is_gone_is_not_a_model_without_one(registry: LocalRegistry) -> None:
    (registry.folder / "ner" / "aliases" / "champion").unlink()
    with pytest.raises(DataError, match=r"'champion' is gone .* it pointed to version 3"):
        champion_for(registry, "ner", "champion", "data-d")
    promote(registry, "ner", "3", "champion")
    version = champion_for(registry, "ner", "champion", "data-d")
    assert version
    assert version.number == "3"


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_history_with_a_gap_is_damage(
    registry: LocalRegistry, tmp_path: Path, number: int
) -> None:
    folder = registry.folder / "ner" / "history"
    (folder / "000001 (copy).json").write_text("{}", encoding="utf-8")
    rollback(registry, "ner", "champion")
    kept = (folder / f"{number:06}.json").rename(tmp_path / "kept")
    for use in (
        lambda: registry.versions("ner"),
        lambda: promote(registry, "ner", "1", "champion"),
        lambda: rollback(registry, "ner", "champion"),
    ):
        with pytest.raises(DataError, match=f"00000{number}.json is missing"):
            use()
    kept.rename(folder / f"{number:06}.json")
    rollback(registry, "ner", "champion")
    assert champion(registry) == "1"


@pytest.mark.parametrize(
    "alias",
    ["a/b", "../1/lineage.json", "../../../evil", ".hidden", "candidate", "default", "c\n2", ""],
)
def test_an_alias_is_no_path(registry: LocalRegistry, tmp_path: Path, alias: str) -> None:
    before = sorted(tmp_path.rglob("*"))
    for use in (
        lambda: promote(registry, "ner", "1", alias),
        lambda: rollback(registry, "ner", alias),
        lambda: champion_for(registry, "ner", alias, "data-d"),
        lambda: retrain(registry, "promote", "ner", "1", "--alias", alias),
    ):
        with pytest.raises(ConfigError, match="is no alias") as error:
            use()
        assert error.value.exit_code == 2
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["../models/ner", "a/b", ".", "Ner"])
def test_a_model_is_no_path(registry: LocalRegistry, name: str) -> None:
    with pytest.raises(ConfigError, match="is no name of a model"):
        registry.versions(name)


@pytest.mark.parametrize("added", ["code.py", "ner/more", "link", "ner/model"])
def test_an_additional_file_refuses_before_anything_is_run(
    registry: LocalRegistry, tmp_path: Path, added: str
) -> None:
    version = find(registry, "ner", "champion")
    path = Path(version.uri) / added
    if added == "link":
        path.symlink_to(tmp_path)
    elif added == "ner/model":
        # The same bytes, but where somebody else can change them.
        path.symlink_to(path.rename(tmp_path / "elsewhere"))
    else:
        path.write_text("open('ran', 'w')", encoding="utf-8")
    for use in (
        lambda: registry.verify(version),
        lambda: promote(registry, "ner", "3", "champion"),
        lambda: registry.fetch(version, tmp_path / "pulled"),
        lambda: sources_of("ner", tmp_path / "runs", registry.folder),
    ):
        with pytest.raises(DataError, match=f"{added} was not uploaded with the model"):
            use()
    assert not (tmp_path / "pulled").exists()


def test_what_a_dead_process_left_is_swept_away(registry: LocalRegistry, tmp_path: Path) -> None:
    for place in ("aliases/.champion.1.tmp", "history/.000009.json.2.tmp", "3/.x.3.tmp"):
        (registry.folder / "ner" / place).write_text("half", encoding="utf-8")
    (registry.folder / "ner" / ".incoming").mkdir()
    (registry.folder / "ner" / "aliases" / "candidate").write_text("1\n", encoding="utf-8")
    registry.add("ner", artefact(tmp_path, "c"))
    left = [path.name for path in (registry.folder / "ner").rglob(".*")]
    assert left == [".lock"]
    assert registry.pointed("ner", "candidate") == "3"


class Turns(LocalRegistry):
    """A registry without a lock, as a bucket is, whose user waits for each step until it may."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.may, self.ready = threading.Semaphore(0), threading.Semaphore(0)
        self.seen: list[Any] = []
        self.inside = self.over = False
        self.outcome: Outcome | None = None

    @contextmanager
    def locked(self, _name: str) -> Iterator[None]:
        self.inside = True
        yield
        self.inside = False

    def step(self, work: Callable[[], Any]) -> Any:
        if self.inside:
            self.ready.release()
            self.may.acquire()
        result = work()
        if self.inside:
            brief = result if isinstance(result, str | bool | None) else [e.done for e in result]
            self.seen.append(brief)
        return result

    def history(self, name: str) -> list[Entry]:
        entries: list[Entry] = self.step(lambda: super(Turns, self).history(name))
        return entries

    def pointed(self, name: str, alias: str) -> str:
        number: str = self.step(lambda: super(Turns, self).pointed(name, alias))
        return number

    def record(self, name: str, entry: Entry) -> bool:
        recorded: bool = self.step(lambda: super(Turns, self).record(name, entry))
        return recorded

    def point(self, name: str, alias: str, number: str) -> None:
        self.step(lambda: super(Turns, self).point(name, alias, number))

    def finish(self, name: str, number: int) -> None:
        self.step(lambda: super(Turns, self).finish(name, number))

    def promote(self, number: str, expected: str | None) -> None:
        try:
            promote(self, "ner", number, "champion", expected=expected, operation_id=number)
            self.outcome = "promoted"
        except OvertakenError:
            self.outcome = "overtaken"
        finally:
            self.over = True
            self.ready.release()


def interleaved(
    folder: Path, expected: str | None, choices: Sequence[int]
) -> tuple[list[tuple[str, int, bool]], list[Turns]]:
    """Let two processes promote versions 1 and 2, choosing who does each step; then the first.

    Returns:
        of each step the state before it, who did it, and whether the other one could have; and
        the two.
    """
    both = [Turns(folder), Turns(folder)]
    threads = [
        threading.Thread(target=turns.promote, args=(number, expected))
        for turns, number in zip(both, "12", strict=True)
    ]
    for thread, turns in zip(threads, both, strict=True):
        thread.start()
        turns.ready.acquire()
    steps: list[tuple[str, int, bool]] = []
    while waiting := [at for at, turns in enumerate(both) if not turns.over]:
        at = choices[len(steps)] if len(steps) < len(choices) else waiting[0]
        files = sorted((folder / "ner").glob("[ah]*/*"))
        content = [
            (path.name, path.read_bytes() if path.parent.name[0] == "a" else b"") for path in files
        ]
        state = repr((content, [(each.seen, each.over) for each in both]))
        steps.append((state, at, len(waiting) == 2))
        both[at].may.release()
        both[at].ready.acquire()
    for thread in threads:
        thread.join()
    return steps, both


def test_two_promotions_in_every_interleaving(
    registry: LocalRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both compared with version 3: one takes its place, and the other one is told."""
    monkeypatch.setattr("components.registry.durable.flush", lambda _path: None)
    before = shutil.copytree(registry.folder / "ner" / "history", tmp_path / "history")
    seen: set[str] = set()
    ends = set()
    todo: list[list[int]] = [[]]
    while todo:
        choices = todo.pop()
        shutil.rmtree(registry.folder / "ner" / "history")
        shutil.copytree(before, registry.folder / "ner" / "history")
        registry.point("ner", "champion", "3")
        steps, both = interleaved(registry.folder, "3", choices)
        outcomes = [turns.outcome for turns in both]
        assert sorted(map(str, outcomes)) == ["overtaken", "promoted"]
        [entry] = registry.history("ner")[3:]
        assert (entry.operation.replaced, entry.done) == ("3", True)
        assert entry.operation.version == str(outcomes.index("promoted") + 1) == champion(registry)
        ends.add(entry.operation.version)
        for number in range(len(choices), len(steps)):
            state, at, both_waited = steps[number]
            if state in seen:
                break
            seen.add(state)
            if both_waited:
                todo.append([*(step[1] for step in steps[:number]), 1 - at])
    assert ends == {"1", "2"}
    assert len(seen) > 50
