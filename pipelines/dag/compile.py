"""From a checked config to a pipeline spec: the same config gives the same bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pipelines.config.load import Loaded


def compiled(loaded: Loaded) -> str:
    """The KFP pipeline spec of a config, as one YAML document."""
    from kfp import compiler

    from pipelines.dag.retrain import retrain

    pipeline = retrain(loaded.pipeline, loaded.training_configs, loaded.training_code)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        compiler.Compiler().compile(pipeline, str(path))
        return path.read_text(encoding="utf-8")
