"""What `make test-images` says at once of a machine that lacks something."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from components.errors import ConfigError
from scripts import images


def install(folder: Path, name: str) -> None:
    """A program that says that it is well, unless it is dead."""
    program, _, dead = name.partition(" ")
    said = "exit 1" if dead else "echo ok"
    (folder / program).write_text(f"#!/bin/sh\n{said}\n", encoding="utf-8")
    (folder / program).chmod(0o755)


@pytest.mark.parametrize(
    ("there", "hybrid", "lacking"),
    [
        ([], False, "buildah"),
        (["podman"], True, "iptables runc"),
        (["podman"], False, "crun iptables"),
        (["podman", "runc"], True, "iptables"),
        (["podman", "crun", "iptables"], False, ""),
        (["buildah"], True, ""),
        (["docker"], True, ""),
        (["docker is dead", "podman", "runc"], True, "iptables"),
        (["docker is dead", "buildah"], True, ""),
    ],
)
def test_what_is_missing_comes_with_its_command(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    there: list[str],
    hybrid: bool,
    lacking: str,
) -> None:
    for name in there:
        install(tmp_path, name)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(images, "HYBRID", tmp_path if hybrid else tmp_path / "none")
    if not lacking:
        images.check_tools(offline=False)
        return
    with pytest.raises(ConfigError, match=f"apt-get install -y {lacking}$"):
        images.check_tools(offline=False)


def test_what_is_missing_is_named_all_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "docker is dead")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError) as refused:
        images.check_tools(offline=True)
    assert str(refused.value) == (
        "buildah, debootstrap is missing, and no docker daemon answers. "
        "Run: apt-get install -y buildah debootstrap"
    )


@pytest.mark.parametrize("image", images.LOCKS)
def test_our_code_is_the_last_layer(image: str) -> None:
    text = (images.ROOT / f"containers/{image}/Dockerfile").read_text(encoding="utf-8")
    (stage,) = re.findall(r"^FROM \$\{BASE\} AS run\n(.*?)^FROM ", text, re.M | re.S)
    layers = re.findall(r"^(?:COPY|ADD|RUN|WORKDIR) .*$", stage, re.M)
    assert layers[-1] == "COPY --from=build /opt/retrain /opt/retrain"
