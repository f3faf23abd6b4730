"""Put a base transformer into an image, so that training needs no model hub.

Runs while the image is built, on a bare Python. The files come from the hub at the revision, and
with the SHA-256, that base-models.json names; or from a folder that the builder gives, which is
how a machine without the hub builds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import urllib.request
from pathlib import Path
from typing import Any

KNOWN = Path(__file__).with_name("base-models.json")


class UnknownError(Exception):
    """A base model that cannot be had, or is not what it should be."""


def main() -> int:
    """Put a model under a folder; its name there is the hub's with -- for /."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="as training configs name it, e.g. roberta-base")
    parser.add_argument("--given", type=Path, required=True, help="folder of models, may be empty")
    parser.add_argument("--to", type=Path, required=True, help="folder that gets the model's own")
    parser.add_argument("--hub", default="https://huggingface.co", help="address of the hub")
    args = parser.parse_args()
    folder = args.name.replace("/", "--")
    known = json.loads(KNOWN.read_text(encoding="utf-8")).get(args.name)
    target = args.to / folder
    try:
        if (args.given / folder).is_dir():
            shutil.copytree(args.given / folder, target)
        else:
            fetch(args.name, known, args.hub, target)
        check(target, known["files"] if known else {})
    except (OSError, UnknownError) as error:
        print(f"base model {args.name}: {error}", file=sys.stderr)
        return 2
    return 0


def fetch(name: str, known: dict[str, Any] | None, hub: str, target: Path) -> None:
    """Download the files of a model at its revision.

    Raises:
        UnknownError: nothing says which revision and which files.
    """
    if known is None:
        raise UnknownError(
            f"{KNOWN.name} does not list {name}. Add its revision and checksums there, or give a "
            f"folder with {name.replace('/', '--')} in it: --build-context base-models=FOLDER"
        )
    target.mkdir(parents=True)
    for file in known["files"]:
        url = f"{hub}/{known['repository']}/resolve/{known['revision']}/{file}"
        with urllib.request.urlopen(url, timeout=60) as source, (target / file).open("wb") as sink:  # noqa: S310
            shutil.copyfileobj(source, sink)


def check(folder: Path, expected: dict[str, str]) -> None:
    """Compare a model's files with their checksums, and print all of them for the build's log.

    Raises:
        UnknownError: a file is missing or is another.
    """
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        name = path.relative_to(folder).as_posix()
        print(f"{digest}  {folder.name}/{name}")
        if expected.get(name, digest) != digest:
            raise UnknownError(f"{name} has the SHA-256 {digest}, not {expected[name]}")
    missing = [name for name in expected if not (folder / name).is_file()]
    if missing:
        raise UnknownError(f"{', '.join(missing)} is missing")


if __name__ == "__main__":
    sys.exit(main())
