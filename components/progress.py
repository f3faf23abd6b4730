"""How a stage reports its progress."""

from __future__ import annotations

import json
import os
from pathlib import Path

from components.files import writing

PROGRESS_VARIABLE = "RETRAIN_PROGRESS"


def report(**values: str | int | float) -> None:
    """Publish the newest progress of this task, e.g. `report(step=200, loss=1.5, f=0.81)`.

    Written to the file that RETRAIN_PROGRESS names (the local runner sets it); without it nothing
    is done, so a stage may call this anywhere.
    """
    target = os.environ.get(PROGRESS_VARIABLE)
    if target:
        with writing(Path(target)) as path:
            path.write_text(json.dumps(values), encoding="utf-8")
