"""The cores that this process may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from components import cores


def test_cores_know_the_quota_of_a_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr(cores, "_QUOTA", quota)
    unlimited = cores.available_cores()
    assert unlimited >= 1
    for text, expected in (("max 100000", unlimited), ("50000 100000", 1), ("nonsense", unlimited)):
        quota.write_text(text, encoding="ascii")
        assert cores.available_cores() == expected
