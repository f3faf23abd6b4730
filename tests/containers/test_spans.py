"""The server of models that find spans that may overlap."""

from __future__ import annotations

from pathlib import Path

from components.answers.models import Source, load
from tests.containers.conftest import write_model
from tests.containers.test_contract import client_of, entities, until_ready
from tests.support.spancat import write_spancat


def test_spans_stand_beside_entities(tmp_path: Path) -> None:
    spans = write_spancat(tmp_path / "spans", ["SCOPE"])
    found = write_model(tmp_path / "entities", {"fever": "DISO"})
    with client_of(load([Source("a", spans, "1"), Source("b", found, "2")])) as client:
        until_ready(client)
        body = {"instances": ["no fever"], "parameters": {"confidence": True}}
        [answer] = client.post("/predict", json=body).json()["predictions"]
        assert [(s["text"], s["start"], s["end"]) for s in answer["spans"]] == [
            ("no fever", 0, 8),
            ("no", 0, 2),
            ("fever", 3, 8),
        ]
        assert {(s["label"], s["phase"], s["task"]) for s in answer["spans"]} == {
            ("SCOPE", "a", "negation")
        }
        assert all(0 <= span["confidence"] <= 1 for span in answer["spans"])
        assert entities(answer) == [("fever", "DISO", 3, 8)]
        [short] = client.post("/phases/b/predict", json={"instances": ["no fever"]}).json()[
            "predictions"
        ]
        assert "spans" not in short
        [plain] = client.post("/phases/a/predict", json={"instances": ["no fever"]}).json()[
            "predictions"
        ]
        assert all("confidence" not in span for span in plain["spans"])
        [empty] = client.post("/phases/a/predict", json={"instances": [" "]}).json()["predictions"]
        assert "spans" in empty
