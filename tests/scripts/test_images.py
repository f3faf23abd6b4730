"""What `make test-images` says at once of a machine that lacks something."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import ConfigError
from scripts import images


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
        (tmp_path / name).write_text("#!/bin/sh", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(images, "HYBRID", tmp_path if hybrid else tmp_path / "none")
    if not lacking:
        images.check_tools()
        return
    with pytest.raises(ConfigError, match=f"apt-get install -y {lacking}$"):
        images.check_tools()
