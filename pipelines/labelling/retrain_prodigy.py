"""A recipe for Prodigy that asks for the texts that `retrain queue` chose, in their order.

    prodigy retrain.queue DATASET next.jsonl --label ORG,DATE -F retrain_prodigy.py

It needs Prodigy and nothing of retrain's. Written from prodi.gy/docs/custom-recipes and
prodi.gy/docs/api-interfaces; it has not been run against Prodigy itself.
"""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

import prodigy  # type: ignore[import-not-found]

Row = dict[str, Any]


@prodigy.recipe(  # type: ignore[untyped-decorator]
    "retrain.queue",
    dataset=("Dataset to save annotations to", "positional", None, str),
    source=("The JSON Lines that `retrain queue --format prodigy` wrote", "positional", None, str),
    label=("Labels of spans, with a comma between them", "option", "l", str),
    overlapping=("Spans may overlap", "flag", "ov", bool),
)
def queue(dataset: str, source: str, label: str = "", overlapping: bool = False) -> Row:
    """The parts of a recipe: what the first row asks for decides the interface."""
    rows = read(source)
    first = next(rows, {})
    marking = "spans_manual" if overlapping else "ner_manual"
    asked = [marking] if label else []
    asked += ["choice"] if "options" in first else []
    if not asked:
        raise SystemExit("Nothing to ask: give --label for spans, or rows with options.")
    # The text stands once: in the block that marks it.
    blocks = [{"view_id": view, **({"text": None} if n else {})} for n, view in enumerate(asked)]
    config: Row = {"blocks": blocks} if len(asked) > 1 else {}
    if label:
        config["labels"] = label.split(",")
    style = first.get("config", {}).get("choice_style")
    if style:
        config["choice_style"] = style
    return {
        "dataset": dataset,
        "view_id": "blocks" if len(asked) > 1 else asked[0],
        "stream": chain([first], rows),
        "config": config,
    }


def read(source: str) -> Iterator[Row]:
    """Yield the rows of a file, hashed: what the dataset has already is not asked for again."""
    with open(source, encoding="utf-8") as file:  # noqa: PTH123 - as a recipe of Prodigy's would
        for line in file:
            if line.strip():
                yield prodigy.set_hashes(json.loads(line))
