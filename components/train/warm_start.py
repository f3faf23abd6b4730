"""Start from the weights of the model in production instead of from base weights.

The config stays the law: it says what the components are. Each takes the champion's weights where
they fit: the same shapes, and for a component with labels the same labels. A recogniser whose
labels changed starts anew on the transformer or tok2vec of the champion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language

from components.custom_code import load_model
from components.errors import ConfigError
from components.tasks.base import Task
from components.train.snapshot import Arrays, nodes, set_weights, weights


def warm_start(
    champion: Path, initialise: Callable[[dict[str, Any]], Language], tasks: Sequence[Task] = ()
) -> Language:
    """Initialise a pipeline and put the champion's weights into it; stdout says which.

    Args:
        champion: the folder of its pipeline.
        initialise: makes the pipeline; takes component -> labels, as `spacy init labels` does.
        tasks: what is to be learnt.

    Raises:
        ConfigError: the champion can't be loaded here, or does something else.
    """
    try:
        old = load_model(champion)
    # Whatever an old pipeline raises in a new environment, it means the same.
    except Exception as error:
        raise ConfigError(
            f"train.init is champion and the model in production can't be loaded from {champion}: "
            f"{error!r}. Set train.init to base."
        ) from error
    for task in tasks:
        task.refuse(old, "the model in production")
    nlp = initialise({})
    orders = other_orders(nlp, old)
    if orders:
        nlp = initialise(orders)
    anew: set[str] = set()
    for name in nlp.pipe_names:
        own_layers = layers(nlp, name)
        if own_layers:
            reason = misfit(nlp, old, name) or on_new(nlp, name, anew)
            if reason:
                anew.add(name)
            else:
                copy_weights(own_layers, layers(old, name))
            where = f"new: {reason}" if reason else "those of the model in production"
            print(f"Weights of {name}: {where}", flush=True)
    return nlp


def other_orders(nlp: Language, old: Language) -> dict[str, Any]:
    """Labels of the champion's components that differ from the new ones in their order alone.

    Their order follows from how frequent they are, and decides which row of the weights is whose.
    """
    reordered = {}
    for name, labels in nlp.pipe_labels.items():
        known = old.pipe_labels.get(name, [])
        if labels and sorted(labels) == sorted(known) and rows(nlp, name) != rows(old, name):
            pipe: Any = old.get_pipe(name)
            reordered[name] = pipe.label_data
    return reordered


def rows(nlp: Language, name: str) -> Any:
    """What the rows of a component's last layer stand for, in order."""
    pipe = nlp.get_pipe(name)
    return getattr(pipe, "move_names", getattr(pipe, "labels", ()))


def layers(nlp: Language, name: str) -> dict[str, Any]:
    """The layers and PyTorch modules of a component that hold weights, by position."""
    return {key: node for key, node in nodes(nlp) if key.startswith(f"{name}/") and held(node)}


def held(node: Any) -> Arrays:
    """The weights of a layer or a PyTorch module; the state of a gradient scaler is none."""
    return {key: value for key, value in weights(node) if not key.startswith(":")}


def misfit(nlp: Language, old: Language, name: str) -> str:
    """Why a component can't take the champion's weights; "" if it can."""
    if name not in old.pipe_names:
        return "the model in production has no such component"
    now, before = set(nlp.pipe_labels.get(name, ())), set(old.pipe_labels.get(name, ()))
    if now != before:
        return "its labels changed: " + ", ".join(
            [
                *(f"+{label}" for label in sorted(now - before)),
                *(f"-{label}" for label in sorted(before - now)),
            ]
        )
    if rows(nlp, name) != rows(old, name) or shapes(nlp, name) != shapes(old, name):
        return "the model in production has another shape"
    return ""


def on_new(nlp: Language, name: str, anew: set[str]) -> str:
    """Why a component can't learn on: it reads what starts anew; "" if it does not."""
    for other in nlp.pipe_names:
        pipe: Any = nlp.get_pipe(other)
        if other in anew and name in getattr(pipe, "listening_components", ()):
            return f"{other}, which it reads, is new"
    return ""


def shapes(nlp: Language, name: str) -> dict[str, dict[str, tuple[int, ...]]]:
    """Shapes of a component's weights."""
    return {
        key: {parameter: value.shape for parameter, value in held(node).items()}
        for key, node in layers(nlp, name).items()
    }


def copy_weights(to: dict[str, Any], source: dict[str, Any]) -> None:
    """Copy the weights of one component to another of the same shapes."""
    for key, node in to.items():
        set_weights(node, {**dict(weights(node)), **held(source[key])})
