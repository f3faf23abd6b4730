"""Bring a model to this machine."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp

from components.errors import RemoteError


def local_folder(uri: str) -> Path:
    """Return a folder that holds what is at a URI: downloaded from gs://, or as it is.

    Raises:
        RemoteError: Cloud Storage did not give it.
    """
    if not uri.startswith("gs://"):
        return Path(uri)
    import gcsfs

    folder = Path(mkdtemp(prefix="model-"))
    try:
        gcsfs.GCSFileSystem().get(uri.rstrip("/") + "/", str(folder), recursive=True)
    except Exception as error:
        raise RemoteError(
            f"{uri}: cannot be read ({error}). Check the address, and that the server's service "
            "account may read objects there."
        ) from error
    return folder
