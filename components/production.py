"""The model in production as a stage is given it."""

from __future__ import annotations

from pathlib import Path

from components.digests import check
from components.errors import DataError

# The digest of the model in production where there is none.
NOBODY = "none"


def champion_model(folder: Path | None, digest: str) -> Path | None:
    """The folder of the model in production; None if there is none.

    Args:
        folder: None for none.
        digest: of the model; NOBODY for none, '' for one that is not compared.

    Raises:
        DataError: there is one, and it cannot be read. It is not treated as absent: a model that
            was compared with nothing would then take the place of one that may be better.
    """
    if folder is None or digest == NOBODY:
        return None
    if not (folder / "config.cfg").is_file():
        raise DataError(
            f"{folder}: the model in production is not there (no config.cfg). Restore it, or put "
            "another version in production with `retrain models promote`."
        )
    check(digest, champion=folder)
    return folder
