"""Things under an address made of their content.

The same content has the same address in every run, so that what was made of it can be found again
by back ends that know an input by its address alone.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from components.digests import content_digest
from components.files import writing
from components.program import local_path


@dataclass(frozen=True)
class Stored:
    """Where a thing lies (a path, or gs://…), and the digest of its content."""

    uri: str
    digest: str


@dataclass(frozen=True)
class Store:
    """A folder, or gs://BUCKET/PREFIX that is mounted under /gcs."""

    place: str

    @property
    def remote(self) -> bool:
        return bool(re.match(r"\w+://", self.place))

    @property
    def folder(self) -> Path:
        """The place, or where it is mounted."""
        return Path(local_path(self.place))

    def keep_file(self, source: Path, name: str) -> Stored:
        """Keep a copy of a file under its content's address."""
        digest = content_digest(source)
        return self._keep(f"{digest}/{name}", digest, lambda to: shutil.copyfile(source, to))

    def keep_folder(self, digest: str, name: str, fetch: Callable[[Path], object]) -> Stored:
        """Keep a folder that `fetch` writes to a path, known by its digest."""
        return self._keep(f"{digest}/{name}", digest, fetch)

    def _keep(self, name: str, digest: str, write: Callable[[Path], object]) -> Stored:
        path = self.folder / name
        if not path.exists() or content_digest(path) != digest:
            with writing(path) as temporary:
                write(temporary)
        return Stored(f"{self.place}/{name}", digest)
