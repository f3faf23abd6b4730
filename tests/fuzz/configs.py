"""Damaged configs, as those that ship: each loads, or is refused in one message that names it."""

from __future__ import annotations

import random
import tempfile
import traceback
from pathlib import Path

from components.errors import ConfigError
from pipelines.config.load import load
from tests.fuzz.outcome import HangError, Outcome, at_most
from tests.pipelines.config.test_config_fuzz import CONFIGS, mutated

SECONDS = 20.0  # for one config


def fuzz(count: int, seed: int) -> Outcome:
    """Load `count` configs."""
    outcome, source = Outcome(), random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        for shipped in CONFIGS[0].parent.iterdir():
            (Path(folder) / shipped.name).symlink_to(shipped)
        for number in range(count):
            shipped = CONFIGS[number % len(CONFIGS)]
            path = Path(folder) / f"damaged-{shipped.name}"
            path.write_text(mutated(shipped.read_text(encoding="utf-8"), source), encoding="utf-8")
            load_one(path, outcome)
    return outcome


def load_one(path: Path, outcome: Outcome) -> None:
    """Load a config, and note how that ended."""
    outcome.tried += 1
    try:
        with at_most(SECONDS):
            load(path)
    except ConfigError as error:
        outcome.counts["refused"] += 1
        if f"{path}:" not in str(error):
            outcome.faults.append(f"a message that does not name the config: {error}")
    except HangError:
        outcome.faults.append(f"no end after {SECONDS:g} s: {path.read_text(encoding='utf-8')}")
    except Exception:
        outcome.faults.append(traceback.format_exc(limit=-4))
    else:
        outcome.counts["loaded"] += 1
