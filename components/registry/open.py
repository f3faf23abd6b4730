"""The registry at an address: a folder, a volume of the cluster, or Vertex AI."""

from __future__ import annotations

from pathlib import Path

from components.errors import ConfigError
from components.registry.base import Registry

SCHEME = "vertex://"
# A folder that only the cluster's tasks see: its address means nothing to the cluster's own parts.
VOLUME_SCHEME = "volume://"


def open_registry(location: str, serving_image: str = "") -> Registry:
    """The registry at a folder, volume://FOLDER or vertex://PROJECT/LOCATION/BUCKET/PREFIX.

    Args:
        serving_image: image that serves the versions to come; only Vertex AI asks for one.

    Raises:
        ConfigError: it is none of them.
    """
    location = location.removeprefix(VOLUME_SCHEME)
    if location.startswith(SCHEME):
        project, _, rest = location.removeprefix(SCHEME).partition("/")
        region, _, store = rest.partition("/")
        bucket, _, prefix = store.partition("/")
        if not bucket:
            raise ConfigError(
                f"{location}: not a registry; expected vertex://PROJECT/LOCATION/BUCKET/PREFIX."
            )
        from components.google_cloud import Place
        from components.registry.vertex import VertexRegistry

        return VertexRegistry(Place(project, region), bucket, prefix, serving_image)
    if "://" in location:
        raise ConfigError(f"{location}: not a registry; use a folder, volume://… or vertex://…")
    from components.registry.local import LocalRegistry

    return LocalRegistry(Path(location).resolve())
