"""The training loop: spaCy's own, step for step, with an order of batches that can be resumed.

Follows spacy.training.loop (spaCy 3.8): the same updates, evaluations and stopping rules. What
differs: batches follow from the seed and the epoch, and each step seeds the random numbers of
dropout, so that nothing depends on how the run came to this step; and the last step is evaluated
even where eval_frequency does not meet it.
"""

from __future__ import annotations

import itertools
import math
import operator
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
from spacy import schemas
from spacy.language import Language
from spacy.training import Example
from spacy.training.loop import (
    create_before_to_disk_callback,
    create_evaluation_callback,
    subdivide_batch,
    update_meta,
)
from spacy.util import registry, resolve_dot_names
from thinc.api import Model, fix_random_seed

from components.errors import ConfigError
from components.memory import give_back_freed_memory
from components.tasks.base import IN_STEP
from components.train.adam import finish_update
from components.train.batches import Batcher, Corpus, batches, count_batches
from components.train.checkpoint import Checkpoints, Saved
from components.train.checkpoint_schedule import CheckpointSchedule, Stop, StoppedError
from components.train.direct import find_direct
from components.train.encodings import Encodings
from components.train.evaluation import Evaluation
from components.train.known import known_part
from components.train.length import TIMES_AS_FAST, OverCorpus
from components.train.long_texts import LONGEST, all_shortened, unit
from components.train.pieces import ByPieces
from components.train.precision import apart, mixed_precision
from components.train.rates import TwoRates
from components.train.rejected import ADVICE, are_learnt_from, documents_with
from components.train.snapshot import Arrays, clear_gradients, put, take
from components.train.state import State
from components.train.training_log import TrainingLog
from components.train.vocabulary import freeze_large

FALLS = "warmup_linear"  # a schedule of thinc's
TaskScores = Callable[[dict[str, Any]], dict[str, float]]


@dataclass(frozen=True)
class Training:
    """What a config says of training.

    Attributes:
        settings: its [training] section, resolved.
        train, dev: the corpora that it names.
        fresh_batcher: makes another batcher like the one in settings.
    """

    settings: dict[str, Any]
    train: Corpus
    dev: Corpus
    fresh_batcher: Callable[[], Batcher]


def resolve(nlp: Language) -> Training:
    """Resolve what the config of a pipeline says of training."""
    config = nlp.config.interpolate()
    settings = registry.resolve(config["training"], schema=schemas.ConfigSchemaTraining)
    train, dev = resolve_dot_names(config, [settings["train_corpus"], settings["dev_corpus"]])
    batcher = {"batcher": config["training"]["batcher"]}
    return Training(
        settings, train, dev, fresh_batcher=lambda: registry.resolve(batcher)["batcher"]
    )


class Loop:
    """One training run.

    Args:
        nlp: the initialised pipeline.
        task_scores: picks a task's scores for the history from those of an evaluation.
        checkpoints: keeps the best pipeline, and the run.
    """

    def __init__(
        self,
        nlp: Language,
        training: Training,
        training_log: TrainingLog,
        task_scores: TaskScores,
        checkpoints: Checkpoints,
    ) -> None:
        settings = training.settings
        self.nlp = nlp
        self.settings = settings
        self.optimizer = settings["optimizer"]
        if isinstance(self.optimizer, TwoRates):
            self.optimizer.learn(nlp)
        self.frozen = list(settings["frozen_components"])
        self.seed = settings["seed"] or 0
        self.training_log = training_log
        freeze_large(nlp, training_log.say)
        self.encodings = Encodings(nlp)
        self.first_evaluation = 0
        self.state = State()
        dev = list(all_shortened(nlp, training.dev(nlp)))
        self.encodings.add(dev)
        self.batches = self.read_batches(training, dev_words=words_in(dev))
        evaluation = cast(Any, Evaluation(nlp, dev))
        self.evaluate = create_evaluation_callback(
            evaluation, lambda _: (), settings["score_weights"]
        )
        self.prepare = create_before_to_disk_callback(settings["before_to_disk"])
        self.dropouts = settings["dropout"]
        if isinstance(self.dropouts, float | int):
            self.dropouts = itertools.repeat(float(self.dropouts))
        self.direct = find_direct(nlp, self.encodings, settings)
        self.task_scores = task_scores
        self.checkpoints = checkpoints

    def read_batches(
        self, training: Training, dev_words: int
    ) -> Iterator[tuple[int, list[Example]]]:
        """Read the training corpus (unless max_epochs -1 streams it) and batch it."""
        max_epochs = self.settings["max_epochs"]
        batcher = self.settings["batcher"]
        if max_epochs < 0:
            return batches(
                lambda: all_shortened(self.nlp, training.train(self.nlp)),
                batcher,
                max_epochs=0,
                shuffle=False,
                seed=self.seed,
            )
        whole = list(training.train(self.nlp))
        examples = list(all_shortened(self.nlp, whole))
        cut = sum(map(operator.is_not, examples, whole))
        if cut:
            self.training_log.say(
                f"Of {cut:,} of {len(examples):,} documents the first {LONGEST:,} "
                f"{unit(self.nlp)} are learnt from; predictions read all of them."
            )
        if not are_learnt_from(self.nlp.config) and (some := documents_with(whole)):
            self.training_log.say(
                f"Warning: {some:,} documents have spans that annotators rejected. {ADVICE}"
            )
        self.encodings.add(examples)
        epoch, seen = count_batches(examples, training.fresh_batcher())
        if seen < len(examples):
            self.training_log.say(
                f"Warning: training.batcher leaves out {len(examples) - seen:,} of "
                f"{len(examples):,} documents. "
                "Set training.batcher.discard_oversize to false; docs/training.md says why."
            )
        self.set_length(
            epoch, dev_words / max(1, words_in(examples)), known_part(self.nlp, examples)
        )
        return batches(
            lambda: examples, batcher, max_epochs=max_epochs, shuffle=True, seed=self.seed
        )

    def set_length(self, epoch: int, dev: float, known: float) -> None:
        """Let a learning rate that asks for it set the number of steps, and when to evaluate.

        Args:
            epoch: batches of one pass over the corpus.
            dev: words of dev, as a fraction of those of the training corpus.
            known: how much of its classes is known.
        """
        rate = self.optimizer.schedules.get("learn_rate")
        settings, limits = self.settings, self.training_log.limits
        if not isinstance(rate, OverCorpus):
            self.tell_of_patience()
            return
        rate.fit(epoch, settings["max_steps"], known)
        settings["max_steps"] = limits.max_steps = rate.steps
        evaluation = dev * epoch / TIMES_AS_FAST
        settings["eval_frequency"] = rate.evaluate_every(settings["eval_frequency"], evaluation)
        self.first_evaluation, self.state.kept_from = 1, rate.kept_from
        self.training_log.say(
            f"{rate.steps:,} steps, about {rate.steps / max(1, epoch):.1f} passes over the "
            f"training corpus; dev is looked at every {settings['eval_frequency']:,}, and the "
            f"best weights from step {rate.kept_from:,} on are kept"
        )
        if known < 1 and not rate.is_fixed:
            self.training_log.say(
                f"{known:.0%} of the classes of its documents is known: it is gone over more often"
            )
        if settings["patience"]:
            settings["patience"] = limits.patience = 0
            self.training_log.say(
                "training.patience is not used: the learning rate falls until the last step, and "
                "the best ones come late."
            )

    def tell_of_patience(self) -> None:
        """Say where a run may end before its learning rate has fallen: the best steps come late."""
        rate = self.nlp.config.interpolate()["training"]["optimizer"].get("learn_rate")
        falls = isinstance(rate, dict) and str(rate.get("@schedules", "")).startswith(FALLS)
        if falls and 0 < self.settings["patience"] < self.settings["max_steps"]:
            self.training_log.say(
                f"training.patience ends this run after {self.settings['patience']:,} steps "
                "without a better score, though its learning rate falls until step "
                f"{rate['total_steps']:,} and the best steps may come late. 0 lets it go on."
            )

    def resume(self, arrays: Arrays, saved: Saved) -> None:
        """Go on from a checkpoint: put the run where it stood, to the bit."""
        put(self.nlp, self.optimizer, arrays, saved.counts)
        self.state = saved.state
        for _ in range(saved.state.step + 1):
            next(self.batches)
            next(self.dropouts)
            self.optimizer.step_schedules()
        self.training_log.say(f"Resumed after step {saved.state.step}")

    def run(self, schedule: CheckpointSchedule | None, stop: Stop) -> State:
        """Train to the end; return where the run stood then.

        Args:
            schedule: when to write checkpoints; None writes none.
            stop: asked after each step whether to stop.

        Raises:
            StoppedError: it was; a checkpoint is written.
            ConfigError: training diverged.
        """
        if schedule:
            schedule.written(self.state.step, cost=0.0)
        with self.nlp.select_pipes(disable=self.frozen):
            self.training_log.open_table(self.nlp)
        with self.encodings.used(), mixed_precision(self.nlp, self.training_log.say):
            self.steps(schedule, stop)
            if not self.state.measured:
                self.measure()
        self.training_log.close_table()
        fraction = self.state.evaluation_seconds / max(self.state.seconds, 1e-9)
        self.training_log.say(f"Evaluation took {fraction:.0%} of the time")
        return self.state

    def steps(self, schedule: CheckpointSchedule | None, stop: Stop) -> None:
        """Do one step after the other."""
        for epoch, batch in self.batches:
            if self.training_log.limits.steps_left(self.state) == 0:
                break
            self.step(epoch, batch)
            if schedule and (stop.signal or schedule.due(self.state.step)):
                schedule.written(self.state.step, self.save())
            if stop.signal:
                raise StoppedError(
                    f"stopped by {stop.signal} after step {self.state.step}. "
                    "The same run goes on from there."
                )

    def save(self) -> float:
        """Write a checkpoint; return the seconds that it took."""
        started = time.monotonic()
        arrays, counts = take(self.nlp, self.optimizer)
        self.checkpoints.save(arrays, counts, self.state, self.training_log.folder)
        return time.monotonic() - started

    def step(self, epoch: int, batch: list[Example]) -> None:
        """One update and, when it is time, an evaluation."""
        state = self.state
        state.step += 1
        state.epoch = epoch
        started = time.monotonic()
        self.update(batch)
        state.words += sum(len(example) for example in batch)
        state.seconds += time.monotonic() - started
        if state.step < self.first_evaluation or state.step % self.settings["eval_frequency"]:
            self.training_log.step(state)
        else:
            self.measure()

    def update(self, batch: list[Example]) -> None:
        """One step of the optimiser on one batch, in smaller parts if memory does not suffice."""
        settings, state = self.settings, self.state
        self.fix_seed()
        if settings["before_update"]:
            settings["before_update"](self.nlp, {"step": state.step, "epoch": state.epoch})
        dropout = next(self.dropouts)
        parts = settings["accumulate_gradient"]
        while True:
            try:
                losses = self.backward(batch, parts, dropout)
                break
            except torch.OutOfMemoryError:
                if parts == len(batch):
                    raise
                clear_gradients(self.nlp)
                torch.cuda.empty_cache()
                parts = min(2 * parts, len(batch))
                state.splits += 1
                self.training_log.say(
                    f"   step {state.step}: out of memory; again in {parts} parts"
                )
        for name, pipe in cast(Any, self.nlp.pipeline):
            if name not in self.frozen and isinstance(getattr(pipe, "model", None), Model):
                finish_update(pipe.model, self.optimizer)
        self.optimizer.step_schedules()
        # Losses come as scalars of numpy or cupy.
        state.losses = {name: float(loss) for name, loss in losses.items()}

    def fix_seed(self) -> None:
        """Make all random numbers of a step follow from it, and not from the steps before."""
        fix_random_seed(zlib.crc32(f"{self.seed}-{self.state.step}".encode()))

    def backward(self, batch: list[Example], parts: int, dropout: float) -> dict[str, Any]:
        """Add up the gradients of a batch; return the losses since the last evaluation."""
        losses: dict[str, Any] = dict(self.state.losses)
        self.fix_seed()
        for example in batch:
            example.predicted.user_data[IN_STEP] = len(batch)
        batcher = self.settings["batcher"]
        for asked in cast(Any, subdivide_batch)(batch, parts):
            for part in batcher.parts(asked) if isinstance(batcher, ByPieces) else [asked]:
                with apart(self.nlp):
                    self.add_gradients(part, dropout, losses)
        return losses

    def add_gradients(self, part: list[Example], dropout: float, losses: dict[str, Any]) -> None:
        """Go forward and backward once."""
        if self.direct and self.direct.can(part):
            self.direct.update(part, losses)
            return
        self.nlp.update(
            part,
            drop=dropout,
            losses=losses,
            sgd=cast(Any, False),  # the optimiser comes after the last part
            exclude=self.frozen,
            annotates=self.settings["annotating_components"],
        )

    def measure(self) -> None:
        """Evaluate on dev, note it, and keep the pipeline if it is the best so far."""
        state = self.state
        if not all(math.isfinite(loss) for loss in state.losses.values()):
            raise ConfigError(
                f"training config: the loss is no longer a number at step {state.step}. "
                "Lower training.optimizer.learn_rate, or turn mixed_precision off."
            )
        started = time.monotonic()
        with self.nlp.use_params(self.optimizer.averages):
            score, scores = self.evaluate()
            state.results.append((float(score), state.step))
            info = {
                "epoch": state.epoch,
                "step": state.step,
                "score": score,
                "other_scores": scores,
                "losses": state.losses,
                "checkpoints": state.results,
                "seconds": int(state.seconds),
                "words": state.words,
            }
            if state.just_improved:
                self.keep(info)
        passed = time.monotonic() - started
        state.seconds += passed
        state.evaluation_seconds += passed
        self.training_log.evaluation(state, info, self.task_scores(scores))
        state.losses = {}
        give_back_freed_memory()

    def keep(self, info: dict[str, Any]) -> None:
        """Write the pipeline as it is now, in place of the best before."""
        with self.nlp.select_pipes(disable=self.frozen):
            update_meta(self.settings, self.nlp, info)
        # spaCy gathers the labels in sets, whose order is another one in each process.
        self.nlp.meta["performance"] = in_order(self.nlp.meta["performance"])
        give_back_freed_memory()
        with self.checkpoints.keeping_best(self.state.step) as folder:
            self.prepare(self.nlp).to_disk(folder)


def words_in(examples: list[Example]) -> int:
    """The words of some documents."""
    return sum(map(len, examples))


def in_order(value: Any) -> Any:
    """Nested mappings with their keys sorted."""
    if not isinstance(value, dict):
        return value
    return {key: in_order(value[key]) for key in sorted(value)}
