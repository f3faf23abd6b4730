"""What `retrain doctor` checks of a project on Google Cloud. Nothing is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from urllib.parse import quote

from google.api_core import exceptions

from components.errors import ConfigError
from components.google_cloud import reaching
from pipelines.config.load import Loaded
from pipelines.config.schema import STAGES, Pipeline
from pipelines.services.vertex.iam import own_access, runner_access
from pipelines.services.vertex.runs import VertexRuns, runs_of

MANIFESTS = ", ".join(
    [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
)
SERVICE = "aiplatform.googleapis.com"
SPOT = " (spot)"
# What docs/setup-gcp.md enables for runs; those for building images are not looked at.
SERVICES = (
    SERVICE,
    "artifactregistry.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "storage.googleapis.com",
)


class VertexDoctor:
    """Checks one config against its project."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.runs: VertexRuns = runs_of(loaded)
        self.place = self.runs.place

    def checks(self) -> dict[str, Callable[[], str]]:
        """Every check by its name."""
        return {
            "APIs": self.services,
            "Vertex AI answers": self.service,
            "bucket": self.bucket,
            "your roles": lambda: own_access(self.place, self.bucket_name),
            "service account": self.account,
            "its roles": lambda: runner_access(
                self.place, self.bucket_name, self.runs.settings.service_account
            ),
            "images": self.images,
            "GPU quota": self.quota,
        }

    @property
    def bucket_name(self) -> str:
        """The bucket of the runs."""
        return self.runs.settings.pipeline_root.removeprefix("gs://").partition("/")[0]

    def services(self) -> str:
        """Every API that a run uses is enabled."""
        parent = f"projects/{self.place.project}"
        names = [("names", f"{parent}/services/{service}") for service in SERVICES]
        with reaching("look up the enabled APIs"):
            answer = self.place.request(
                "GET",
                "serviceusage.googleapis.com",
                f"/v1/{parent}/services:batchGet",
                params=names,
            )
        enabled = {
            service["name"].rpartition("/")[2]
            for service in answer.get("services", [])
            if service.get("state") == "ENABLED"
        }
        if missing := [service for service in SERVICES if service not in enabled]:
            raise ConfigError(
                f"not enabled: {', '.join(missing)}. Run: gcloud services enable "
                f"{' '.join(missing)} --project={self.place.project}"
            )
        return f"{len(SERVICES)} are enabled"

    def service(self) -> str:
        """The API is enabled, and these credentials may look at runs."""
        self.runs.matching('state="PIPELINE_STATE_RUNNING"')
        return f"the runs of {self.place.name} can be seen"

    def bucket(self) -> str:
        """The bucket is there, in the region, and the project's own."""
        self.runs.check_bucket()
        name = self.bucket_name
        with reaching("list the buckets"):
            own = [bucket.name for bucket in self.place.storage.list_buckets(prefix=name)]
        if name not in own:
            raise ConfigError(
                f"vertex.pipeline_root: the bucket {name} is not one of {self.place.project}: "
                "whoever owns it could read and change every run. Use a bucket of your project."
            )
        return f"gs://{name} is in {self.place.location} and belongs to {self.place.project}"

    def account(self) -> str:
        """The service account exists, and these credentials may run tasks as it."""
        email = self.runs.settings.service_account
        if not email:
            raise ConfigError(
                "vertex.service_account: name one. Without it the tasks run as the project's "
                "default account, which may do far more than they need."
            )
        path = f"/v1/projects/-/serviceAccounts/{email}:testIamPermissions"
        wanted = {"permissions": ["iam.serviceAccounts.actAs"]}
        with reaching(f"look at {email}"):
            try:
                granted = self.place.request("POST", "iam.googleapis.com", path, json=wanted)
            except exceptions.NotFound:
                name, _, host = email.partition("@")
                raise ConfigError(
                    f"vertex.service_account: there is no {email}. Run: gcloud iam "
                    f"service-accounts create {name} --project={host.partition('.')[0]}"
                ) from None
        if not granted.get("permissions"):
            raise ConfigError(
                f"vertex.service_account: you may not run tasks as {email}. Somebody who may has "
                f"to run: gcloud iam service-accounts add-iam-policy-binding {email} "
                "--member=user:YOU --role=roles/iam.serviceAccountUser"
            )
        return f"you may run tasks as {email}"

    def images(self) -> str:
        """Both images are in their registry."""
        images = self.loaded.pipeline.images
        elsewhere = [each for each in (images.cpu, images.gpu) if not is_googles(each)]
        for image in {images.cpu, images.gpu}.difference(elsewhere):
            host, _, rest = image.partition("/")
            name, _, reference = rest.partition("@") if "@" in rest else rest.rpartition(":")
            with reaching(f"look for the image {image}"):
                try:
                    path = f"/v2/{name}/manifests/{reference}"
                    self.place.request("GET", host, path, headers={"Accept": MANIFESTS})
                except exceptions.NotFound:
                    raise ConfigError(
                        f"images: {image} is not there. `make push REGISTRY="
                        f"{image.rpartition('/')[0]}` builds and pushes it; or correct the name."
                    ) from None
        # Another registry must never see these credentials.
        return f"not looked for: {', '.join(elsewhere)}" if elsewhere else "both are there"

    def quota(self) -> str:
        """The project may use as many GPUs at a time as the phases do."""
        needed = gpus_at_a_time(self.loaded.pipeline)
        for kind, count in needed.items():
            limit = self._limit(kind)
            if limit < count:
                raise ConfigError(
                    f"{count} {kind} are needed at the same time, and {self.place.location} allows "
                    f"{limit}. Ask for more at https://console.cloud.google.com/iam-admin/quotas"
                    f"?project={self.place.project} (service Vertex AI, {metric_of(kind)}), or set "
                    "parallel: false, and the phases take turns."
                )
        return (
            ", ".join(f"{count} {kind}" for kind, count in needed.items()) or "no GPU is asked for"
        )

    def _limit(self, kind: str) -> int:
        """How many GPUs of a kind custom jobs may use in this region at a time."""
        metric = quote(f"{SERVICE}/{metric_of(kind)}", safe="")
        path = f"/v1beta1/projects/{self.place.project}/services/{SERVICE}/consumerQuotaMetrics"
        with reaching(f"look up the quota of {kind}"):
            answer = self.place.request("GET", "serviceusage.googleapis.com", f"{path}/{metric}")
        # A bucket without a region is the default of every region that has none of its own.
        default, regional = 0, None
        for limit in answer.get("consumerQuotaLimits", []):
            for bucket in limit.get("quotaBuckets", []):
                region = bucket.get("dimensions", {}).get("region")
                if region == self.place.location:
                    regional = int(bucket["effectiveLimit"])
                elif region is None:
                    default = int(bucket["effectiveLimit"])
        return default if regional is None else regional


def gpus_at_a_time(pipeline: Pipeline) -> Counter[str]:
    """Kind of GPU -> how many tasks use one at the same time; "… (spot)" has a quota of its own.

    In a phase one task follows another; phases run side by side unless they take turns.
    """
    needed: Counter[str] = Counter()
    for phase in pipeline.phases.values():
        mine: Counter[str] = Counter()
        for resources in (phase.compute.of(stage) for stage in STAGES):
            if resources.accelerator:
                kind = f"{resources.accelerator}{SPOT if resources.spot else ''}"
                mine |= Counter({kind: resources.count})
        needed = needed + mine if pipeline.parallel else needed | mine
    return needed


def metric_of(kind: str) -> str:
    """The name of the quota of a kind of GPU."""
    gpu = kind.removesuffix(SPOT).lower().replace("nvidia_tesla_", "nvidia_")
    return f"custom_model_training_{'preemptible_' if kind.endswith(SPOT) else ''}{gpu}_gpus"


def is_googles(image: str) -> bool:
    """Whether an image lies in Artifact Registry."""
    return image.partition("/")[0].endswith(".pkg.dev")
