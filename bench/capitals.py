"""MiniLM with a tokeniser that tells capitals, though its vocabulary is lower case.

    python -m bench.capitals FOLDER
    RETRAIN_BASE_MODELS=FOLDER python -m bench.entities DATA --arms minilm-tokens

A word that begins with a capital gets a word piece before it, an arrow up, and one with two of them
an arrow down. Those pieces are in the vocabulary; what they mean here the training has to find out.
The rules are the tokeniser's own, so a model with them opens without ours. bench.entities keeps
its figures by name: another folder's must be removed from build/bench/entities/ before.
"""

from __future__ import annotations

import json
import shutil
import string
import sys
from pathlib import Path
from typing import Any

from components.train.local_weights import TOKENIZER, find

NAME = "sentence-transformers/all-MiniLM-L6-v2"
ONE, SEVERAL = "↑", "↓"


def main() -> None:
    """Write the weights with that tokeniser."""
    folder = Path(sys.argv[1]) / NAME.replace("/", "--")
    weights = find(NAME)
    assert weights, f"{NAME} is not on this machine"
    shutil.copytree(weights, folder)
    file = folder / TOKENIZER
    tokenizer = json.loads(file.read_text(encoding="utf-8"))
    steps = [*rules(SEVERAL, "(?=[A-Z])"), *rules(ONE, ""), tokenizer["normalizer"]]
    tokenizer["normalizer"] = {"type": "Sequence", "normalizers": steps}
    file.write_text(json.dumps(tokenizer), encoding="utf-8")


def rules(mark: str, follows: str) -> list[dict[str, Any]]:
    """A capital at the beginning of a word becomes a mark and the small letter."""
    return [
        {
            "type": "Replace",
            "pattern": {"Regex": f"(?<![A-Za-z0-9]){letter}{follows}"},
            "content": f"{mark} {letter.lower()}",
        }
        for letter in string.ascii_uppercase
    ]


if __name__ == "__main__":
    main()
