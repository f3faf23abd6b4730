"""The images of a pipeline by digest, as `make push` and Cloud Build write them down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from components.errors import ConfigError
from components.settings import Settings
from pipelines.config.yaml_file import read_one


class ImagesLock(Settings):
    """The content of images.lock.yaml."""

    cpu: str = Field(pattern=r"@sha256:[0-9a-f]{64}$")
    gpu: str = Field(pattern=r"@sha256:[0-9a-f]{64}$")
    serve: str = Field(pattern=r"@sha256:[0-9a-f]{64}$")


def use_locked_images(data: dict[str, Any], folder: Path) -> None:
    """Put the images that `images.lock` names in a config's data; what is set there stays.

    Args:
        data: a config with its defaults merged.
        folder: what the lock's path is relative to.

    Raises:
        ConfigError: the lock cannot be read, or does not name three images by digest.
    """
    images = data.get("images")
    if not isinstance(images, dict) or "lock" not in images:
        return
    lock = read_images_lock(folder / str(images["lock"]))
    data["images"] = {
        "cpu": lock.cpu,
        "gpu": lock.gpu,
        **{name: image for name, image in images.items() if name != "lock"},
    }
    for phase in data["phases"].values():
        if isinstance(phase.get("model"), dict):
            phase["model"].setdefault("serving_image", lock.serve)


def read_images_lock(path: Path) -> ImagesLock:
    """Read images.lock.yaml.

    Raises:
        ConfigError: it is missing or does not name each image by digest.
    """
    try:
        return ImagesLock.model_validate(read_one(path).data)
    except (ConfigError, ValidationError) as error:
        raise ConfigError(
            f"{path}: not a list of images by digest ({error}). `make push` or Cloud Build "
            "writes it; without one, name images.cpu and images.gpu in the config."
        ) from error
