"""One head per task on the network that they share.

A training config whose pipeline is a transformer or a tok2vec and nothing else (minilm-tasks,
cnn-tasks) has no head of its own: each task of the phase puts in the one of its kind. What a task
puts in is plain spaCy config, so that overrides reach it as they reach all else, and the model that
is saved shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from confection import Config

from components.errors import ConfigError
from components.tasks.base import PLACES, Task
from components.tasks.listener import shared_network


def with_heads(config: Config, tasks: Sequence[Task]) -> Config:
    """The config with a head for each task, if it has none.

    Args:
        config: not interpolated; it is not changed.

    Raises:
        ConfigError: a kind has no head, or a task has the name of the shared network.
    """
    shared = shared_network(config)
    if shared is None:
        return config
    merged: dict[str, Any] = config.copy()
    # Where nothing is to be learnt in a batch, spaCy's parser says nothing to the network, which
    # waits for its last listener: classifiers always answer.
    for task in sorted(tasks, key=lambda task: PLACES.index(task.place)):
        head = task.head(shared)
        for name in head["components"]:
            if name in merged["components"]:
                raise ConfigError(
                    f"tasks.{task.name}: the training config has a component {name} of its own. "
                    "Name the task otherwise."
                )
        merged["nlp"]["pipeline"] = [*merged["nlp"]["pipeline"], *head["components"]]
        merged = deep_merged(merged, head, ())
    return Config(merged)


def deep_merged(
    below: Mapping[str, Any], above: Mapping[str, Any], path: tuple[str, ...]
) -> dict[str, Any]:
    """`above` over `below`, section by section; a function takes no other's place."""
    result = dict(below)
    for key, value in above.items():
        old, here = result.get(key), (*path, key)
        if not (isinstance(old, dict) and isinstance(value, dict)):
            result[key] = value
        elif old != value and all(any(key.startswith("@") for key in one) for one in (old, value)):
            raise ConfigError(
                f"training config: {'.'.join(here)} is taken: the head of a task needs it for "
                f"{', '.join(value.values())}. Write all components of the pipeline yourself."
            )
        else:
            result[key] = deep_merged(old, value, here)
    return result
