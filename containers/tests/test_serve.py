"""What the serve image promises, inside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import spacy

PORT = "18080"


def test_it_serves_a_model_and_its_health_check_sees_it(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "GPE", "pattern": "London"}])  # type: ignore[attr-defined]
    nlp.to_disk(tmp_path / "model")
    environment = {
        **os.environ,
        "AIP_HTTP_PORT": PORT,
        "AIP_STORAGE_URI": str(tmp_path / "model"),
        "RETRAIN_SERVE_DRAIN": "0",
    }
    check = [sys.executable, "-m", "containers.serve.healthcheck"]
    server = subprocess.Popen([sys.executable, "-m", "containers.serve"], env=environment)
    try:
        while subprocess.run(check, env=environment, check=False).returncode != 0:
            assert server.poll() is None
        body = json.dumps({"instances": ["In London."]}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{PORT}/predict", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            [prediction] = json.load(answer)["predictions"]
        assert [entity["text"] for entity in prediction["entities"]] == ["London"]
    finally:
        server.terminate()
    assert server.wait() == 0


def test_the_transformer_libraries_are_there() -> None:
    import torch

    assert find_spec("spacy_transformers")
    assert torch.version.cuda is None
