"""Which service a config means: its runs and its schedule."""

from __future__ import annotations

from components.errors import ConfigError
from pipelines.config.load import Loaded
from pipelines.services.base import Backend, Scheduled


def backend_of(loaded: Loaded) -> Backend:
    """Where `submit` sends a config.

    Raises:
        ConfigError: its target is this machine.
    """
    if loaded.pipeline.target == "local":
        raise ConfigError(
            f"{loaded.path}: target: local. `retrain run` runs it here; this needs target: vertex "
            "(docs/setup-gcp.md) or target: kubeflow (docs/kubeflow.md)."
        )
    if loaded.pipeline.target == "kubeflow":
        from pipelines.services.kubeflow.runs import kubeflow_of

        return kubeflow_of(loaded)
    from pipelines.services.vertex.runs import runs_of

    return runs_of(loaded)


def schedule_on(loaded: Loaded) -> Scheduled:
    """The schedule that a config declares, where `submit` sends it.

    Raises:
        ConfigError: it declares none, or its target is this machine.
    """
    if loaded.pipeline.target == "kubeflow":
        from pipelines.services.kubeflow.schedule import schedule_of as on_kubeflow

        return on_kubeflow(loaded)
    from pipelines.services.vertex.schedule import schedule_of as on_vertex

    return on_vertex(loaded)
