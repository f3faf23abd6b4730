"""From a checked config to a pipeline spec: the same config gives the same bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pipelines.config.load import Loaded


def compiled(loaded: Loaded) -> str:
    """The KFP pipeline spec of a config, as one YAML document.

    Raises:
        ConfigError: a text in it is too long for the services.
    """
    from google.protobuf import json_format
    from kfp import compiler

    from pipelines.dag.retrain import retrain
    from pipelines.dag.sizes import check_sizes

    pipeline = retrain(loaded.pipeline, loaded.training_configs, loaded.training_code)
    check_sizes(json_format.MessageToDict(pipeline.pipeline_spec), loaded.pipeline.target)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        compiler.Compiler().compile(pipeline, str(path))
        return path.read_text(encoding="utf-8")
