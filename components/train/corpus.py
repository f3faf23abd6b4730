"""Check that a corpus is the one that `convert` wrote, before hours are spent on it."""

from __future__ import annotations

import json
from pathlib import Path

from components.errors import DataError
from components.files import sha256


def label_counts(corpus: Path, task: str) -> dict[str, int] | None:
    """How often each label of a task occurs in a corpus, by its manifest; None: it says nothing."""
    tasks = json.loads((corpus / "manifest.json").read_bytes()).get("tasks", {})
    return dict(tasks[task]) if task in tasks else None


def documents_in(corpus: Path) -> int:
    """How many documents a corpus holds, by its manifest."""
    shards = json.loads((corpus / "manifest.json").read_bytes())["shards"]
    return int(sum(shard["documents"] for shard in shards))


def verify(corpus: Path) -> int:
    """Compare a corpus folder with its manifest; return how many documents it holds.

    Raises:
        DataError: a shard is missing, changed or not listed, or there is no document.
    """
    manifest = corpus / "manifest.json"
    try:
        shards = {shard["file"]: shard for shard in json.loads(manifest.read_bytes())["shards"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{manifest}: not the manifest of a corpus ({error}). "
            "Give a folder that `convert` wrote."
        ) from error
    present = {path.relative_to(corpus).as_posix() for path in corpus.rglob("*.spacy")}
    for name in sorted(present ^ set(shards)):
        problem = "is not in the manifest" if name in present else "is missing"
        raise DataError(f"{corpus / name}: this shard {problem}. Run `convert` again.")
    for name, shard in shards.items():
        digest = sha256(corpus / name)
        if digest != shard["sha256"]:
            raise DataError(
                f"{corpus / name}: changed since `convert` wrote it (SHA-256 {digest[:12]}…, the "
                f"manifest says {shard['sha256'][:12]}…). Run `convert` again."
            )
    documents = documents_in(corpus)
    if documents == 0:
        raise DataError(f"{corpus}: the corpus holds no document. Read the split report.")
    return documents
