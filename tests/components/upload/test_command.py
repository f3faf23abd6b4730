"""`register` and `champion`, by hand: what `upload` and `ingest` do with the registry."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.__main__ import main
from components.digests import content_digest
from components.due.decide import Input, decide
from components.registry.base import find
from components.registry.local import LocalRegistry
from components.registry.model_metadata import flat
from components.registry.promotion import promote, rollback
from components.registry.settings import DueSettings

MakeModel = Callable[[str], Path]


class Run:
    """Runs the two stages against one registry."""

    def __init__(self, folder: Path, outputs: dict[str, Path]) -> None:
        self.folder = folder
        self.outputs = outputs
        self.registry = folder / "models"

    def stage(self, name: str, *arguments: str | Path) -> dict[str, Any]:
        output = self.folder / f"{name}.json"
        executor_input = {"outputs": {"outputFile": str(output)}}
        given = [name, "--executor-input", json.dumps(executor_input), *map(str, arguments)]
        code = main([*given, "--registry", str(self.registry)])
        if code:
            return {"exit code": code}
        written: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
        return written

    def upload(
        self,
        model: Path,
        decision: str,
        *,
        digest: str,
        on_hold: str = "upload",
        champion: str = "",
        facts: dict[str, Any] | None = None,
        model_digest: str = "",
        run: str = "run-1",
    ) -> Any:
        arguments: list[str | Path] = ["--model", model, "--decision", decision]
        self.outputs["facts"].write_text(json.dumps(facts or {}), encoding="utf-8")
        arguments += ["--champion-version", champion, "--model-digest", model_digest]
        for name, path in self.outputs.items():
            arguments += [f"--{name.replace('_', '-')}", path]
        settings = json.dumps({"name": "ner", "on_hold": on_hold})
        arguments += ["--settings", settings, "--digest", digest, "--run", run]
        return self.stage("register", *arguments)

    def champion(self, digest: str) -> Any:
        arguments: list[str | Path] = ["--model", "ner", "--alias", "champion", "--digest", digest]
        for name in ("champion", "champion_metadata"):
            arguments += [f"--{name.replace('_', '-')}", self.folder / name]
        return self.stage("champion", *arguments)


@pytest.fixture
def pipeline(tmp_path: Path, outputs: dict[str, Path]) -> Run:
    return Run(tmp_path, outputs)


def test_without_a_champion_there_is_no_folder(pipeline: Run) -> None:
    written = pipeline.champion("data")
    assert written["parameterValues"] == {"version": ""}
    for name in ("champion", "champion_metadata"):
        assert not (pipeline.folder / name).exists()


def test_the_promoted_version_is_the_next_champion(pipeline: Run, model: MakeModel) -> None:
    uploaded = pipeline.upload(model("pound"), "promote", digest="data-1")
    uri = str(pipeline.registry / "ner" / "1" / "model")
    expected = {"outcome": "promoted", "not_promoted": "", "version": "1", "model_uri": uri}
    assert uploaded["parameterValues"] == {**expected, "since": ""}

    written = pipeline.champion("data-2")

    assert written["parameterValues"] == {"version": "1"}
    copied = pipeline.folder / "champion" / "meta.json"
    assert copied.read_bytes() == (Path(uri) / "meta.json").read_bytes()
    assert (pipeline.folder / "champion_metadata" / "assignment.json").is_file()


def test_the_documents_lie_beside_the_model(pipeline: Run, model: MakeModel) -> None:
    pipeline.upload(model("pound"), "promote", digest="data-1")
    folder = pipeline.registry / "ner" / "1"
    for name, path in pipeline.outputs.items():
        assert (folder / path.name).read_bytes() == path.read_bytes(), name


def test_a_model_held_back_may_be_kept_or_not(pipeline: Run, model: MakeModel) -> None:
    skipped = pipeline.upload(model("pound"), "hold", digest="data-1", on_hold="skip")
    expected = {"outcome": "not-kept", "version": "", "model_uri": ""}
    assert expected.items() <= skipped["parameterValues"].items()
    assert "nothing is uploaded" in skipped["parameterValues"]["not_promoted"]
    assert not pipeline.registry.exists()

    kept = pipeline.upload(model("pound"), "hold", digest="data-1")

    assert kept["parameterValues"]["version"] == "1"
    assert pipeline.champion("data-2")["parameterValues"] == {"version": ""}


def test_a_damaged_champion_stops_the_run(
    pipeline: Run, model: MakeModel, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline.upload(model("pound"), "promote", digest="data-1")
    (pipeline.registry / "ner" / "1" / "model" / "meta.json").unlink()

    assert pipeline.champion("data-2") == {"exit code": 3}
    assert "meta.json is missing. Restore the file from a backup" in capsys.readouterr().err


def test_wrong_input_leaves_no_version(
    pipeline: Run, model: MakeModel, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = pipeline.folder / "nothing"
    assert pipeline.upload(empty, "promote", digest="data-1") == {"exit code": 3}
    assert f"{empty}: there is no model here" in capsys.readouterr().err

    pipeline.outputs["scores"].write_text("{}", encoding="utf-8")
    assert pipeline.upload(model("pound"), "promote", digest="data-1") == {"exit code": 3}
    assert "not a scores file" in capsys.readouterr().err

    assert LocalRegistry(pipeline.registry).versions("ner") == []


def test_the_commit_and_the_image_are_recorded(
    pipeline: Run, model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRAIN_COMMIT", "0123abc")
    monkeypatch.setenv("RETRAIN_IMAGE", "europe-docker.pkg.dev/p/r/cpu@sha256:1")
    pipeline.upload(model("pound"), "promote", digest="data-1")
    (version,) = LocalRegistry(pipeline.registry).versions("ner")
    assert version.lineage.commit == "0123abc"
    assert version.lineage.image == "europe-docker.pkg.dev/p/r/cpu@sha256:1"
    assert (version.lineage.digest, version.lineage.run) == ("data-1", "run-1")


def test_the_same_model_under_another_policy_renews_what_is_known_of_it(
    pipeline: Run, model: MakeModel
) -> None:
    """The next scheduled run finds its own data and config, and waits; nothing trains for ever."""
    strict, lax = ({"gate": {"min_f": f}} for f in (0.9, 0.5))
    held = pipeline.upload(model("pound"), "hold", digest="strict", facts={"config": flat(strict)})
    assert held["parameterValues"]["outcome"] == "held"
    registry = LocalRegistry(pipeline.registry)
    [version] = registry.versions("ner")
    assert (version.lineage.decision, version.lineage.gate) == ("hold", "hold")

    again = pipeline.upload(model("pound"), "promote", digest="lax", facts={"config": flat(lax)})
    assert (again["parameterValues"]["outcome"], again["parameterValues"]["version"]) == (
        "promoted",
        "1",
    )
    [version] = registry.versions("ner")
    assert version.lineage.decision == "promote"
    assert version.lineage.digest == "lax"
    assert json.loads(registry.document(version, "facts.json") or b"") == {"config": flat(lax)}
    registry.verify(version)

    def decision(digest: str, config: dict[str, Any]) -> str:
        now = Input(digest, config, set())
        return decide(registry, "ner", "champion", now, DueSettings())[0]

    assert decision("lax", lax) == "wait"
    assert decision("laxer", {"gate": {"min_f": 0.4}}) == "train"
    held = pipeline.upload(
        model("pound"), "hold", digest="laxer", on_hold="skip", champion="1", facts={"config": {}}
    )
    assert held["parameterValues"]["outcome"] == "in-production"
    assert decision("laxer", {}) == "wait"


def test_a_held_version_that_a_person_promotes_says_so(pipeline: Run, model: MakeModel) -> None:
    pipeline.upload(model("pound"), "hold", digest="data-1")
    registry = LocalRegistry(pipeline.registry)
    version = promote(registry, "ner", "1", "champion", by="ada")
    assert (version.lineage.decision, version.lineage.gate) == ("promote", "hold")
    [entry] = registry.history("ner")
    assert (entry.operation.kind, entry.operation.by, entry.done) == ("promote", "ada", True)


def test_a_repeated_run_says_what_happened(
    pipeline: Run, model: MakeModel, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = LocalRegistry(pipeline.registry)
    pipeline.upload(model("pound"), "promote", digest="data-1")
    pipeline.upload(model("euro"), "promote", digest="data-2", champion="1")
    # The same run, killed behind its promotion, or another one.
    for run, outcome, since in (("run-1", "promoted", ""), ("run-2", "in-production", "run-1")):
        again = pipeline.upload(model("euro"), "promote", digest="data-2", champion="1", run=run)
        assert again["parameterValues"]["outcome"] == outcome
        assert again["parameterValues"]["since"] == since
    other = pipeline.upload(model("euro"), "promote", digest="data-3", champion="1", run="run-3")
    assert (other["parameterValues"]["outcome"], other["parameterValues"]["since"]) == (
        "in-production",
        "",
    )
    rollback(registry, "ner", "champion", by="ada")
    capsys.readouterr()
    again = pipeline.upload(model("euro"), "promote", digest="data-2", champion="1")
    assert again["parameterValues"]["outcome"] == "withdrawn"
    assert "was withdrawn, by ada on" in again["parameterValues"]["not_promoted"]
    assert "was withdrawn, by ada on" in capsys.readouterr().out
    assert find(registry, "ner", "champion").number == "1"


def test_nothing_is_promoted_over_a_model_that_it_was_not_compared_with(
    pipeline: Run, model: MakeModel, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = LocalRegistry(pipeline.registry)
    pipeline.upload(model("pound"), "promote", digest="data-1")
    pipeline.upload(model("euro"), "promote", digest="data-2", champion="1")
    late = pipeline.upload(model("dollar"), "promote", digest="data-3", champion="1")
    assert late["parameterValues"]["outcome"] == "overtaken"
    text = capsys.readouterr().out
    # What is notified of: the gate let it pass, and yet it is not in production.
    assert late["parameterValues"]["not_promoted"] in text
    assert "it was compared with version 1, and 'champion' points to version 2 now" in text
    assert find(registry, "ner", "champion").number == "2"
    decision, why = decide(registry, "ner", "champion", Input("data-3", {}, set()), DueSettings())
    assert decision == "train"
    assert "passed the gate and was not promoted" in why
    first = pipeline.upload(model("yen"), "promote", digest="data-4")
    assert first["parameterValues"]["outcome"] == "overtaken"


@pytest.mark.parametrize("known_to", ["train", "evaluate"])
def test_a_model_that_was_damaged_since_it_was_scored_is_not_kept(
    pipeline: Run, model: MakeModel, capsys: pytest.CaptureFixture[str], known_to: str
) -> None:
    folder = model("pound")
    digest = content_digest(folder)
    if known_to == "evaluate":
        block = json.loads(pipeline.outputs["scores"].read_bytes())
        scores = {"version": 2, "model_digest": digest, "tasks": {"ner": block}}
        pipeline.outputs["scores"].write_text(json.dumps(scores), encoding="utf-8")
    given = digest if known_to == "train" else ""
    kept = pipeline.upload(folder, "promote", digest="data-1", model_digest=given)
    assert kept["parameterValues"]["outcome"] == "promoted"
    assert kept["parameterValues"]["not_promoted"] == ""
    [version] = LocalRegistry(pipeline.registry).versions("ner")
    assert version.lineage.model_digest == version.artefact == digest

    damaged = folder / "entity_ruler" / "patterns.jsonl"
    text = damaged.read_bytes()
    damaged.write_bytes(text.replace(b"pound", b"round"))
    again = pipeline.upload(folder, "promote", digest="data-2", champion="1", model_digest=given)
    assert again == {"exit code": 3}
    stage = "train wrote" if known_to == "train" else "evaluate scored"
    assert f"not the files that {stage}" in capsys.readouterr().err
    assert [each.number for each in LocalRegistry(pipeline.registry).versions("ner")] == ["1"]
