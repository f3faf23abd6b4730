"""The contract of an ML backend of Label Studio: health, setup and predict.

`/label-studio` answers with all models, `/label-studio/NAME` with one. A prediction names the
controls of the project that asks, whatever they are called: of its labelling config, those that
have the label. Label Studio asks again for tasks whose predictions are not of the version that
`setup` names, so a promotion shows there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, HTTPException
from fastapi import Request as HttpRequest
from pydantic import BaseModel, Field

from components.answers.findings import Findings
from components.answers.formats import Asked, confidence, results
from components.answers.markup import Element, parse
from components.errors import ConfigError
from containers.serve.contract import Parameters

if TYPE_CHECKING:
    from containers.serve.app import Server

PREFIX = "/label-studio"
TOGETHER = 32  # texts predicted at once: one request may bring all tasks of a project
KINDS = {"Labels": "labels", "Choices": "choices"}
VALUES = {"Label", "Choice"}


class Setup(BaseModel):
    """What Label Studio says of a project; also a token of its user's, which is not read."""

    labelling_config: str = Field("", alias="schema")


class Task(BaseModel):
    """A task of which the data alone counts."""

    data: dict[str, Any]


class Ask(BaseModel):
    """A request for predictions; what else Label Studio sends changes nothing."""

    tasks: list[Task]
    label_config: str


@dataclass(frozen=True)
class Control:
    """What marks spans of a text, or asks about it or about each span.

    Attributes:
        to: name of the text that it is about.
        kind: of its results: "labels" or "choices".
        labels: what it can say.
    """

    name: str
    to: str
    kind: str
    labels: frozenset[str]
    per_region: bool


@dataclass(frozen=True)
class Project:
    """What of a labelling config predictions have to know.

    Attributes:
        text: name of the text that the controls are about, `key` the field of the data that it is.
    """

    text: str
    key: str
    controls: tuple[Control, ...]

    def placed(self, found: Mapping[str, Any]) -> dict[str, Any] | None:
        """A result under the name of the control that can say it; None if none can."""
        kind = found["type"]
        per_region = kind == "choices" and "start" in found["value"]
        said = frozenset(found["value"][kind])
        able = [
            one
            for one in self.controls
            if one.kind == kind and one.per_region == per_region and said <= one.labels
        ]
        named = [one for one in able if one.name == found["from_name"]]
        return {**found, "from_name": (named or able)[0].name} if able else None


@lru_cache(maxsize=64)
def project_of(schema: str) -> Project:
    """The project of a labelling config.

    Raises:
        ConfigError: it is no XML, or asks nothing about a text that it shows.
    """
    elements = [*parse(schema.encode(), "label_config").walk()]
    texts = {one.get("name"): one for one in elements if one.tag == "Text"}
    controls = [
        control_of(one, to)
        for one in elements
        if one.tag in KINDS
        for to in one.get("toName").split(",")
        if to in texts
    ]
    if not controls:
        raise ConfigError("label_config: no <Labels> or <Choices> about a <Text>: not answered.")
    text = texts[controls[0].to]
    return Project(
        text=text.get("name"),
        key=text.get("value").removeprefix("$"),
        controls=tuple(one for one in controls if one.to == controls[0].to),
    )


def control_of(element: Element, to: str) -> Control:
    labels = [one.get("alias") or one.get("value") for one in element.walk() if one.tag in VALUES]
    return Control(
        name=element.get("name"),
        to=to,
        kind=KINDS[element.tag],
        labels=frozenset(labels),
        per_region=element.get("perRegion") == "true",
    )


def prediction(
    project: Project, said: Findings, asked: Asked, versions: Mapping[str, str]
) -> dict[str, Any]:
    """What models say of a text as a prediction; what no control of the project says is left out.

    A text of which nothing is said has a prediction, too: that nothing was found.
    """
    placed = map(project.placed, results(said, asked, project.text))
    return {
        "result": [one for one in placed if one],
        "score": confidence(said, asked),
        "model_version": version_of(versions),
    }


def version_of(versions: Mapping[str, str]) -> str:
    """The versions of the models that answer, as one."""
    return " ".join(f"{name}@{version}" for name, version in versions.items())


def text_of(task: Task, project: Project, longest: int) -> str | None:
    """The text of a task; None where it has none, or one that is too long."""
    text = task.data.get(project.key)
    return text if isinstance(text, str) and len(text) <= longest else None


async def predictions(server: Server, ask: Ask, phases: list[str] | None) -> list[Any]:
    """For each task a prediction, or none where there is no text to predict."""
    assert server.models
    project = read(ask.label_config)
    longest = server.options.max_characters
    texts = [text_of(task, project, longest) for task in ask.tasks]
    there = [text for text in texts if text is not None]
    made: list[dict[str, Any]] = []
    for start in range(0, len(there), TOGETHER):
        asked = server.models.asked
        some = there[start : start + TOGETHER]
        findings, versions = await server.findings(some, Parameters(phases=phases, confidence=True))
        made += [prediction(project, said, asked, versions) for said in findings]
    coming = iter(made)
    return [[] if text is None else next(coming) for text in texts]


def read(schema: str) -> Project:
    """As `project_of`; an HTTPException where it can't be."""
    try:
        return project_of(schema)
    except ConfigError as error:
        raise HTTPException(422, str(error)) from error


def add_routes(app: FastAPI, server: Server) -> None:
    """Answer Label Studio, with all models and with each."""

    def ready(name: str | None) -> list[str] | None:
        """The models to ask; None for all."""
        if not server.ready or not server.models:
            raise HTTPException(503, "The models are still loading.", {"Retry-After": "5"})
        if name is not None and name not in server.models.phases:
            known = ", ".join(server.models.phases)
            raise HTTPException(404, f"There is no model {name!r} here, only: {known}.")
        return None if name is None else [name]

    def version(name: str | None) -> str:
        wanted = ready(name)
        assert server.models
        versions = server.models.versions
        return version_of({key: versions[key] for key in wanted or versions})

    async def health(name: str | None = None) -> dict[str, str]:
        """Whether the models answer."""
        ready(name)
        return {"status": "UP"}

    async def setup(given: Setup, name: str | None = None) -> dict[str, str]:
        """The version of the models, for a project that they can answer."""
        ready(name)
        if given.labelling_config:
            read(given.labelling_config)
        return {"model_version": version(name)}

    async def predict(ask: Ask, http: HttpRequest, name: str | None = None) -> dict[str, Any]:
        """A prediction for each task."""
        wanted = ready(name)
        http.state.sizes = {"texts": len(ask.tasks)}
        return {"results": await predictions(server, ask, wanted)}

    async def versions(name: str | None = None) -> dict[str, Sequence[str]]:
        """The one version that answers."""
        return {"versions": [version(name)]}

    for prefix in (PREFIX, PREFIX + "/{name}"):
        app.add_api_route(f"{prefix}/health", health, methods=["GET"])
        app.add_api_route(f"{prefix}/setup", setup, methods=["POST"])
        app.add_api_route(f"{prefix}/predict", predict, methods=["POST"])
        app.add_api_route(f"{prefix}/versions", versions, methods=["GET"])
