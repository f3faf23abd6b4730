"""The limits of a training step: the bare transformer, and everything but the transformer.

    python -m bench.train.floor

*Floor*: forward and backward of the transformer alone on the padded batches of one epoch. *Host*:
a step with a transformer that costs nothing, which is what would keep a fast GPU waiting. Words per
processor second, and processor microseconds per word.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

from bench.run import alone
from bench.train.__main__ import KEPT, corpora
from bench.train.arms import ARMS, config_of

WORK = {
    "floor, float32": ("retrain, batches by pieces", "floor"),
    "floor, bfloat16": ("retrain, minilm-fast", "floor"),
    "host, spacy train": ("spacy train, nothing discarded", "host"),
    "host, retrain, transition-based": ("retrain, batches by pieces", "host"),
    "host, retrain, token classifier": ("retrain, minilm-tokens", "host"),
}


def main() -> None:
    """Run each measurement in a process of its own."""
    if sys.argv[1:2] == ["--one"]:
        name, kind = WORK[sys.argv[2]]
        print(json.dumps({"floor": floor, "host": host}[kind](name)))
        return
    os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    corpora()
    for name in WORK:
        seconds = alone("bench.train.floor", name)["seconds_per_word"]
        print(f"{name:34}{1 / seconds:10,.0f} words/s{1e6 * seconds:8.1f} us/word", flush=True)


def floor(name: str) -> dict[str, float]:
    """Seconds per word of the transformer alone, without head, optimiser and evaluation."""
    import torch

    from components.memory import keep_freed_memory
    from components.train.precision import mixed_precision

    keep_freed_memory()
    loop, batches = prepared(name)
    model = loop.encodings.model.layers[0]

    def step(batch: list[Any]) -> None:
        pieces, _, _ = loop.encodings.batch([example.predicted for example in batch])
        output, backward = model(pieces, True)
        backward(type(output)(last_hidden_state=torch.ones_like(output.last_hidden_state)))
        model.shims[0]._model.zero_grad()

    with loop.encodings.used(), mixed_precision(loop.nlp, lambda _: None):
        return per_word(step, batches)


def host(name: str) -> dict[str, float]:
    """Seconds per word of forward and backward where the transformer is free."""
    from contextlib import nullcontext

    from components.train.precision import mixed_precision

    loop, batches = prepared(name)
    shim = loop.encodings.model.layers[0].shims[0]
    shim._model = free(shim._model)
    shim._hfmodel.transformer = shim._model
    by_retrain = ARMS[name].loop == "retrain"
    if not by_retrain:
        loop.direct = None
    parts = loop.settings["accumulate_gradient"]
    kept = loop.encodings.used() if by_retrain else nullcontext()
    with kept, mixed_precision(loop.nlp, lambda _: None):
        return per_word(lambda batch: loop.backward(batch, parts, 0.1), batches)


def prepared(name: str) -> tuple[Any, list[list[Any]]]:
    """A loop that is ready to go, and the batches of an epoch."""
    from spacy.util import registry

    from components.tasks import task_of
    from components.tasks.base import TaskSettings
    from components.train.loop import Loop
    from components.train.run import dev_scores, initialise

    registry.loggers.register("bench.clock.v1", func=lambda: lambda *_: None)
    config = config_of(ARMS[name], 0, {})
    nlp, training = initialise(config, KEPT / "train", KEPT / "dev", use_gpu=-1)
    quiet: Any = SimpleNamespace(say=lambda _: None)
    labels = tuple(json.loads((KEPT / "labels.json").read_text(encoding="utf-8")))
    task = task_of(TaskSettings(name="ner", labels=labels))
    loop = Loop(nlp, training, quiet, partial(dev_scores, [task]), checkpoints=quiet)
    epoch: list[list[Any]] = []
    for number, batch in loop.batches:
        if number:
            return loop, epoch
        epoch.append(batch)
    raise AssertionError


def free(module: Any) -> Any:
    """A module that answers at once, with a gradient to take."""
    import torch
    from transformers.modeling_outputs import BaseModelOutput

    class Free(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.config = module.config
            self.device = torch.device("cpu")
            self.vector = torch.nn.Parameter(torch.zeros(module.config.hidden_size))

        def forward(self, input_ids: Any, **_: Any) -> Any:
            hidden: Any = self.vector.expand(*input_ids.shape, -1)
            return BaseModelOutput(last_hidden_state=hidden)

    return Free()


def per_word(step: Callable[[list[Any]], Any], batches: list[list[Any]]) -> dict[str, float]:
    """Go through the batches once to warm up, then again with the clock on."""
    for batch in batches[:10]:
        step(batch)
    started = time.process_time()
    for batch in batches:
        step(batch)
    words = sum(len(example) for batch in batches for example in batch)
    return {"seconds_per_word": (time.process_time() - started) / words}


if __name__ == "__main__":
    main()
