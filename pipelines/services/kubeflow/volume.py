"""The volume that every task mounts, as Kubeflow Pipelines takes it beside a spec.

The format is that of kfp-kubernetes' `mount_pvc`. Vertex AI refuses such a second document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from pipelines.config.load import Loaded
from pipelines.config.schema import VOLUME
from pipelines.dag.compile import compiled
from pipelines.dag.spec import parsed


def package(loaded: Loaded) -> str:
    """The spec as a file for the console; on Kubeflow the volume is a second document."""
    spec = compiled(loaded)
    if loaded.pipeline.target != "kubeflow" or loaded.pipeline.kubeflow is None:
        return spec
    platform = platform_spec(parsed(spec), loaded.pipeline.kubeflow.claim)
    return "---\n".join([spec, yaml.safe_dump(platform)])


def platform_spec(spec: Mapping[str, Any], claim: str) -> dict[str, Any]:
    """What is only for Kubernetes: each executor of a spec mounts the claim.

    Args:
        spec: the compiled spec, parsed.
        claim: name of a persistent volume claim.
    """
    executors = {name: {"pvcMount": [mount(claim)]} for name in spec["deploymentSpec"]["executors"]}
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}


def mount(claim: str) -> dict[str, Any]:
    """The claim at the place where tasks look for it; older clusters read `constant`."""
    name = {"runtimeValue": {"constant": claim}}
    return {"mountPath": VOLUME, "constant": claim, "pvcNameParameter": name}
