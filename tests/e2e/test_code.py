"""`retrain run` with code of the user's own, starting from the model in production."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CONFIG = """\
name: small
registry: models
phases:
  phase-1:
    labels: [MONEY, FORM, PERSON, DATE, POSTCODE, EMAIL, PHONE]
    annotations: [phase1.jsonl]
    ingest: {required: []}
    split: {dev: 0.15, test: 0.25, group_by: meta.base_path}
    train:
      config: mine.cfg
      code: mine.py
      init: champion
      set:
        training.max_steps: 40
        training.eval_frequency: 20
        components.tok2vec.model.encode.width: 64
        components.tok2vec.model.encode.depth: 2
    gate: {mode: report-only}
    model: {name: ner-phase-1}
"""
CODE = """\
from spacy.language import Language


@Language.component("loud")
def loud(doc):
    doc.user_data["loud"] = doc.text.upper()
    return doc
"""


def retrain(folder: Path) -> dict[str, Any]:
    """Run the project; return the summary."""
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", "run", "small.yaml", "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def said_by_training(summary: dict[str, Any]) -> str:
    [log] = Path(summary["folder"]).glob("logs/*train.log")
    return log.read_text(encoding="utf-8")


def test_code_travels_and_the_champion_is_taken_up(tmp_path: Path) -> None:
    lines = (ROOT / "configs/sample/phase1.jsonl").read_bytes().splitlines(keepends=True)[:150]
    (tmp_path / "phase1.jsonl").write_bytes(b"".join(lines))
    cfg = (ROOT / "pipelines/config/training/cnn.cfg").read_text(encoding="utf-8")
    cfg = cfg.replace('["tok2vec", "ner"]', '["tok2vec", "ner", "loud"]')
    (tmp_path / "mine.cfg").write_text(cfg + '\n[components.loud]\nfactory = "loud"\n', "utf-8")
    (tmp_path / "mine.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "small.yaml").write_text(CONFIG, encoding="utf-8")

    first = retrain(tmp_path)
    assert "No model is in production" in said_by_training(first)
    model = Path(first["phases"]["phase-1"]["model_uri"])
    assert (model / "code.py").read_text(encoding="utf-8") == CODE

    (tmp_path / "mine.py").write_text(CODE.replace("upper", "lower"), encoding="utf-8")
    second = retrain(tmp_path)
    for name in ("tok2vec", "ner"):
        assert f"Weights of {name}: those of the model in production" in said_by_training(second)
    # Both models brought a component of the same name, and each was evaluated with its own.
    scores = second["phases"]["phase-1"]["scores"]
    assert scores["champion"]["overall"]["f"] > 0
    new = Path(second["phases"]["phase-1"]["model_uri"])
    assert new != model
    assert "lower" in (new / "code.py").read_text(encoding="utf-8")
