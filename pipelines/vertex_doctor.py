"""What `retrain doctor` checks of a project on Google Cloud. Nothing is changed."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from google.api_core import exceptions

from components.errors import ConfigError
from components.upload.google import reaching
from pipelines.load import Loaded
from pipelines.vertex import VertexRuns, runs_of

MANIFESTS = ", ".join(
    [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
)
SERVICE = "aiplatform.googleapis.com"


class VertexDoctor:
    """Checks one config against its project."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.runs: VertexRuns = runs_of(loaded)
        self.place = self.runs.place

    def checks(self) -> dict[str, Callable[[], str]]:
        """Every check by its name."""
        return {
            "Vertex AI answers": self.service,
            "bucket": self.bucket,
            "service account": self.account,
            "images": self.images,
            "GPU quota": self.quota,
        }

    def service(self) -> str:
        """The API is enabled, and these credentials may look at runs."""
        self.runs.matching('state="PIPELINE_STATE_RUNNING"')
        return f"the runs of {self.place.name} can be seen"

    def bucket(self) -> str:
        """The bucket is there, in the region, and the project's own."""
        self.runs.check_bucket()
        name = self.runs.settings.pipeline_root.removeprefix("gs://").partition("/")[0]
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
                raise ConfigError(f"vertex.service_account: there is no {email}.") from None
        if not granted.get("permissions"):
            raise ConfigError(
                f"vertex.service_account: you may not run tasks as {email}. Ask for "
                "roles/iam.serviceAccountUser on it (docs/setup-gcp.md)."
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
                        f"images: {image} is not there. Build it, or correct the name."
                    ) from None
        # Another registry must never see these credentials.
        return f"not looked for: {', '.join(elsewhere)}" if elsewhere else "both are there"

    def quota(self) -> str:
        """The project may use as many GPUs at a time as the phases do."""
        needed: dict[str, int] = {}
        for phase in self.loaded.pipeline.phases.values():
            train = phase.compute.train
            if train.accelerator:
                needed[train.accelerator] = needed.get(train.accelerator, 0) + train.count
        for accelerator, count in needed.items():
            limit = self._limit(accelerator)
            if limit < count:
                raise ConfigError(
                    f"{count} {accelerator} are needed when all phases train at the same time, "
                    f"and {self.place.location} allows {limit}. Ask for more in the console under "
                    "IAM & Admin, Quotas: 'Custom model training … GPUs per region', or submit the "
                    "phases one after another with --phase."
                )
        return (
            ", ".join(f"{count} {name}" for name, count in needed.items()) or "no GPU is asked for"
        )

    def _limit(self, accelerator: str) -> int:
        """How many GPUs of a kind custom jobs may use in this region at a time."""
        kind = accelerator.lower().replace("nvidia_tesla_", "nvidia_")
        metric = quote(f"{SERVICE}/custom_model_training_{kind}_gpus", safe="")
        path = f"/v1beta1/projects/{self.place.project}/services/{SERVICE}/consumerQuotaMetrics"
        with reaching(f"look up the quota of {accelerator}"):
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


def is_googles(image: str) -> bool:
    """Whether an image lies in Artifact Registry."""
    return image.partition("/")[0].endswith(".pkg.dev")
