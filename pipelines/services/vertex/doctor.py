"""What `retrain doctor` checks of a project on Google Cloud. Nothing is changed."""

from __future__ import annotations

from collections.abc import Callable

from google.api_core import exceptions

from components.errors import ConfigError
from components.google_cloud import patient, reaching
from pipelines.config.load import Loaded
from pipelines.services.finding import NotSeenError
from pipelines.services.vertex.iam import own_access, runner_access
from pipelines.services.vertex.images import check_images, user_of
from pipelines.services.vertex.quota import check_quota
from pipelines.services.vertex.runs import VertexRuns, runs_of

# What docs/setup-gcp.md enables for runs; those for building images are not looked at.
SERVICES = (
    "aiplatform.googleapis.com",
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
            "images": lambda: check_images(self.place, self.images),
            "mount under /gcs": self.mount,
            "GPU quota": lambda: check_quota(self.place, self.loaded.pipeline),
        }

    @property
    def bucket_name(self) -> str:
        """The bucket of the runs."""
        return self.runs.settings.pipeline_root.removeprefix("gs://").partition("/")[0]

    @property
    def images(self) -> list[str]:
        """The images of the stages."""
        return [self.loaded.pipeline.images.cpu, self.loaded.pipeline.images.gpu]

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
        with reaching(f"read {email}"):
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

    def mount(self) -> str:
        """What a task writes below /gcs gets into the bucket.

        Only a task sees the mount itself: `make test-vertex` asks one. Here is what is known to
        break it: what gcsfuse does not do, and images whose user may not write there.
        """
        name = self.bucket_name
        with reaching(f"read the bucket {name}"):
            bucket = self.place.storage.get_bucket(name, **patient())
        change = f"gcloud storage buckets update gs://{name}"
        refusals = {
            f"a retention policy: {change} --clear-retention-period": bucket.retention_period,
            f"a default hold: {change} --no-default-event-based-hold": (
                bucket.default_event_based_hold
            ),
            f"requester pays: {change} --no-requester-pays": bucket.requester_pays,
        }
        if found := [what for what, there in refusals.items() if there]:
            raise ConfigError(
                f"vertex.pipeline_root: a task cannot write into gs://{name} where it is mounted, "
                f"since the bucket has {'; '.join(found)}. Or use another bucket."
            )
        users = {image: user_of(self.place, image) for image in self.images}
        if others := [f"{image} runs as {user}" for image, user in users.items() if user]:
            raise NotSeenError(
                f"{', '.join(others)}. Under /gcs all files belong to whoever mounted the bucket, "
                "and whether somebody else may write there is not documented: leave the USER out, "
                "as the images of `make images` do (docs/containers.md)"
            )
        return (
            f"nothing is known to keep tasks from writing to gs://{name}, and the images run as "
            "root; the mount itself only a task sees (make test-vertex)"
        )
