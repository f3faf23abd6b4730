"""What the gpu image promises, inside it, on a machine with or without a GPU."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoModel, AutoTokenizer


@pytest.mark.parametrize("name", ["debug", "train", "evaluate"])
def test_its_stages_are_there(name: str) -> None:
    subprocess.run([sys.executable, "-m", "components", name, "--help"], check=True)


def test_what_debug_and_train_write_with_is_there() -> None:
    modules = "spacy.cli.debug_config, spacy.cli.debug_data, tensorboardX"
    subprocess.run([sys.executable, "-c", f"import {modules}"], check=True)


def test_a_driver_that_is_mounted_is_found() -> None:
    """As Vertex AI and GKE mount it: the loader looks there, and the toolkit is asked for a GPU."""
    folders = os.environ["LD_LIBRARY_PATH"].split(":")
    assert {"/usr/local/nvidia/lib", "/usr/local/nvidia/lib64"} <= {*folders}
    assert "/usr/local/nvidia/bin" in os.environ["PATH"].split(":")
    assert os.environ["NVIDIA_VISIBLE_DEVICES"] == "all"
    assert os.environ["NVIDIA_DRIVER_CAPABILITIES"] == "compute,utility"
    # The Dockerfile has put it where the driver's libraries are mounted; it is in no other place.
    assert ctypes.CDLL("libcuda-stand-in.so.1")


def test_the_base_transformer_loads_without_a_hub() -> None:
    [folder] = Path(os.environ["RETRAIN_BASE_MODELS"]).iterdir()
    tokenizer = AutoTokenizer.from_pretrained(folder)  # type: ignore[no-untyped-call]
    tokens = tokenizer("HM Revenue and Customs", return_tensors="pt")
    output = AutoModel.from_pretrained(folder)(**tokens)
    assert output.last_hidden_state.shape[1] == tokens["input_ids"].shape[1]
