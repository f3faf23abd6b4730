"""Where a version comes from: data, code, configuration, scores, and what it replaced."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from components.files import sha256
from components.scoring.document import read_scores

COMMIT_VARIABLE = "RETRAIN_COMMIT"
IMAGE_VARIABLE = "RETRAIN_IMAGE"
VERSION = 1
PACKAGES = ("numpy", "spacy", "spacy-transformers", "thinc", "torch", "transformers")


class Lineage(BaseModel):
    """`lineage.json` of a version.

    Attributes:
        schema_version: of the file's form; 0 in files from before it had one.
        digest: digest of the input data and its settings (the fingerprint stage).
        origin: digest of the data and of that part of the settings which decides the model, so not
            of the gate's; '' in older files.
        run: name of the run that trained the model.
        created: when the version was made, ISO 8601 in UTC.
        decision: "promote" or "hold": what the gate decided, or a person after it.
        gate: what the gate decided; '' in the file, where `decision` is the gate's.
        compared_with: number of the version that it was compared with; '' for none.
        model_digest: of the model's files, as `train` wrote them; '' in older files.
        renewed: when the same model came from other data or settings again, ISO 8601 in UTC; '' if
            it did not.
        scores: the overall and per-label scores on the test set, fractions or null, and `macro` of
            classes; of several tasks under `tasks` by name.
        config_digest: SHA-256 of the training configuration inside the model; '' without one.
        commit: git commit of the code; '' when unknown.
        image: the container image that the model was trained in; '' outside a container.
        packages: installed versions of the libraries that decide what a model computes.
        replaced: number of the version that the alias pointed to before the promotion; '' if none.
        promoted: when the version was first put in production, ISO 8601 in UTC; '' if never.
    """

    # A registry outlives the code: keys of a newer release are kept, not refused.
    model_config = ConfigDict(extra="allow", frozen=True)

    schema_version: int = 0
    digest: str
    run: str
    created: str
    decision: str
    scores: dict[str, Any]
    config_digest: str = ""
    origin: str = ""
    commit: str = ""
    image: str = ""
    gate: str = ""
    compared_with: str = ""
    model_digest: str = ""
    renewed: str = ""
    packages: dict[str, str] = {}
    replaced: str = ""
    promoted: str = ""

    @property
    def tasks(self) -> dict[str, dict[str, Any]]:
        """`overall` and `labels` of each task; the name of one that is alone is not kept."""
        tasks: dict[str, dict[str, Any]] = self.scores.get("tasks") or {"": self.scores}
        return tasks


def trace(
    model: Path,
    scores: Path,
    *,
    decision: str,
    digest: str,
    run: str,
    origin: str = "",
    compared_with: str = "",
    model_digest: str = "",
) -> Lineage:
    """Gather the lineage of a model that was just trained.

    Raises:
        DataError: the scores file is missing or is not what the evaluate stage writes.
    """
    config = model / "config.cfg"
    return Lineage(
        schema_version=VERSION,
        digest=digest,
        origin=origin,
        run=run,
        created=now(),
        decision=decision,
        compared_with=compared_with,
        model_digest=model_digest,
        scores=scores_of(scores),
        config_digest=sha256(config) if config.is_file() else "",
        commit=os.environ.get(COMMIT_VARIABLE, ""),
        image=os.environ.get(IMAGE_VARIABLE, ""),
        packages=installed(),
    )


def scores_of(path: Path) -> dict[str, Any]:
    """The model's own scores from the evaluate stage's scores file.

    Returns:
        `overall` and `labels` of the one task, and `macro` if it has classes; of several tasks, the
        same for each under `tasks`.

    Raises:
        DataError: it is something else.
    """
    kept: dict[str, dict[str, Any]] = {
        name: {part: block[part] for part in ("overall", "labels", "macro") if part in block}
        for name, block in read_scores(path).items()
    }
    return next(iter(kept.values())) if len(kept) == 1 else {"tasks": kept}


def installed() -> dict[str, str]:
    """Versions of the packages in PACKAGES that this environment has."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
