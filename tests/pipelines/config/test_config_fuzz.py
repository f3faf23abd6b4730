"""Damaged configs: each loads, or is refused in one message with exit code 2.

RETRAIN_FUZZ says how many of each shipped config: RETRAIN_FUZZ=5000 pytest …
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from components.errors import ConfigError
from pipelines.config.load import load

ROOT = Path(__file__).parents[3]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
MUTATIONS = int(os.environ.get("RETRAIN_FUZZ", "60"))
PIECES = [
    *"{}[]&*!|>'\"%@`#,:?-~<.\t\n\x00\x7f\u2028\ufeff\ud7ff",
    *(
        "{{$}}",
        "&a [*a]",
        "<<: *x",
        "<<: 1",
        "---\n",
        "...",
        "!!python/name:os.system",
        "!!binary a",
    ),
    *(
        "2024-13-45",
        ".inf",
        "9" * 5000,
        "1e999",
        "null",
        "NO",
        "-0",
        "0x",
        "0o8",
        "[" * 80,
        "? [a]\n: ",
    ),
    *(
        "%YAML 1.1\n---\n",
        "%TAG ! x\n",
        "- - - ",
        "\\x",
        '"\\ud800"',
        "é",
        "😀",
        "extends: x.yaml\n",
    ),
]


def mutated(text: str, rng: random.Random) -> str:
    """The text with one to four places deleted, doubled, swapped or broken into."""
    for _ in range(rng.randint(1, 4)):
        lines = text.splitlines(keepends=True) or ["\n"]
        at, row = rng.randrange(len(text) + 1), rng.randrange(len(lines))
        match rng.randrange(6):
            case 0:
                text = text[:at] + rng.choice(PIECES) + text[at:]
            case 1:
                text = text[:at] + text[at + rng.randint(1, 20) :]
            case 2:
                text = "".join([*lines[:row], lines[row], *lines[row:]])
            case 3:
                text = "".join([*lines[:row], *lines[row + 1 :]])
            case 4:
                other = rng.randrange(len(lines))
                lines[row], lines[other] = lines[other], lines[row]
                text = "".join(lines)
            case _:
                key, colon, _ = lines[row].partition(":")
                lines[row] = f"{key}{colon} {rng.choice(PIECES)}\n"
                text = "".join(lines)
    return text


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_a_damaged_config_loads_or_is_refused(config: Path, tmp_path: Path) -> None:
    rng = random.Random(config.stem)
    text = config.read_text(encoding="utf-8")
    for beside in config.parent.iterdir():
        if beside != config:
            (tmp_path / beside.name).symlink_to(beside)
    loaded = refused = 0
    for _ in range(MUTATIONS):
        path = tmp_path / config.name
        path.write_text(mutated(text, rng), encoding="utf-8")
        try:
            load(path)
        except ConfigError as error:
            refused += 1
            assert f"{tmp_path}/" in str(error)
        else:
            loaded += 1
    assert loaded
    assert refused
