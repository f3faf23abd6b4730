"""How long a phase's training will take on this machine, before it begins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import ConfigError, RetrainError
from pipelines.config.languages import NAME
from pipelines.local.live_view import duration
from pipelines.local.runs import RunRecord, TaskRecord, find_task, list_runs, output_of

# Words that a core trains on in a second, to the half and the double: `python -m bench.pace`.
WORDS_PER_SECOND = {
    "bow-classes": 50_000,
    "cnn": 6_700,
    "cnn-classes": 8_200,
    "cnn-tasks": 6_300,
    "minilm": 560,
    "minilm-fast": 950,
    "minilm-tokens": 1_500,
    "minilm-classes": 1_300,
    "minilm-tasks": 1_000,
    # Measured of roberta and roberta-tokens alone.
    **dict.fromkeys(("roberta", "roberta-fast"), 90),
    **dict.fromkeys(("roberta-tokens", "roberta-classes", "roberta-tasks"), 290),
}
# The same with other weights, by --base.
WITH_WEIGHTS = {
    "intfloat/multilingual-e5-small": {"minilm-tokens": 720, "minilm-classes": 820},
}
# Processor seconds but for its steps: docs/performance.md, "What comes before the first step".
START = 6
LOOKED_AT = 20  # runs
GPU_UNKNOWN = "with a GPU: not measured; a run says its speed after the first steps"
UNKNOWN = "how long is not known; the run says it once the first steps are done"


@dataclass(frozen=True)
class Training:
    """A training before it begins.

    Attributes:
        name: of its training config, or a file.
        config: what that says, with what the phase sets in it.
        changed: keys that the phase sets.
        length: steps at most, and words in each; None where that can't be known.
    """

    name: str
    config: Mapping[str, Any]
    changed: Mapping[str, Any]
    length: tuple[int, int] | None


@dataclass(frozen=True)
class Before:
    """A training that this machine did.

    Attributes:
        run: its id.
        seconds: that it took in all.
        network: of its model, as `network_of` says it; None where the model is gone.
        words: trained on.
        looping: the part of `seconds` from its first step on, evaluation included.
    """

    run: str
    seconds: float
    network: list[Any] | None = None
    words: float = 0
    looping: float = 0


def expected(
    training: Training, before: Before | None, threads: int, gpu: str, like: Before | None = None
) -> str:
    """How long a training will take, and how that is known.

    Args:
        before: the phase's last one here.
        threads: cores that it gets.
        gpu: that it will use; "" for none.
        like: the last one here of the same network, of whichever phase.
    """
    if training.length is None:
        return took(before) if before else UNKNOWN
    steps, words = training.length
    network = network_of(training.config)
    of_same = before if before and before.network == network else like
    if of_same and of_same.words:
        pace = of_same.looping / of_same.words
        seconds = of_same.seconds - of_same.looping + steps * words * pace
        said = f"{roughly(seconds, training)}, as fast as run {of_same.run}"
        return f"{said}; {took(before)}" if before else said
    if speed := 0 if gpu else words_per_second(training):
        from components.train.length import FOR_EVALUATIONS

        seconds = START + (1 + FOR_EVALUATIONS) * steps * words / (speed * threads)
        said = roughly(seconds, training)
        return f"{said}; {took(before)}, with another network" if before else said
    return f"{took(before)}, perhaps with another network" if before else UNKNOWN


def words_per_second(training: Training) -> float:
    """Of one core, as measured elsewhere; 0 where it was not."""
    weights = training.changed.get(NAME)
    table = WITH_WEIGHTS.get(weights, {}) if weights else WORDS_PER_SECOND
    return table.get(training.name, 0)


def took(before: Before) -> str:
    return f"the last one took {duration(before.seconds)} in run {before.run}"


def roughly(seconds: float, training: Training) -> str:
    """A length of time, and when the training ends."""
    assert training.length
    steps, words = training.length
    patience = patience_of(training.config)
    sooner = f", or {patience:,} after the best score" if patience else ""
    return (
        f"roughly {duration(seconds)} at most, for {steps:,} steps of about {words} words{sooner}"
    )


def patience_of(config: Mapping[str, Any]) -> int:
    """Steps without a better score after which a training ends; 0: it goes to its last one."""
    training = config["training"]
    rate = training["optimizer"].get("learn_rate")
    fitted = isinstance(rate, Mapping) and rate.get("@schedules") == "retrain.over_corpus.v1"
    return 0 if fitted else int(training["patience"])


def network_of(config: Mapping[str, Any]) -> list[Any]:
    """What of a training config decides how much work a word is: components and base weights."""
    components = config["components"]
    return [
        [name, section.get("factory"), section.get("model", {}).get("name")]
        for name, section in sorted(components.items())
    ]


def last_training(out: Path, pipeline: str, phase: str) -> Before | None:
    """The phase's last training here; None if there was none."""
    for record in list_runs(out):
        if record.name != pipeline or record.is_curve:
            continue
        with suppress(ConfigError):
            trained = find_task(record, f"{phase}/train")
            if trained.state == "succeeded" and trained.seconds is not None:
                return known(record, trained, trained.seconds)
    return None


def last_of_network(out: Path, network: list[Any]) -> Before | None:
    """The last training here of a network, as `network_of` says it; of the newest runs alone."""
    for record in list_runs(out)[:LOOKED_AT]:
        for trained in record.tasks.values():
            if trained.task.endswith("/train") and trained.state == "succeeded" and trained.seconds:
                before = known(record, trained, trained.seconds)
                if before.network == network and before.words:
                    return before
    return None


def known(record: RunRecord, trained: TaskRecord, seconds: float) -> Before:
    """What is left to know of a training: of one whose model was deleted no more than its time."""
    from thinc.api import Config

    try:
        model = output_of(record, trained, "model")
        log = output_of(record, trained, "log")
        config = Config().from_disk(model / "config.cfg", interpolate=False)
        last = json.loads((log / "history.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    except (RetrainError, OSError, ValueError, IndexError):
        return Before(record.id, seconds)
    words = last["words_per_second"] * (last["seconds"] - last["evaluation_seconds"])
    return Before(record.id, seconds, network_of(config), words, last["seconds"])
