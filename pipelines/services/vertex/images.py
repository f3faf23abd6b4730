"""What the registry says of the images that tasks run in. Nothing is changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from google.api_core import exceptions

from components.errors import ConfigError, RemoteError
from components.google_cloud import Place, reaching
from pipelines.services.finding import NotSeenError

INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    *INDEXES,
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
ROOT_USERS = ("", "0", "root")


@dataclass(frozen=True)
class Image:
    """An image of Artifact Registry by the parts of its name."""

    whole: str

    @property
    def host(self) -> str:
        """The registry's."""
        return self.whole.partition("/")[0]

    @property
    def name(self) -> str:
        """PROJECT/REPOSITORY/IMAGE."""
        rest = self.whole.partition("/")[2]
        return rest.partition("@")[0] if "@" in rest else rest.rpartition(":")[0]

    @property
    def reference(self) -> str:
        """Its tag, or its digest."""
        return self.whole.rpartition("@" if "@" in self.whole else ":")[2]

    @property
    def project(self) -> str:
        """The project that the repository is in."""
        return self.name.partition("/")[0]

    def may_be_read(self, member: str) -> str:
        """The command that lets a member pull it."""
        return (
            f"gcloud artifacts repositories add-iam-policy-binding {self.name.split('/')[1]} "
            f"--project={self.project} --location={self.host.removesuffix('-docker.pkg.dev')} "
            f"--member={member} --role=roles/artifactregistry.reader"
        )


def check_images(place: Place, images: Iterable[str]) -> str:
    """Every image is in its registry.

    Raises:
        ConfigError: one is not, or these credentials may not look.
        NotSeenError: one is in a registry of somebody else, or in another project.
    """
    wanted = sorted({*images})
    at_google = [Image(image) for image in wanted if is_googles(image)]
    for image in at_google:
        manifest(place, image)
    # Another registry must never see these credentials.
    if elsewhere := [image for image in wanted if not is_googles(image)]:
        raise NotSeenError(
            f"not looked for, since they are not in Artifact Registry: {', '.join(elsewhere)}. "
            f"Vertex AI pulls from there only what needs no login; look with: docker manifest "
            f"inspect {elsewhere[0]}"
        )
    if others := [image for image in at_google if image.project != place.project]:
        agent = "serviceAccount:service-PROJECT_NUMBER@gcp-sa-aiplatform.iam.gserviceaccount.com"
        raise NotSeenError(
            f"they are there, but in the project {others[0].project}: whether Vertex AI may pull "
            "them cannot be seen from here. Somebody who may there has to have run, with the "
            f"number of {place.project}: {others[0].may_be_read(agent)}"
        )
    return "both are there"


def user_of(place: Place, image: str) -> str:
    """The user that an image runs as unless told otherwise; '' for root.

    Raises:
        ConfigError: it is not there, or these credentials may not look.
        NotSeenError: it is in a registry of somebody else.
    """
    if not is_googles(image):
        raise NotSeenError(f"{image} is not in Artifact Registry: whom it runs as is not known")
    named = Image(image)
    described = manifest(place, named)
    with reaching(f"read the config of {image}"):
        path = f"/v2/{named.name}/blobs/{described['config']['digest']}"
        config = place.request("GET", named.host, path).get("config", {})
    user = str(config.get("User") or "").partition(":")[0]
    return "" if user in ROOT_USERS else user


def manifest(place: Place, image: Image) -> Any:
    """The manifest of an image, of the machine that tasks run on where there are several."""
    described = fetched(place, image, image.reference)
    if described.get("mediaType") in INDEXES:
        for each in described["manifests"]:
            platform = each.get("platform", {})
            if (platform.get("os"), platform.get("architecture")) == ("linux", "amd64"):
                return fetched(place, image, each["digest"])
        raise ConfigError(f"images: {image.whole} has nothing for linux/amd64: build it there.")
    return described


def fetched(place: Place, image: Image, reference: str) -> Any:
    """A manifest by its tag or digest."""
    path = f"/v2/{image.name}/manifests/{reference}"
    accept = {"Accept": ", ".join(MANIFESTS)}
    try:
        with reaching(f"look for the image {image.whole}"):
            return place.request("GET", image.host, path, headers=accept)
    except RemoteError as error:
        if isinstance(error.__cause__, exceptions.NotFound):
            registry = f"{image.host}/{image.name.rpartition('/')[0]}"
            raise ConfigError(
                f"images: {image.whole} is not there. `make push REGISTRY={registry}` builds and "
                "pushes it; or correct the name."
            ) from None
        if isinstance(error.__cause__, exceptions.Forbidden):
            raise ConfigError(
                f"images: you may not look for {image.whole}. Somebody who may has to run, with "
                f"you as MEMBER (user:you@example.org): {image.may_be_read('MEMBER')}"
            ) from None
        raise


def is_googles(image: str) -> bool:
    """Whether an image lies in Artifact Registry."""
    return image.partition("/")[0].endswith(".pkg.dev")
