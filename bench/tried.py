"""What was tried on token classifiers and is not in the product, for the length of a training."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import numpy as np
import torch
from spacy.training import Corpus
from thinc.api import PyTorchShim
from torch.nn.functional import linear

from components.train import adam, direct, run
from components.train.direct_heads import TokenHead, add, sent
from components.train.evaluation import Evaluation
from components.train.loop import Loop
from components.train.snapshot import nodes
from components.word_pieces import WordPieces

MOST = 6_000  # words of test that are scored at each evaluation
Tried = Callable[[], AbstractContextManager[object]]


def layerwise(decay: float) -> Tried:
    """Each layer of a transformer learns `decay` times as fast as the one above it."""
    plain = adam.update_group

    def update(optimizer: Any, count: int, group: list[Any]) -> None:
        by_depth = defaultdict(list)
        for key, parameter in group:
            by_depth[depth(key[1])].append((key, parameter))
        above, rate = max(by_depth), optimizer.learn_rate
        for layer, some in by_depth.items():
            optimizer.learn_rate = rate * decay ** (above - layer)
            plain(optimizer, count, some)
        optimizer.learn_rate = rate

    return lambda: patch.object(adam, "update_group", update)


def depth(name: str) -> int:
    """The layer of a parameter, from 1; 0 are the embeddings."""
    _, found, rest = name.partition("encoder.layer.")
    return int(rest.split(".")[0]) + 1 if found else 0


def masked(fraction: float) -> Tried:
    """So many of the word pieces that a step learns from are hidden from the transformer."""
    update, padded = direct.Direct.update, WordPieces.padded
    learning = False

    def hiding(self: Any, *args: Any) -> None:
        nonlocal learning
        learning = True
        update(self, *args)
        learning = False

    def hidden(self: Any, each: Any) -> Any:
        batch = padded(self, each)
        if learning:
            tokenizer = self.model.tokenizer
            ids: Any = batch.input_ids
            some = np.random.random_sample(ids.shape) < fraction
            ids[some & ~np.isin(ids, tokenizer.all_special_ids)] = tokenizer.mask_token_id
        return batch

    @contextmanager
    def both() -> Iterator[None]:
        updating = patch.object(direct.Direct, "update", hiding)
        with updating, patch.object(WordPieces, "padded", hidden):
            yield

    return both


def linear_chain() -> AbstractContextManager[object]:
    """A loss that counts only rows of tags that are by the book: no I- but after its own label."""
    return patch.object(TokenHead, "loss", chain_loss)


def chain_loss(self: Any, examples: Any, tokens: Any, weights: Any, losses: Any) -> Any:
    """-log P(the row of tags), among those by the book; all tokens have to be annotated."""
    scores = linear(tokens, weights["W"], weights["b"])
    gold = sent(np.concatenate([self.labels(one) for one in examples]), scores.device)
    lengths = [len(one.predicted) for one in examples]
    follows = by_the_book(list(self.numbers))
    each = torch.nn.utils.rnn.pad_sequence(list(torch.split(scores, lengths)), batch_first=True)
    ends = torch.tensor(lengths)
    starts = torch.tensor([not tag.startswith("I-") for tag in self.numbers])
    sums = each[:, 0].masked_fill(~starts, -1e4)
    for place in range(1, each.shape[1]):
        before = (sums[:, :, None] + follows).logsumexp(dim=1) + each[:, place]
        sums = torch.where((place < ends)[:, None], before, sums)
    loss = sums.logsumexp(dim=1).sum() - scores.gather(1, gold[:, None]).sum()
    add(losses, self.tagger.name, loss.detach())
    return loss


def by_the_book(tags: list[str]) -> Any:
    """0 where a tag may follow another, else next to never; before x after."""
    allowed = [
        [not after.startswith("I-") or before[2:] == after[2:] for after in tags] for before in tags
    ]
    return torch.where(torch.tensor(allowed), 0.0, -1e4)


class Averaging(Loop):
    """Keeps the mean of the weights of the last third of the steps, and scores it beside the rest.

    Attributes:
        folder: where the pipeline with these weights is written.
        dev: its score; `seconds` what all this took, to be left out.
    """

    folder = Path()
    dev, seconds = 0.0, 0.0

    def update(self, batch: Any) -> None:
        super().update(batch)
        started = time.process_time()
        if self.state.step >= 2 * self.settings["max_steps"] // 3:
            means, self.taken = getattr(self, "means", None), getattr(self, "taken", 0) + 1
            now = [value for _, value in learnt(self.nlp)]
            if means is None:
                self.means = [value.clone() for value in now]
            else:
                torch._foreach_lerp_(means, now, 1 / self.taken)
        Averaging.seconds += time.process_time() - started

    def run(self, *args: Any) -> Any:
        state = super().run(*args)
        started = time.process_time()
        self.prepare(self.nlp).to_disk(Averaging.folder.with_name("last"))
        with torch.no_grad():
            for (_, value), mean in zip(learnt(self.nlp), self.means, strict=True):
                value.copy_(mean)
        Averaging.dev, _ = self.evaluate()
        self.prepare(self.nlp).to_disk(Averaging.folder)
        Averaging.seconds += time.process_time() - started
        return state


class Following(Averaging):
    """Also scores test at every evaluation of dev: which one to keep can be asked afterwards.

    Attributes:
        curve: step, score on dev, F on (a part of) test; the step of the mean is 0.
    """

    curve: ClassVar[list[tuple[int, float, float]]] = []

    def measure(self) -> None:
        super().measure()
        started = time.process_time()
        score, step = self.state.results[-1]
        Following.curve.append((step, score, self.on_test()))
        Averaging.seconds += time.process_time() - started

    def on_test(self) -> float:
        if not hasattr(self, "test"):
            every = list(Corpus(Averaging.folder.with_name("test_corpus"))(self.nlp))
            some = every[:: max(1, sum(map(len, every)) // MOST)]
            self.encodings.add(some)
            self.test = Evaluation(self.nlp, some)
        return float(self.test.evaluate(None)["ents_f"])

    def run(self, *args: Any) -> Any:
        state = super().run(*args)
        Following.curve.append((0, Averaging.dev, self.on_test()))
        return state


def learnt(nlp: Any) -> Iterator[tuple[str, Any]]:
    """Every weight of a pipeline as a tensor that shares its memory."""
    for name, node in nodes(nlp):
        if isinstance(node, PyTorchShim):
            yield from (
                (f"{name}/{key}", value.data) for key, value in node._model.named_parameters()
            )
        else:
            for key in node.param_names:
                if node.has_param(key):
                    yield f"{name}/{key}", torch.from_numpy(node.get_param(key))


def following(folder: Path) -> AbstractContextManager[object]:
    """While this lasts, trainings score test and keep the mean of the last weights.

    Args:
        folder: where the pipeline of the mean is written; beside it `last`.
    """
    Averaging.folder = folder
    return patch.object(run, "Loop", Following)


TRIED: dict[str, Tried] = {
    "layer-wise decay of 0.9": layerwise(0.9),
    "a tenth of the word pieces hidden": masked(0.1),
    "a linear-chain loss": linear_chain,
}
