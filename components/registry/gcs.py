"""Models in a bucket, each under the digest of its files: gs://BUCKET/PREFIX/NAME/DIGEST/.

What lies there never changes. Every object is created once (GCS refuses to overwrite it), and the
manifest comes last: a model without one was cut short, and the next upload of it goes on. Beside
them lies the history of what was in production; a number in it can be taken only once, which
decides between two processes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from google.api_core import exceptions
from pydantic import BaseModel, ValidationError

from components.errors import DataError
from components.files import sha256
from components.google_cloud import patient, reaching
from components.registry import manifest
from components.registry.base import Artefact
from components.registry.documents import LINEAGE, MANIFEST
from components.registry.history import Entry, Operation, entries_in
from components.registry.lineage import Lineage
from components.registry.manifest import Manifest, damage

# 160 bits name a model as surely as 256, and fit into the label that names it too.
DIGITS = 40
HISTORY = "history"


class Store:
    """The models of one bucket folder.

    Args:
        client: of google.cloud.storage.
        prefix: the folder in the bucket; may be empty.
    """

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self.bucket = client.bucket(bucket)
        self.prefix = prefix.strip("/")

    def uri(self, name: str, key: str) -> str:
        """Address of a model's own folder."""
        return address(self._blob(name, key, "model"))

    def put(self, name: str, artefact: Artefact, description: Manifest) -> str:
        """Keep a model with its documents; returns the key that it is found by."""
        key = description.digest[:DIGITS]
        for file in description.files:
            content = (artefact.model / file).read_bytes
            self._create(name, key, f"model/{file}", content)
        self._put_documents(name, key, artefact.documents, artefact.lineage)
        self._create(name, key, MANIFEST, as_json(description))
        return key

    def renew(self, name: str, key: str, artefact: Artefact, lineage: Lineage) -> str:
        """Keep the documents of the same model that came about otherwise; returns their folder."""
        way = [lineage.digest, lineage.decision, lineage.compared_with, lineage.run]
        folder = f"renewed/{hashlib.sha256(json.dumps(way).encode()).hexdigest()[:16]}"
        self._put_documents(name, f"{key}/{folder}", artefact.documents, lineage)
        return folder

    def _put_documents(
        self, name: str, key: str, documents: Mapping[str, Path], lineage: Lineage
    ) -> None:
        for file, source in documents.items():
            self._create(name, key, file, source.read_bytes)
        self._create(name, key, LINEAGE, as_json(lineage))

    def lineage(self, name: str, key: str) -> Lineage:
        """Where a model comes from, as it was written; `key` may name a folder of `renew`."""
        lineage: Lineage = self._read(name, key, LINEAGE, Lineage)
        return lineage

    def history(self, name: str) -> list[Entry]:
        """The operations that were recorded, oldest first."""
        folder = "/".join(filter(None, [self.prefix, name, HISTORY])) + "/"
        with reaching(f"read the history of {name}"):
            blobs = list(self.bucket.client.list_blobs(self.bucket, prefix=folder, **patient()))
        files = {blob.name.removeprefix(folder) for blob in blobs}
        return [
            Entry(
                int(file.removesuffix(".json")),
                self._read(name, HISTORY, file, Operation),
                file.replace(".json", ".done") in files,
            )
            for file in entries_in(files, f"gs://{self.bucket.name}/{folder}")
        ]

    def record(self, name: str, entry: Entry) -> bool:
        """Write an operation down; False if its number is taken."""
        operation = as_json(entry.operation)
        file = f"{entry.number:06}.json"
        if self._create(name, HISTORY, file, operation):
            return True
        # Ours, if the answer to a first attempt was lost.
        there: Operation = self._read(name, HISTORY, file, Operation)
        return there == entry.operation

    def finish(self, name: str, number: int) -> None:
        """Mark an operation as done."""
        self._create(name, HISTORY, f"{number:06}.done", bytes)

    def manifest(self, name: str, key: str) -> Manifest:
        """The files of a model."""
        description: Manifest = self._read(name, key, MANIFEST, Manifest)
        return description

    def document(self, name: str, key: str, file: str) -> bytes | None:
        """A file beside a model; None if there is none."""
        blob = self._blob(name, key, file)
        with reaching(f"read {address(blob)}"):
            try:
                content: bytes = blob.download_as_bytes(**patient())
            except exceptions.NotFound:
                return None
        return content

    def verify(self, name: str, key: str) -> None:
        """Read every file of a model and compare it with the manifest.

        Raises:
            DataError: a file is missing or damaged, or was added.
        """
        self.exact(name, key)
        for file, expected in self.manifest(name, key).files.items():
            blob = self._blob(name, key, f"model/{file}")
            sink = _Sha256()
            with reading(blob):
                blob.download_to_file(sink, **patient())
            if sink.digest.hexdigest() != expected:
                raise DataError(
                    damage(address(blob), "is not what was uploaded (its SHA-256 differs)")
                )

    def exact(self, name: str, key: str) -> None:
        """Refuse a model beside whose files others lie: what is added may be run.

        Raises:
            DataError: there is one.
        """
        folder = self._blob(name, key, "model/")
        with reaching(f"list {address(folder)}"):
            blobs = self.bucket.client.list_blobs(self.bucket, prefix=folder.name, **patient())
            files = {blob.name.removeprefix(folder.name) for blob in blobs}
        for file in sorted(files - self.manifest(name, key).files.keys() - {""}):
            raise DataError(damage(f"{address(folder)}{file}", "was not uploaded with the model"))

    def fetch(self, name: str, key: str, target: Path) -> None:
        """Copy a model to a folder that does not exist yet.

        It appears whole: until then its files gather in a hidden folder beside it, where the next
        fetch of the same model goes on after an interruption.
        """
        self.exact(name, key)
        incoming = target.with_name(f".{target.name}.{key}.partial")
        description = self.manifest(name, key)
        for file, expected in description.files.items():
            path = incoming / file
            if path.is_file() and sha256(path) == expected:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            blob = self._blob(name, key, f"model/{file}")
            with reading(blob):
                blob.download_to_filename(str(path), **patient())
        manifest.check(incoming, description)
        incoming.rename(target)

    def _blob(self, name: str, key: str, file: str) -> Any:
        return self.bucket.blob("/".join(filter(None, [self.prefix, name, key, file])))

    def _create(self, name: str, key: str, file: str, content: Callable[[], bytes]) -> bool:
        """Write an object once; False if it is there already, and objects are there whole."""
        blob = self._blob(name, key, file)
        with reaching(f"upload {address(blob)}"):
            try:
                # Allowed only to create, the call may be repeated without harm.
                blob.upload_from_string(
                    content(), "application/octet-stream", if_generation_match=0, **patient()
                )
            except exceptions.PreconditionFailed:
                return False
        return True

    def _read(self, name: str, key: str, file: str, kind: Any) -> Any:
        blob = self._blob(name, key, file)
        with reading(blob):
            content = blob.download_as_bytes(**patient())
        try:
            return kind.model_validate_json(content)
        except ValidationError as error:
            raise DataError(damage(address(blob), f"cannot be read ({error})")) from error


class _Sha256:
    """A file that keeps nothing but the hash of what is written to it."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.size += len(data)
        return len(data)

    def tell(self) -> int:
        return self.size


@contextmanager
def reading(blob: Any) -> Iterator[None]:
    """Read a registered model's object; a missing one is damage."""
    with reaching(f"read {address(blob)}"):
        try:
            yield
        except exceptions.NotFound:
            raise DataError(damage(address(blob), "is missing")) from None


def as_json(document: BaseModel) -> Callable[[], bytes]:
    """What gives a document's bytes."""
    return document.model_dump_json(indent=2).encode


def address(blob: Any) -> str:
    """The gs:// address of an object."""
    return f"gs://{blob.bucket.name}/{blob.name}"
