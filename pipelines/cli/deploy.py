"""`retrain deploy`: a registered model behind an endpoint of Vertex AI."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import AsJson, print_json


def deploy(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="NAME, or NAME@VERSION; champion when no version is named."
        ),
    ],
    endpoint: Annotated[str, typer.Option(metavar="NAME", help="The endpoint's display name.")],
    config: Annotated[
        Path, typer.Option(metavar="CONFIG", help="A pipeline config with a vertex section.")
    ],
    traffic: Annotated[
        int, typer.Option(min=1, max=100, help="Percent of the traffic for this version.")
    ] = 100,
    machine: Annotated[str, typer.Option(help="Type of machine to serve on.")] = "n1-standard-4",
    as_json: AsJson = False,
) -> None:
    """Serve a version on Vertex AI, next to what the endpoint serves now or instead of it.

    A new version starts with a tenth of the traffic. It gets its share, and with 100 percent the
    old ones go, only once it has answered; if it does not, everything is as before.
    """
    from components.errors import ConfigError
    from components.google_cloud import Place
    from components.registry.base import find
    from components.registry.open import open_registry
    from pipelines.config.load import load
    from pipelines.services.vertex.endpoints import Endpoints

    pipeline = load(config).pipeline
    if pipeline.vertex is None:
        raise ConfigError(f"{config}: there is no vertex section, so no place to deploy to.")
    name, _, reference = model.partition("@")
    version = find(open_registry(pipeline.registry_url), name, reference or "champion")
    place = Place(pipeline.vertex.project, pipeline.vertex.location)
    done = Endpoints(place).deploy(version, endpoint, traffic, machine)
    if as_json:
        print_json(asdict(done))
        return
    split = ", ".join(f"{each} {percent}%" for each, percent in sorted(done.traffic.items()))
    print(f"{endpoint} serves {split}")
    for gone in done.removed:
        print(f"no longer deployed: {gone}")
    if traffic < 100:
        print(
            f"Next, when it does well: retrain deploy {model} --endpoint {endpoint} "
            f"--config {config} --traffic 100"
        )
