"""From a checked config to a pipeline spec: the same config gives the same bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import yaml

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


def package(loaded: Loaded) -> str:
    """The spec as a file for the console; on Kubeflow the volume is a second document."""
    spec = compiled(loaded)
    if loaded.pipeline.target != "kubeflow" or loaded.pipeline.kubeflow is None:
        return spec
    from pipelines.services.kubeflow.volume import platform_spec

    platform = platform_spec(yaml.safe_load(spec), loaded.pipeline.kubeflow.claim)
    return "---\n".join([spec, yaml.safe_dump(platform)])
