"""What `retrain doctor` can know of a Kubeflow Pipelines, and of the cluster that it runs on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from components.errors import ConfigError
from pipelines.config.load import Loaded
from pipelines.services.finding import NotSeenError
from pipelines.services.kubeflow.claim import check_claim
from pipelines.services.kubeflow.client import reaching
from pipelines.services.kubeflow.runs import KubeflowRuns, kubeflow_of

# What an older back end lacks, by kubeflow/pipelines' tags: its driver refuses a field that it does
# not know, so that every task would fail.
LACKS = {
    (2, 3): "limits of CPU and memory, and a place to write for images that are not root's",
    (2, 4): "limits of CPU and memory in its driver",
    (2, 5): "retries, and the volume's field `pvcNameParameter`",
}


def checks(loaded: Loaded) -> Mapping[str, Callable[[], str]]:
    """The checks of one config."""
    runs = kubeflow_of(loaded)

    def service() -> str:
        runs.check()
        return f"{runs.settings.host} is there, and the namespace suits it"

    def experiment() -> str:
        count = len(runs.history(loaded.pipeline.name))
        return f"{count} runs in {runs.where}" if count else "none yet: the first run makes it"

    return {
        "Kubeflow Pipelines answers": service,
        "its version": lambda: version(runs),
        "experiment": experiment,
        "volume": lambda: check_claim(runs.settings.claim, runs.settings.namespace or "kubeflow"),
    }


def version(runs: KubeflowRuns) -> str:
    """The back end is new enough.

    Raises:
        ConfigError: it is not; the message says what it lacks.
        NotSeenError: it does not say its version.
    """
    with reaching("ask for the version"):
        healthz = runs.connection.client.healthzs.healthz_service_get_healthz
        # The client knows no field for it.
        answer = json.loads(runs.connection.ask(healthz, _preload_content=False).data)
    tag = str(answer.get("tag_name", "unknown"))
    match = re.fullmatch(r"v?(\d+)\.(\d+)\..*", tag)
    if not match:
        raise NotSeenError(
            f"it calls itself {tag!r}, so nothing is known; 2.5.0 is needed. Look with: kubectl "
            "get deployment ml-pipeline --namespace kubeflow "
            "-o jsonpath='{.spec.template.spec.containers[0].image}'"
        )
    number = (int(match[1]), int(match[2]))
    if lacking := [what for since, what in LACKS.items() if number < since]:
        raise ConfigError(
            f"{runs.settings.host} is Kubeflow Pipelines {tag}; 2.5.0 is needed. It lacks "
            f"{'; '.join(lacking)}. Upgrade it: https://www.kubeflow.org/docs/components/pipelines"
        )
    return tag
