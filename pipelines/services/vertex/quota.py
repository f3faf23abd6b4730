"""How many GPUs the tasks use at the same time, and how many the project may."""

from __future__ import annotations

import math
from collections import Counter
from urllib.parse import quote

from google.api_core import exceptions

from components.errors import ConfigError, RemoteError
from components.google_cloud import Place, reaching
from pipelines.config.schema import Pipeline
from pipelines.services.finding import NotSeenError

SERVICE = "aiplatform.googleapis.com"
SPOT = " (spot)"


def check_quota(place: Place, pipeline: Pipeline) -> str:
    """The project may use as many GPUs at a time as the phases do.

    Raises:
        ConfigError: it may not; the message has the command that asks for more.
        NotSeenError: no quota goes by the name that a kind of GPU should have.
    """
    needed = gpus_at_a_time(pipeline)
    limits = {kind: limit_of(place, kind) for kind in needed}
    short = [kind for kind, count in needed.items() if limits[kind] < count]
    if short:
        shortages = (too_few(place, kind, needed[kind], limits[kind]) for kind in short)
        raise ConfigError(
            f"{'; '.join(shortages)}. Or set parallel: false, and the phases take turns."
        )
    return ", ".join(f"{count} {kind}" for kind, count in needed.items()) or "no GPU is asked for"


def too_few(place: Place, kind: str, count: int, limit: float) -> str:
    """The message about one kind, with the command that asks for more.

    The id of a quota is not made of its metric's name, so the command looks it up.
    """
    where = f"--service={SERVICE} --project={place.project}"
    return (
        f"{count} {kind} are needed at the same time, and {place.location} allows {limit}. Ask "
        f"for more, which Google has to grant: gcloud quotas preferences create {where} "
        f"--quota-id=$(gcloud quotas info list {where} "
        f"--filter=metric={SERVICE}/{metric_of(kind)} --format='value(quotaId)') "
        f"--dimensions=region={place.location} --preferred-value={count} "
        "--email=you@example.org"
    )


def limit_of(place: Place, kind: str) -> float:
    """How many GPUs of a kind custom jobs may use in this region at a time.

    Raises:
        NotSeenError: there is no such quota.
    """
    metric = quote(f"{SERVICE}/{metric_of(kind)}", safe="")
    path = f"/v1beta1/projects/{place.project}/services/{SERVICE}/consumerQuotaMetrics"
    try:
        with reaching(f"look up the quota of {kind}"):
            answer = place.request("GET", "serviceusage.googleapis.com", f"{path}/{metric}")
    except RemoteError as error:
        if not isinstance(error.__cause__, exceptions.NotFound):
            raise
        raise NotSeenError(
            f"Vertex AI has no quota {metric_of(kind)}, so how many {kind} are allowed is not "
            "known. See https://console.cloud.google.com/iam-admin/quotas?project="
            f"{place.project}, and whether compute names the accelerator as Google does"
        ) from None
    # A bucket without a region is the default of every region that has none of its own.
    default, regional = 0.0, None
    for limit in answer.get("consumerQuotaLimits", []):
        for bucket in limit.get("quotaBuckets", []):
            region = bucket.get("dimensions", {}).get("region")
            if region == place.location:
                regional = as_limit(bucket["effectiveLimit"])
            elif region is None:
                default = as_limit(bucket["effectiveLimit"])
    return default if regional is None else regional


def as_limit(text: str) -> float:
    """A limit as the API writes it: -1 is none."""
    return math.inf if int(text) < 0 else int(text)


def gpus_at_a_time(pipeline: Pipeline) -> Counter[str]:
    """Kind of GPU -> how many tasks use one at the same time; "… (spot)" has a quota of its own.

    In a phase one task follows another; phases run side by side unless they take turns.
    """
    needed: Counter[str] = Counter()
    for phase in pipeline.phases.values():
        mine: Counter[str] = Counter()
        for resources in (phase.compute.of(stage) for stage in phase.stages):
            if resources.accelerator:
                kind = f"{resources.accelerator}{SPOT if resources.spot else ''}"
                mine |= Counter({kind: resources.count})
        needed = needed + mine if pipeline.parallel else needed | mine
    return needed


def metric_of(kind: str) -> str:
    """The name of the quota of a kind of GPU."""
    gpu = kind.removesuffix(SPOT).lower().replace("nvidia_tesla_", "nvidia_")
    return f"custom_model_training_{'preemptible_' if kind.endswith(SPOT) else ''}{gpu}_gpus"
