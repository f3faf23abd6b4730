"""Which service a config means: its runs and its schedule."""

from __future__ import annotations

from components.errors import ConfigError
from pipelines.config.load import Loaded
from pipelines.services.base import Backend, Scheduled
from pipelines.services.submission import scheduled


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
        ConfigError: it declares none, its target is this machine, or it keeps to another time zone
            than the cluster.
    """
    pipeline, runs = loaded.pipeline, backend_of(loaded)
    if pipeline.schedule is None:
        raise ConfigError(
            f"{loaded.path}: add a `schedule` section, e.g. schedule: {{cron: '0 3 * * 1'}}"
        )
    if pipeline.kubeflow and pipeline.target == "kubeflow":
        from pipelines.services.kubeflow.schedule import KubeflowSchedule

        zone, clusters = pipeline.schedule.timezone, pipeline.kubeflow.timezone
        if zone != clusters:
            raise ConfigError(
                f"{loaded.path}: schedule.timezone: {zone}, but Kubeflow Pipelines reads every "
                f"cron in the time zone of its installation, {clusters} as kubeflow.timezone says. "
                "Write the cron in that, and name the same in both."
            )
        kind: type[Scheduled] = KubeflowSchedule
    else:
        from pipelines.services.vertex.schedule import VertexSchedule

        kind = VertexSchedule
    return kind(runs, pipeline.schedule, pipeline.name, lambda: scheduled(loaded))
