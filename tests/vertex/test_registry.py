"""The registry on Vertex AI, with the real clients: models there, their files in a bucket."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gcsfs
import pytest
import spacy
from google.cloud import storage

from components.errors import DataError, RemoteError
from components.google_cloud import Place
from components.registry.base import Registry, champion_for, find
from components.registry.history import Entry
from components.registry.manifest import describe
from components.registry.open import open_registry
from components.registry.promotion import OvertakenError, add_and_promote, promote, rollback
from components.registry.vertex import VertexRegistry
from containers.serve.options import from_environment
from containers.serve.storage import verified_folder
from tests.components.registry.test_crash import artefact as small
from tests.support.service import Fault
from tests.vertex.conftest import MakeArtefact
from tests.vertex.double import Double

UPLOAD = r"^POST .*/models:upload$"
WRITES = (b"POST", b"PUT", b"PATCH")
MERGE = r"^POST .*:mergeVersionAliases$"


@pytest.fixture
def registry(double: Double, bucket: storage.Bucket) -> Registry:
    return open_registry(f"vertex://my-project/us-central1/{bucket.name}/models")


def test_a_version_is_a_candidate_until_it_is_promoted(
    registry: Registry, artefact: MakeArtefact, double: Double, bucket: storage.Bucket
) -> None:
    version, _ = add_and_promote(registry, "ner", "champion", artefact("pound", decision="hold"))

    assert (version.number, version.aliases) == ("1", ("candidate",))
    (model,) = double.models.by_name["projects/123456789012/locations/us-central1/models/ner"]
    assert model.labels["retrain-run"] == "demo-pound-1"
    assert model.labels["retrain-data"] == "data-pound"
    assert model.version_description.startswith("F 80.0 on the test set; gate: hold;")
    assert version.uri.startswith(f"gs://{bucket.name}/models/ner/")
    assert registry.names() == ["ner"]


def test_promotion_and_rollback_move_the_alias_and_delete_nothing(
    registry: Registry, artefact: MakeArtefact, double: Double
) -> None:
    add_and_promote(registry, "ner", "champion", artefact("pound"))
    version, _ = add_and_promote(registry, "ner", "champion", artefact("euro"))
    assert (version.number, version.lineage.replaced) == ("2", "1")
    assert version.aliases == ("candidate", "champion")
    assert version.lineage.promoted.endswith("+00:00")

    rollback(registry, "ner", "champion")
    add_and_promote(registry, "ner", "champion", artefact("euro"))

    assert find(registry, "ner", "champion").number == "1"
    assert [each.number for each in registry.versions("ner")] == ["1", "2"]
    assert double.sent("DELETE") == []
    # The alias that Vertex AI serves by default is never taken along.
    first, _ = double.models.by_name["projects/123456789012/locations/us-central1/models/ner"]
    assert "default" in first.version_aliases


def test_the_same_model_again_finds_its_version(
    registry: Registry, artefact: MakeArtefact, double: Double
) -> None:
    first = registry.add("ner", artefact("pound"))
    assert registry.add("ner", artefact("pound")) == first
    assert len(double.sent("POST", "models:upload")) == 1


def test_the_champion_of_other_data_is_the_one_to_beat(
    registry: Registry, artefact: MakeArtefact
) -> None:
    assert champion_for(registry, "ner", "champion", "data-pound") is None
    add_and_promote(registry, "ner", "champion", artefact("pound"))
    add_and_promote(registry, "ner", "champion", artefact("euro"))
    to_beat = champion_for(registry, "ner", "champion", "data-euro")
    assert to_beat and to_beat.number == "1"


def serving_folder(uri: str, env: Any) -> Path:
    """What the server makes of the environment that a version is registered with."""
    options = from_environment({each.name: each.value for each in env} | {"AIP_STORAGE_URI": uri})
    # fsspec keeps listings of buckets; each server is a process of its own.
    gcsfs.GCSFileSystem.clear_instance_cache()
    return verified_folder(options.storage_uri, options.digest)


def test_a_model_with_a_serving_image_can_be_deployed(
    double: Double,
    bucket: storage.Bucket,
    artefact: MakeArtefact,
) -> None:
    image = "europe-docker.pkg.dev/my-project/retrain/serve:0123abc"
    location = f"vertex://my-project/us-central1/{bucket.name}/models"
    version = open_registry(location, image).add("ner", artefact("pound"))
    (model,) = double.models.by_name["projects/123456789012/locations/us-central1/models/ner"]
    assert model.artifact_uri == version.uri
    assert model.container_spec.image_uri == image
    served = serving_folder(version.uri, model.container_spec.env)
    assert sorted(path.name for path in served.rglob("config.cfg")) == ["config.cfg"]
    assert describe(served).digest == version.artefact
    bucket.blob(version.uri.partition(f"{bucket.name}/")[2] + "/config.cfg").upload_from_string("")
    with pytest.raises(DataError, match="which was registered"):
        serving_folder(version.uri, model.container_spec.env)


def test_scores_are_imported_as_numbers_that_there_are(
    registry: Registry, artefact: MakeArtefact, double: Double
) -> None:
    registry.add("ner", artefact("pound"))
    ((parent, metrics),) = double.models.evaluations
    assert parent.endswith("/models/ner@1")
    assert metrics == {"confidenceMetrics": [{"precision": 0.9, "f1Score": 0.8}]}
    assert double.models.evaluation_schemas == ["text_extraction_metrics_1.0.0.yaml"]


def test_scores_of_classes_are_imported_as_those_of_classes(
    registry: Registry, artefact: MakeArtefact, double: Double
) -> None:
    registry.add("topics", artefact("topics", macro={"f": 0.75, "labels": 3}))
    ((_, metrics),) = double.models.evaluations
    assert metrics == {
        "confidenceMetrics": [{"precision": 0.9, "f1Score": 0.8, "f1ScoreMacro": 0.75}]
    }
    assert double.models.evaluation_schemas == ["classification_metrics_1.0.0.yaml"]


def test_scores_that_cannot_be_imported_cost_nothing_else(
    registry: Registry,
    artefact: MakeArtefact,
    double: Double,
    capsys: pytest.CaptureFixture[str],
) -> None:
    double.faults = [Fault("evaluations:import", status=400, times=100)]
    assert registry.add("ner", artefact("pound")).number == "1"
    assert "warning: the console will not show the scores" in capsys.readouterr().err


@pytest.mark.parametrize("request_", [UPLOAD, MERGE, r"^GET .*/operations/"])
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503, "times": 2},
        {"status": 403},
        {"status": 409},
        {"drop": "before"},
        {"drop": "after"},
    ],
    ids=["unavailable", "forbidden", "conflict", "dropped before", "dropped after"],
)
def test_under_a_fault_there_is_one_version_in_the_end(
    registry: Registry,
    artefact: MakeArtefact,
    double: Double,
    request_: str,
    fault: dict[str, object],
) -> None:
    add_and_promote(registry, "ner", "champion", artefact("pound"))
    double.faults = [Fault(request_, **fault)]  # type: ignore[arg-type]
    new = artefact("euro")
    try:
        add_and_promote(registry, "ner", "champion", new)
    except RemoteError as error:
        assert str(error)
    double.faults = []

    version, _ = add_and_promote(registry, "ner", "champion", new)

    assert [each.number for each in registry.versions("ner")] == ["1", "2"]
    assert (version.number, version.lineage.replaced) == ("2", "1")
    assert find(registry, "ner", "champion").number == "2"


def test_a_fetched_model_loads_and_an_interrupted_fetch_goes_on(
    registry: Registry, artefact: MakeArtefact, bucket: storage.Bucket, tmp_path: Path
) -> None:
    version = registry.add("ner", artefact("pound"))
    prefix = version.uri.removeprefix(f"gs://{bucket.name}/")
    blob = bucket.blob(f"{prefix}/meta.json")
    content = blob.download_as_bytes()
    blob.delete()
    target = tmp_path / "pulled" / "ner"
    with pytest.raises(DataError, match=r"meta\.json is missing"):
        registry.fetch(version, target)
    assert not target.exists()
    (partial,) = target.parent.iterdir()
    kept = {path: path.stat().st_mtime_ns for path in partial.rglob("*") if path.is_file()}
    assert kept

    blob.upload_from_string(content)
    registry.fetch(version, target)

    assert spacy.load(target).meta["name"] == "pound"
    assert not partial.exists()
    for path, changed in kept.items():
        assert (target / path.relative_to(partial)).stat().st_mtime_ns == changed


def test_a_damaged_model_is_found(
    registry: Registry, artefact: MakeArtefact, bucket: storage.Bucket, tmp_path: Path
) -> None:
    version = registry.add("ner", artefact("pound"))
    registry.verify(version)
    path = version.uri.removeprefix(f"gs://{bucket.name}/")
    bucket.blob(f"{path}/meta.json").upload_from_string("{}")
    for use in (
        lambda: registry.verify(version),
        lambda: promote(registry, "ner", "1", "champion"),
        lambda: registry.fetch(version, tmp_path / "pulled"),
    ):
        with pytest.raises(DataError, match=r"meta\.json is not what was uploaded"):
            use()


def test_versions_that_others_uploaded_are_left_alone(
    registry: VertexRegistry, artefact: MakeArtefact, double: Double
) -> None:
    registry.add("ner", artefact("pound"))
    name = "projects/123456789012/locations/us-central1/models/ner"
    (uploaded,) = double.models.by_name[name]
    foreign = type(uploaded)(display_name="by hand")
    double.models._add(name, foreign)
    assert [each.number for each in registry.versions("ner")] == ["1"]
    # In production it would be no model that can be compared with, and not "none".
    double.models._move(name, "champion", double.models.by_name[name][1])
    with pytest.raises(DataError, match="version 2, which is none of ours"):
        champion_for(registry, "ner", "champion", "data-euro")
    assert promote(registry, "ner", "1", "champion").aliases == ("candidate", "champion")


def test_an_additional_object_refuses(
    registry: Registry, artefact: MakeArtefact, bucket: storage.Bucket, tmp_path: Path
) -> None:
    version = registry.add("ner", artefact("pound"))
    path = version.uri.removeprefix(f"gs://{bucket.name}/")
    bucket.blob(f"{path}/code.py").upload_from_string("raise SystemExit")
    for use in (
        lambda: promote(registry, "ner", "1", "champion"),
        lambda: registry.fetch(version, tmp_path / "pulled"),
    ):
        with pytest.raises(DataError, match=r"code\.py was not uploaded with the model"):
            use()
    assert not (tmp_path / "pulled").exists()


def test_what_is_kept_beside_a_model_can_be_read_alone(
    registry: Registry, artefact: MakeArtefact
) -> None:
    version, _ = add_and_promote(registry, "ner", "champion", artefact("pound"))
    kept = registry.document(version, "scores.json")
    assert kept is not None
    assert json.loads(kept)["overall"]["support"] == 40
    assert registry.document(version, "examples.json") is None


def test_an_upload_that_died_before_its_labels_is_completed(
    registry: Registry, artefact: MakeArtefact, double: Double
) -> None:
    double.faults = [Fault(r"^PATCH .*/models/ner@1$", status=403)]
    with pytest.raises(RemoteError, match="label version 1 of ner"):
        add_and_promote(registry, "ner", "champion", artefact("pound", decision="hold"))
    version, _ = add_and_promote(registry, "ner", "champion", artefact("pound", decision="hold"))
    assert (version.number, version.aliases) == ("1", ("candidate",))
    assert [each.number for each in registry.versions("ner")] == ["1"]


def dies(work: Callable[[], object], at: int) -> bool:
    """Do the work in a child that is killed before its n-th request that writes; whether it was."""
    child = os.fork()
    if child == 0:
        left = at

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal left
            if event == "http.client.send" and bytes(arguments[1][:6]).startswith(WRITES):
                left -= 1
                if not left:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            work()
        except BaseException as error:
            sys.stderr.write(repr(error))
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL)
    return code != 0


def state(registry: Registry, name: str) -> Any:
    """What there is of a model, without what no two runs share."""
    versions = [
        (each.number, each.artefact, each.aliases, each.lineage.decision, each.lineage.replaced)
        for each in registry.versions(name)
    ]
    documents = [registry.document(each, "report.html") for each in registry.versions(name)]
    entries = [
        (e.operation.kind, e.operation.version, e.operation.replaced, e.done)
        for e in registry.history(name)
    ]
    return versions, documents, entries


# Operation -> the models that were promoted before it, and what it does.
OPERATIONS: dict[str, tuple[str, Callable[[Registry, str, Path], object]]] = {
    "add and promote": (
        "a",
        lambda registry, name, folder: add_and_promote(
            registry, name, "champion", small(folder, "b"), "1"
        ),
    ),
    "renew and promote": (
        "",
        lambda registry, name, folder: add_and_promote(
            registry, name, "champion", small(folder, "held", digest="other"), ""
        ),
    ),
    "promote": ("ab", lambda registry, name, _: promote(registry, name, "1", "champion")),
    "rollback": ("ab", lambda registry, name, _: rollback(registry, name, "champion")),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_killed_before_any_write_is_completed_by_the_same_command(
    double: Double, bucket: storage.Bucket, tmp_path: Path, operation: str
) -> None:
    location = f"vertex://my-project/us-central1/{bucket.name}/models"
    registry = open_registry(location)
    before, work = OPERATIONS[operation]
    expected: Any = None
    at = 0
    while True:
        name = f"ner-{at}"
        for word in before:
            add_and_promote(registry, name, "champion", small(tmp_path, word))
        if not before:
            registry.add(name, small(tmp_path, "held", decision="hold"))
        if not expected:
            work(registry, name, tmp_path)
            expected = state(registry, name)
        # The child has clients of its own: connections are not shared over a fork.
        elif not dies(lambda name=name: work(open_registry(location), name, tmp_path), at):  # type: ignore[misc]
            break
        else:
            work(registry, name, tmp_path)
        assert state(registry, name) == expected, f"killed before request {at}"
        at += 1
    assert state(registry, name) == expected
    assert at > 3


class Interrupted(VertexRegistry):
    """Lets another process do all of its work just before the n-th step of a promotion."""

    other: Callable[[], object]
    left = 0

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.other()

    def history(self, name: str) -> list[Entry]:
        self.step()
        return super().history(name)

    def pointed(self, name: str, alias: str) -> str:
        self.step()
        return super().pointed(name, alias)

    def record(self, name: str, entry: Entry) -> bool:
        self.step()
        return super().record(name, entry)

    def point(self, name: str, alias: str, number: str) -> None:
        self.step()
        super().point(name, alias, number)

    def finish(self, name: str, number: int) -> None:
        self.step()
        super().finish(name, number)


def test_of_two_promotions_over_one_model_only_one_is_done_wherever_they_meet(
    double: Double, bucket: storage.Bucket, tmp_path: Path
) -> None:
    place = Place("my-project", "us-central1")
    plain = VertexRegistry(place, bucket.name, "models")
    ends, at = set(), 0
    while True:
        at += 1
        name = f"ner-{at}"
        add_and_promote(plain, name, "champion", small(tmp_path, "a"))
        for word in "bc":
            plain.add(name, small(tmp_path, word, decision="hold"))
        outcomes: dict[str, str] = {}

        def attempt(
            registry: VertexRegistry,
            number: str,
            name: str = name,
            outcomes: dict[str, str] = outcomes,
        ) -> None:
            try:
                promote(registry, name, number, "champion", expected="1", operation_id=number)
                outcomes[number] = "promoted"
            except OvertakenError:
                outcomes[number] = "overtaken"

        slow = Interrupted(place, bucket.name, "models")
        slow.left, slow.other = at, partial(attempt, plain, "3")
        attempt(slow, "2")
        if "3" not in outcomes:
            break
        assert sorted(outcomes.values()) == ["overtaken", "promoted"], f"met at step {at}"
        [entry] = plain.history(name)[1:]
        assert (entry.operation.replaced, entry.done) == ("1", True)
        assert outcomes[entry.operation.version] == "promoted"
        assert plain.pointed(name, "champion") == entry.operation.version
        ends.add(entry.operation.version)
    assert ends == {"2", "3"}
    assert at > 6
