"""The committed sample is what the script writes, and it is fit for a demonstration."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LABELS = {
    "phase1": {"MONEY", "FORM", "PERSON", "DATE", "POSTCODE", "EMAIL", "PHONE"},
    "phase2": {"OCCUPATION", "ROLE", "TITLE", "GPE", "LOC", "FAC", "ORG", "EVENT"},
}


def rows(phase: str) -> tuple[list[dict[str, Any]], int]:
    """The rows of a sample file that are JSON, and how many lines are not."""
    good, broken = [], 0
    text = (ROOT / f"configs/sample/{phase}.jsonl").read_text(encoding="utf-8")
    for line in text.splitlines():
        try:
            good.append(json.loads(line))
        except json.JSONDecodeError:
            broken += 1
    return good, broken


def test_script_writes_the_committed_bytes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "scripts/make_sample.py", tmp_path], cwd=ROOT, check=True)
    for phase in LABELS:
        name = f"{phase}.jsonl"
        assert (tmp_path / name).read_bytes() == (ROOT / "configs/sample" / name).read_bytes()


@pytest.mark.parametrize("phase", LABELS)
def test_every_label_has_enough_accepted_examples(phase: str) -> None:
    accepted = [row for row in rows(phase)[0] if row["answer"] == "accept" and "_task_hash" in row]
    counts = Counter(span["label"] for row in accepted for span in row.get("spans", []))
    assert set(counts) == LABELS[phase]
    assert min(counts.values()) >= 50


@pytest.mark.parametrize("phase", LABELS)
def test_spans_lie_on_their_tokens(phase: str) -> None:
    for row in rows(phase)[0]:
        for span in row.get("spans", []) if "tokens" in row else []:
            first, last = row["tokens"][span["token_start"]], row["tokens"][span["token_end"]]
            assert (first["start"], last["end"]) == (span["start"], span["end"])


@pytest.mark.parametrize("phase", LABELS)
def test_sample_is_as_untidy_as_an_export_but_mostly_sound(phase: str) -> None:
    good, broken = rows(phase)
    assert broken == 1
    answers = Counter(row["answer"] for row in good)
    assert min(answers["reject"], answers["ignore"]) >= 5
    assert any("tokens" not in row for row in good)
    assert any("spans" not in row for row in good)
    texts = Counter(row["text"] for row in good if "text" in row)
    assert max(texts.values()) > 1
    assert len({row["meta"]["base_path"] for row in good if "meta" in row}) >= 60
