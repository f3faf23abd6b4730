"""What `retrain doctor` can know of a Kubeflow Pipelines: its API says nothing of the cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipelines.config.load import Loaded
from pipelines.services.kubeflow.runs import kubeflow_of


def checks(loaded: Loaded) -> Mapping[str, Callable[[], str]]:
    """The checks of one config."""
    runs = kubeflow_of(loaded)

    def service() -> str:
        runs.check()
        return f"{runs.settings.host} is there, and the namespace suits it"

    def experiment() -> str:
        count = len(runs.history(loaded.pipeline.name))
        return f"{count} runs in {runs.where}" if count else "none yet: the first run makes it"

    def cluster() -> str:
        space = runs.settings.namespace or "kubeflow"
        return (
            "images, GPUs and the volume are the cluster's: kubectl get "
            f"persistentvolumeclaim {runs.settings.claim} --namespace {space}"
        )

    return {
        "Kubeflow Pipelines answers": service,
        "experiment": experiment,
        "not looked at": cluster,
    }
