"""The recipe for Prodigy, on what its documentation says of `recipe` and `set_hashes`.

Prodigy is sold, so this is not a run against it.
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pipelines.labelling.prodigy import OF_QUEUE

SPANS = {"text": "Ada", "tokens": [{"text": "Ada", "start": 0, "end": 3, "id": 0}], "spans": []}
CHOICE = {"text": "Pay", "options": [{"id": "TAX"}], "config": {"choice_style": "single"}}


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Any:
    prodigy = ModuleType("prodigy")
    prodigy.recipe = lambda _name, **_arguments: lambda function: function  # type: ignore[attr-defined]
    prodigy.set_hashes = lambda row: {**row, "_task_hash": 1}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "prodigy", prodigy)
    return runpy.run_path(str(OF_QUEUE))["queue"]


def test_rows_come_in_their_order_in_the_interface_that_they_ask_for(
    queue: Any, tmp_path: Path
) -> None:
    file = tmp_path / "next.jsonl"

    def asked(*rows: dict[str, Any], **options: Any) -> dict[str, Any]:
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        said: dict[str, Any] = queue("news", str(file), **options)
        assert [{**row, "_task_hash": 1} for row in rows] == [*said.pop("stream")]
        return said

    assert asked(SPANS, {**SPANS, "text": "Bob"}, label="ORG,DATE") == {
        "dataset": "news",
        "view_id": "ner_manual",
        "config": {"labels": ["ORG", "DATE"]},
    }
    assert asked(SPANS, label="ORG", overlapping=True)["view_id"] == "spans_manual"
    assert asked(CHOICE)["config"] == {"choice_style": "single"}
    both = asked({**SPANS, **CHOICE}, label="ORG")
    assert both["view_id"] == "blocks"
    assert both["config"]["blocks"] == [
        {"view_id": "ner_manual"},
        {"view_id": "choice", "text": None},
    ]
    with pytest.raises(SystemExit, match="Nothing to ask"):
        asked(SPANS)
