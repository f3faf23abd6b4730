"""Container engines: docker, podman, or buildah where no engine can run."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import Protocol
from uuid import uuid4

from components.errors import ConfigError

# The user of our images. Root on this machine is not root in a container.
IMAGE_USER = 10001
# docker's own; the OCI format, which podman and buildah would write, has no HEALTHCHECK.
DOCKER_FORMAT = ("--format", "docker")
# buildah takes no variable from its own environment, so what is a secret comes by files.
SECRETS = Path("/run/secrets")
EXPORT = f'for each in {SECRETS}/*; do export "${{each##*/}}=$(cat "$each")"; done; exec "$@"'
ROOT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Mount:
    """A file or folder of this machine that a container sees at `target`."""

    source: Path
    target: Path
    writable: bool = False

    def __str__(self) -> str:
        return f"{self.source}:{self.target}:{'rw' if self.writable else 'ro'}"


@dataclass(frozen=True)
class Job:
    """A command to run in a container.

    Attributes:
        handed_on: names of variables that the engine takes from the environment here: what they
            hold is a secret, which a command line would show.
    """

    image: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    cwd: Path
    mounts: Sequence[Mount]
    handed_on: Sequence[str] = ()

    @property
    def variables(self) -> list[str]:
        """The options that set the variables which are no secret."""
        return [word for pair in self.environment.items() for word in ("--env", "=".join(pair))]


class Engine(Protocol):
    """What builds images and runs commands in them."""

    def build(self, arguments: Sequence[str]) -> None:
        """Run the engine's `build`."""
        ...

    def push(self, image: str, target: str) -> str:
        """Push an image of this machine under another name; return its digest there."""
        ...

    def pull(self, image: str) -> bool:
        """Fetch an image from its registry; whether it is on this machine now."""
        ...

    def load_root(self, archive: Path, image: str) -> None:
        """Make an image of a root file system in a tar archive."""
        ...

    def image_id(self, image: str) -> str:
        """The identity of an image on this machine; '' when it has no such image."""
        ...

    def running(self, job: Job) -> AbstractContextManager[list[str]]:
        """Yield the command that runs a job in a container of its own, in the foreground."""
        ...


class Docker:
    """docker or podman."""

    def __init__(self, program: str) -> None:
        self._program = program

    def build(self, arguments: Sequence[str]) -> None:
        options = DOCKER_FORMAT if self._program == "podman" else ()
        subprocess.run([self._program, "build", *options, *arguments], check=True)

    def push(self, image: str, target: str) -> str:
        subprocess.run([self._program, "tag", image, target], check=True)
        subprocess.run([self._program, "push", target], check=True)
        digests = "{{range .RepoDigests}}{{.}} {{end}}"
        listed = output([self._program, "image", "inspect", "--format", digests, target]).split()
        repository = target.rpartition(":")[0]
        return next(name for name in listed if name.startswith(f"{repository}@")).partition("@")[2]

    def pull(self, image: str) -> bool:
        return (
            subprocess.run([self._program, "pull", "--quiet", image], check=False).returncode == 0
        )

    def load_root(self, archive: Path, image: str) -> None:
        path = f"ENV PATH={ROOT_PATH}"
        command = [self._program, "import", "--change", path, str(archive), image]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def image_id(self, image: str) -> str:
        return output([self._program, "image", "inspect", "--format", "{{.Id}}", image])

    @contextmanager
    def running(self, job: Job) -> Iterator[list[str]]:
        name = f"retrain-{uuid4().hex}"
        try:
            yield [
                *(self._program, "run", "--name", name, "--read-only", "--tmpfs", "/tmp"),  # noqa: S108
                *("--user", user(), "--entrypoint", job.argv[0]),
                *(limits() if self._program == "podman" else ()),
                *(word for mount in job.mounts for word in ("--volume", str(mount))),
                *job.variables,
                # Without a value it is taken from here.
                *(word for name in job.handed_on for word in ("--env", name)),
                *("--workdir", str(job.cwd), job.image, *job.argv[1:]),
            ]
        finally:
            # The client may have been killed; the container then still runs.
            output([self._program, "rm", "--force", name])


class Buildah:
    """buildah, which needs no engine and no right to make namespaces (chroot isolation).

    It shares the network, and cannot make a root file system read-only: the image's user, who may
    write nowhere in it, stands in for that.
    """

    def __init__(self) -> None:
        self._isolation = os.environ.get("BUILDAH_ISOLATION", "chroot")

    def build(self, arguments: Sequence[str]) -> None:
        options = ["--isolation", self._isolation, "--layers", *DOCKER_FORMAT]
        subprocess.run(["buildah", "build", *options, *arguments], check=True)

    def push(self, image: str, target: str) -> str:
        with NamedTemporaryFile() as digest:
            command = ["buildah", "push", "--digestfile", digest.name, image, f"docker://{target}"]
            subprocess.run(command, check=True)
            return Path(digest.name).read_text(encoding="utf-8").strip()

    def pull(self, image: str) -> bool:
        return subprocess.run(["buildah", "pull", "--quiet", image], check=False).returncode == 0

    def load_root(self, archive: Path, image: str) -> None:
        name = output(["buildah", "from", "scratch"])
        for command in (
            ["add", "--quiet", name, str(archive), "/"],
            ["config", "--env", f"PATH={ROOT_PATH}", name],
            ["commit", "--quiet", name, image],
            ["rm", name],
        ):
            subprocess.run(["buildah", *command], check=True, stdout=subprocess.DEVNULL)

    def image_id(self, image: str) -> str:
        return output(
            ["buildah", "inspect", "--type", "image", "--format", "{{.FromImageID}}", image]
        )

    @contextmanager
    def running(self, job: Job) -> Iterator[list[str]]:
        name = f"retrain-{uuid4().hex}"
        pulled_never = ["buildah", "from", "--quiet", "--pull-never", "--name", name, job.image]
        subprocess.run(pulled_never, check=True, stdout=subprocess.DEVNULL)
        try:
            with TemporaryDirectory(prefix="retrain-") as folder:
                mounts = [*job.mounts, *secrets_in(Path(folder), job.handed_on)]
                reading = ["sh", "-c", EXPORT, "sh"] if job.handed_on else []
                yield [
                    *("buildah", "run", "--isolation", self._isolation, "--user", user()),
                    *(word for mount in mounts for word in ("--volume", str(mount))),
                    *job.variables,
                    *("--workingdir", str(job.cwd), name, "--", *reading, *job.argv),
                ]
        finally:
            output(["buildah", "rm", name])


def secrets_in(folder: Path, names: Sequence[str]) -> list[Mount]:
    """Variables of this environment as files that only the container's user may read."""
    for name in names:
        (folder / name).write_text(os.environ.get(name, ""), encoding="utf-8")
    if os.getuid() == 0:
        for path in (folder, *folder.iterdir()):
            os.chown(path, IMAGE_USER, IMAGE_USER)
    return [Mount(folder, SECRETS)] if names else []


def limits() -> list[str]:
    """Limits for podman: by itself it asks for a million files, which many a machine refuses."""
    words = []
    for name, limit, enough in (
        ("nofile", resource.RLIMIT_NOFILE, 65536),
        ("nproc", resource.RLIMIT_NPROC, 16384),
    ):
        hard = resource.getrlimit(limit)[1]
        most = enough if hard == resource.RLIM_INFINITY else min(hard, enough)
        words += ["--ulimit", f"{name}={most}:{most}"]
    return words


def user() -> str:
    """Whom a container runs as: who runs it here, so that outputs are theirs; never root."""
    if os.getuid() == 0:
        return f"{IMAGE_USER}:{IMAGE_USER}"
    return f"{os.getuid()}:{os.getgid()}"


def find_engine() -> Engine:
    """The first engine that answers here.

    Raises:
        ConfigError: there is none.
    """
    for program in ("docker", "podman"):
        if shutil.which(program) and answers(program):
            return Docker(program)
    if shutil.which("buildah"):
        return Buildah()
    raise ConfigError(
        "There is no container engine here: start docker or podman, or install buildah "
        "(on Debian: apt-get install buildah)."
    )


def answers(program: str) -> bool:
    """Whether docker or podman can run containers here: docker's daemon may not be running."""
    return output([program, "info", "--format", "ok"]) == "ok"


def output(command: Sequence[str]) -> str:
    """What a command prints; '' when it fails."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else ""
