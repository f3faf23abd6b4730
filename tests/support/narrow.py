"""spaCy's small network made smaller: for tests in which a training only has to happen."""

from __future__ import annotations

import json

NARROW = {
    "components.tok2vec.model.encode.width": 64,
    "components.tok2vec.model.encode.depth": 2,
    "components.tok2vec.model.embed.rows": [500, 250, 250, 250],
}


def quick(steps: int, every: int) -> str:
    """The `set:` of a phase that trains `cnn` for so many steps, scored every so many."""
    return json.dumps({"training.max_steps": steps, "training.eval_frequency": every, **NARROW})
