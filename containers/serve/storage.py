"""Bring a model to this machine."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp

from components.errors import DataError, RemoteError
from components.registry.manifest import describe


def verified_folder(uri: str, digest: str) -> Path:
    """Return a folder that holds what is at a URI, once its files have been checked.

    Args:
        digest: what their digest (`components.registry.manifest`) begins with; '' checks nothing. A
            model is code: `upload` tells the server which one it registered.

    Raises:
        DataError: the files are others.
    """
    folder = local_folder(uri)
    actual = describe(folder).digest
    if not actual.startswith(digest):
        raise DataError(
            f"{uri}: its files have the digest {actual}, and not {digest}…, which was registered. "
            "Deploy a version whose files are as they were uploaded."
        )
    return folder


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
