"""What `retrain deploy` and another run would do, said before they are started."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from components.errors import ConfigError
from pipelines.config.load import load
from pipelines.local.runs import RunRecord
from pipelines.ui.writing import RefusedError

MACHINE = "n1-standard-4"
RUN = ["retrain", "run"]


@dataclass(frozen=True)
class Deployment:
    """A version that is to answer at an endpoint of Vertex AI; the fields are a form's.

    Attributes:
        model: NAME or NAME@VERSION, of the config's registry.
        traffic: percent, as it was typed.
    """

    model: str = ""
    endpoint: str = ""
    config: str = ""
    traffic: str = "100"
    machine: str = MACHINE

    @property
    def arguments(self) -> list[str]:
        """What follows `retrain`."""
        options = [f"--endpoint={self.endpoint}", f"--config={self.config}"]
        more = [f"--traffic={self.traffic}", f"--machine={self.machine}"]
        return ["deploy", *options, *more, "--", self.model]

    def steps(self) -> list[str]:
        """What will happen, a sentence each; nobody is asked for it but the config.

        Raises:
            RefusedError: a field is wrong.
            ConfigError: the config is, or it has no section for Vertex AI.
        """
        if not all((self.model, self.endpoint, self.config, self.machine)):
            raise RefusedError(422, "Model, endpoint, config and machine have to be named.")
        if self.traffic not in map(str, range(1, 101)):
            raise RefusedError(422, f"Traffic: {self.traffic!r} is no whole number of 1 to 100.")
        pipeline = load(Path(self.config)).pipeline
        if pipeline.vertex is None:
            raise ConfigError(f"{self.config}: there is no vertex section, so no place to deploy.")
        others = (
            "The versions that the endpoint has now are undeployed then."
            if self.traffic == "100"
            else f"The versions that the endpoint has now share the other "
            f"{100 - int(self.traffic)} percent."
        )
        return [
            f"Project {pipeline.vertex.project}, region {pipeline.vertex.location}: the endpoint "
            f"{self.endpoint} is found by its name, or made.",
            f"{self.model} is looked for in {pipeline.registry_url}"
            f"{'' if '@' in self.model else ': its version in production (champion)'}.",
            f"A machine {self.machine} is started for it. It costs every hour until the version is "
            "undeployed, used or not.",
            "It gets a tenth of the traffic, or all of it where nothing else is deployed, until it "
            f"has answered a first text; then {self.traffic} percent. {others}",
            "If it does not answer, it is taken away, and the traffic is as before.",
        ]


def again(record: RunRecord, out: Path) -> list[str]:
    """The arguments of the command that started a run, to start it again into `out`.

    Raises:
        ConfigError: it was started otherwise, or its config is not seen from here.
    """
    try:
        words = shlex.split(record.command)
    except ValueError:
        words = []
    if words[: len(RUN)] != RUN:
        raise ConfigError("This run was not started by `retrain run`.")
    if not Path(record.config).is_file():
        raise ConfigError(
            f"There is no config {record.config} seen from {Path.cwd()}, where retrain ui was "
            "started."
        )
    return [*words[1:], f"--out={out}"]
