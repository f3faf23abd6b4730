"""A GPU that is wanted and not there."""

from __future__ import annotations

import pytest

from components.errors import ConfigError
from components.train.run import choose_device
from components.train.settings import TrainSettings


def test_the_message_names_what_was_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/usr/local/nvidia/lib64")
    with pytest.raises(ConfigError) as refused:
        choose_device(TrainSettings(device="gpu"))
    said = str(refused.value)
    assert "train.device is gpu and there is none (" in said
    for part in ("/dev/nvidia", "libcuda.so.1", "torch is built for", "cupy is"):
        assert part in said
    assert "set train.device to auto" in said
