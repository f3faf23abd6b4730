"""The cores that this process may use."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from components import cores
from tests.support.forking import fresh


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


def test_a_stage_takes_no_more_threads_than_the_quota(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text("50000 100000", encoding="ascii")
    monkeypatch.setattr(cores, "_QUOTA", quota)
    for name in ("OMP_NUM_THREADS", "GOMP_SPINCOUNT"):
        monkeypatch.setenv(name, "7")
        monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "argv", ["components", "--help"])
    with pytest.raises(SystemExit):
        runpy.run_module("components", run_name="__main__")
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert os.environ["GOMP_SPINCOUNT"] == "1000"


def test_what_the_environment_says_of_threads_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("GOMP_SPINCOUNT", "0")
    cores.limit_threads()
    assert (os.environ["OMP_NUM_THREADS"], os.environ["GOMP_SPINCOUNT"]) == ("3", "0")


def test_without_a_quota_torch_chooses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "_QUOTA", tmp_path / "none")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setenv("GOMP_SPINCOUNT", "0")
    cores.limit_threads()
    assert "OMP_NUM_THREADS" not in os.environ


def test_torch_heeds_it() -> None:
    code = """
from components import cores
cores._quota = lambda: 1
cores.limit_threads()
import torch
print(torch.get_num_threads())
"""
    plain = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    words = [sys.executable, "-c", code]
    with fresh():
        done = subprocess.run(words, env=plain, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == "1\n"
