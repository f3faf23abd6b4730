"""Does everything that a run needs exist, and may it be used? Nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from components.errors import ConfigError, RetrainError
from pipelines.config.load import Loaded
from pipelines.services.finding import Finding, NotSeenError
from pipelines.services.submission import refuse_unrepeatable


def findings(loaded: Loaded) -> Iterator[Finding]:
    """Every check in turn; a failed one does not stop the others.

    Raises:
        ConfigError: the config's target is this machine.
    """
    checks = {"config can be traced": lambda: traceable(loaded), **checks_of(loaded)}
    for name, check in checks.items():
        try:
            yield Finding(name, True, check())
        except NotSeenError as error:
            yield Finding(name, None, str(error))
        except RetrainError as error:
            yield Finding(name, False, str(error))


def checks_of(loaded: Loaded) -> Mapping[str, Callable[[], str]]:
    """What there is to check where the config's runs are: name -> what says what it has seen."""
    if loaded.pipeline.target == "kubeflow":
        from pipelines.services.kubeflow.doctor import checks as on_kubeflow

        return on_kubeflow(loaded)
    if loaded.pipeline.target == "vertex":
        from pipelines.services.vertex.doctor import VertexDoctor

        return VertexDoctor(loaded).checks()
    raise ConfigError(
        f"{loaded.path}: target: local. `retrain check` checks a config for this machine."
    )


def traceable(loaded: Loaded) -> str:
    """Nothing in the config would make a run that cannot be repeated."""
    refuse_unrepeatable(loaded)
    return "images are pinned, annotations are in buckets, the config is committed"
