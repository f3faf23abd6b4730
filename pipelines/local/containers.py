"""Every task in its image: what runs here is what runs on Vertex AI."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from components.errors import ConfigError
from components.program import FROM_EXECUTOR_INPUT, options_in
from components.records import label_studio, prodigy_database
from components.registry.lineage import IMAGE_VARIABLE
from components.secret_references import in_environment
from pipelines.config.schema import Images
from pipelines.local.engines import IMAGE_USER, Engine, Job, Mount, find_engine
from pipelines.local.runner.launchers import Command
from pipelines.local.runner.spec import Container


class Containers:
    """Runs each command in a container of its image, which sees its inputs and outputs only.

    Where root runs the pipeline, what a task writes in (its own folder, the local registry, the
    checkpoints) is given to the images' user, who would otherwise not be allowed to write there.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def identity(
        self,
        container: Container,
        kinds: Sequence[str] = (),  # noqa: ARG002  the image holds their modules
    ) -> str:
        """The image that a command runs in.

        Raises:
            ConfigError: this machine has no such image.
        """
        image_id = self._engine.image_id(container.image)
        if not image_id:
            raise ConfigError(f"There is no image {container.image!r} here: run `make images`.")
        return image_id

    @contextmanager
    def launch(self, command: Command) -> Iterator[Command]:
        """Yield the engine's command that runs `command` in a container."""
        with TemporaryDirectory(prefix="retrain-") as empty:
            mounts = [
                # The folder that relative paths start from; what is needed is mounted below it.
                Mount(Path(empty), command.cwd, writable=True),
                *(Mount(path.resolve(), path) for path in command.reads if path.exists()),
                *(Mount(path, path) for path in sources(command)),
                *folders(command),
                Mount(command.writes, command.writes, writable=True),
            ]
            for mount in mounts:
                if mount.writable:
                    give_away(mount.source)
            job = Job(
                image=command.image,
                argv=command.argv,
                environment={**command.environment, **self._image_by_digest(command)},
                cwd=command.cwd,
                handed_on=secrets(command),
                mounts=sorted(unique(mounts), key=lambda mount: len(mount.target.parts)),
            )
            with self._engine.running(job) as argv:
                yield replace(command, argv=argv, environment={})

    def _image_by_digest(self, command: Command) -> dict[str, str]:
        """The image that trained the model, by digest; the spec may know it by name only."""
        name = command.environment.get(IMAGE_VARIABLE)
        if name is None or "@" in name:
            return {}
        digest = self._engine.image_id(name).removeprefix("sha256:")
        return {IMAGE_VARIABLE: f"{name}@sha256:{digest}"}


def in_images(images: Images) -> Containers:
    """What runs every stage in a container of its image, by the engine of this machine.

    Raises:
        ConfigError: there is no engine here, or it lacks an image.
    """
    containers = Containers(find_engine())
    for image in (images.cpu, images.gpu):
        containers.identity(Container(image=image))
    return containers


def unique(mounts: Sequence[Mount]) -> list[Mount]:
    """One mount per target: the last, which is the more particular one."""
    return list({mount.target: mount for mount in mounts}.values())


def sources(command: Command) -> list[Path]:
    """The annotations or texts that a command reads, as files or as folders of a pattern."""
    paths = []
    named_in = [source["path"] for source in json.loads(argument(command, "--sources") or "[]")]
    if command.argv[1:4] == ["-m", "components", "queue"]:
        named_in += json.loads(argument(command, "--settings"))["texts"]
    for named in named_in:
        if "://" not in named:
            if prodigy_database.is_dataset(named):
                named = prodigy_database.parts_of(named)[0]
            path = Path(os.path.normpath(command.cwd / named))
            plain = re.match(r"[^*?\[]*", str(path))
            assert plain
            paths.append(path if plain[0] == str(path) else Path(plain[0] + "x").parent)
    return [path for path in paths if path.exists()]


def secrets(command: Command) -> list[str]:
    """The variables that hold what the command may use and a spec may not say."""
    references = [argument(command, "--webhook")]
    references += [
        source["token"]
        for source in json.loads(argument(command, "--sources") or "[]")
        if label_studio.is_project(source["path"])
    ]
    return [one.removeprefix("env:") for one in references if in_environment(one)]


def folders(command: Command) -> list[Mount]:
    """The local folders that a command keeps things in, made where they are missing."""
    places = {"--registry": "upload" in command.argv, "--checkpoints": True, "--store": True}
    mounts = []
    for name, writable in places.items():
        place = argument(command, name)
        if place and "://" not in place:
            path = Path(os.path.normpath(command.cwd / place))
            path.mkdir(parents=True, exist_ok=True)
            mounts.append(Mount(path, path, writable))
    return mounts


def argument(command: Command, name: str) -> str:
    """The value after an argument's name; '' without it."""
    words = list(command.argv)
    if FROM_EXECUTOR_INPUT in words:
        words += options_in(words[words.index("--executor-input") + 1])
    return words[words.index(name) + 1] if name in words[:-1] else ""


def give_away(folder: Path) -> None:
    """Let the images' user write in a folder of root's."""
    if os.getuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, IMAGE_USER, IMAGE_USER, follow_symlinks=False)
