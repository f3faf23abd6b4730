"""Texts of many clients, predicted together.

A model needs little more time for thirty short texts than for one. While one batch is predicted
the next gathers, so a waiting time is spent only when the server is idle.

Work is counted in seconds, as the models have been taking them. Requests of little work stand in
one lane, those of much in another, and the two take turns: a short text waits for one batch of
long ones, never for all. A text that takes long by itself leaves a thread to the others.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from components.answers.findings import Findings
from components.answers.models import Question
from components.answers.vocabulary import Vocabulary
from containers.serve.cores import Share
from containers.serve.metrics import Metrics
from containers.serve.throughput import Throughput

Analyse = Callable[[Sequence[str], Question], list[Findings]]

BRIEF_SECONDS = 0.25  # a request that takes no more stands in the lane of short ones
BATCH_SECONDS = 0.5  # of long requests; short ones have none to hold up, and gain by company
BRIEF_BATCH_SECONDS = 1.0
# So little is taken however slow the models seem: or they could not show that they are fast again.
ALWAYS_TAKEN = 2_000  # characters
IDLE_SECONDS = 0.05
VERY = 8  # times as many words as are enough


class QueueFullError(Exception):
    """More texts wait, or more work, than the server may hold."""


class WaitedTooLongError(Exception):
    """A text has waited for its turn as long as one request may take."""


class TooMuchError(Exception):
    """One request is more work than the server may do for it. Its argument: in seconds."""


@dataclass(frozen=True)
class BatchLimits:
    """How much is predicted and held at once.

    Attributes:
        texts: most texts in a batch.
        characters: most characters in a batch, unless a single text has more.
        wait: seconds that a lonely text waits for company.
        queue: most texts that wait.
        seconds: most work of one request, and of all long ones that wait; no text waits longer.
        threads: batches predicted at once.
    """

    texts: int = 16
    characters: int = 30_000
    wait: float = 0.005
    queue: int = 1024
    seconds: float = 60.0
    threads: int = 1


@dataclass(frozen=True, eq=False)
class Waiting:
    """A text, what to ask of it, how long that will take, and where its findings are to go."""

    text: str
    question: Question
    seconds: float
    answer: asyncio.Future[Findings]

    @property
    def heavy(self) -> bool:
        return self.seconds > BATCH_SECONDS


Lane = OrderedDict[Waiting, None]


class Batcher:
    """Predicts on threads of its own, so that the event loop stays free to answer."""

    def __init__(
        self,
        analyse: Analyse,
        vocabulary: Vocabulary,
        throughput: Throughput,
        limits: BatchLimits,
        metrics: Metrics,
    ) -> None:
        self._analyse = analyse
        self._vocabulary = vocabulary
        self._throughput = throughput
        self._limits = limits
        self._metrics = metrics
        self._brief, self._long = Lane(), Lane()
        self._long_is_next = False
        self._long_seconds = 0.0  # of work that waits or is under way
        self._unanswered = 0  # requests
        self._heavy = 0  # texts under way that take long by themselves
        self._changed = asyncio.Event()
        self._threads = ThreadPoolExecutor(limits.threads, thread_name_prefix="predict")
        self._cores = Share(limits.threads)
        self._free = asyncio.Semaphore(limits.threads)

    async def submit(self, texts: Sequence[str], question: Question) -> list[Findings]:
        """Return the findings of each text. What still waits is dropped when this is cancelled.

        Raises:
            QueueFullError: the texts do not fit into the queue; none was taken.
            TooMuchError: they never will.
            WaitedTooLongError: some still waited after the seconds of the limits.
        """
        loop = asyncio.get_running_loop()
        estimates = [self._throughput.seconds(text, question) for text in texts]
        work = sum(estimates)
        brief = work <= BRIEF_SECONDS
        self._check(texts, work, brief)
        lane = self._brief if brief else self._long
        waiting = [
            Waiting(text, question, seconds, loop.create_future())
            for text, seconds in zip(texts, estimates, strict=True)
        ]
        lane.update(dict.fromkeys(waiting))
        self._long_seconds += 0.0 if brief else work
        self._unanswered += 1
        self._show_change()
        # An estimate may be too low, on a machine that others use.
        limit = loop.call_later(self._limits.seconds, self._give_up, waiting, lane)
        try:
            return list(await asyncio.gather(*(one.answer for one in waiting)))
        finally:
            limit.cancel()
            for one in waiting:
                lane.pop(one, None)
            self._long_seconds -= 0.0 if brief else work
            self._unanswered -= 1
            self._show_change()

    @staticmethod
    def _give_up(waiting: Sequence[Waiting], lane: Lane) -> None:
        """End the wait for texts of which one has not even been begun."""
        for one in waiting:
            if one in lane and not one.answer.done():
                one.answer.set_exception(WaitedTooLongError())
                return

    def _check(self, texts: Sequence[str], work: float, brief: bool) -> None:
        most = self._limits.seconds
        if work > most and sum(map(len, texts)) > ALWAYS_TAKEN:
            raise TooMuchError(work)
        if self._waiting() + len(texts) > self._limits.queue:
            raise QueueFullError
        before = self._long_seconds
        threads = max(1, self._limits.threads - 1)  # so many predict heavy texts
        if not brief and before and (before + work) / threads > most:
            raise QueueFullError

    def _waiting(self) -> int:
        return len(self._brief) + len(self._long)

    def _show_change(self) -> None:
        self._metrics.queue.set(self._waiting())
        self._changed.set()

    async def run(self) -> None:
        """Predict batch after batch until cancelled."""
        async with asyncio.TaskGroup() as predictions:
            while True:
                # What comes while all threads are busy makes the next batch.
                await self._free.acquire()
                if self._vocabulary.crowded(VERY if self._heavy else 1):
                    await self._renew_vocabulary()
                batch = await self._gather()
                self._metrics.queue.set(self._waiting())
                predictions.create_task(self._predict_all(batch))

    async def idle(self) -> None:
        """Wait until all that was submitted is answered."""
        while self._unanswered:
            await asyncio.sleep(IDLE_SECONDS)

    async def _renew_vocabulary(self) -> None:
        """Have the words forgotten while nothing is predicted."""
        others = self._limits.threads - 1
        for _ in range(others):
            await self._free.acquire()
        await asyncio.get_running_loop().run_in_executor(self._threads, self._vocabulary.renew)
        for _ in range(others):
            self._free.release()

    async def _gather(self) -> list[Waiting]:
        """Wait for a text and take those that wait with it or come at once, within the limits."""
        while not self._lane():
            await self._change()
        if not self._long and len(self._brief) < self._limits.texts:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._limits.wait):
                    while len(self._brief) < self._limits.texts:
                        await self._change()
        lane = self._lane()
        self._long_is_next = lane is self._brief
        return self._taken(lane)

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _lane(self) -> Lane:
        """The lane whose turn it is; an empty one if nothing can be begun."""
        if self._long and (self._long_is_next or not self._brief):
            most = max(1, self._limits.threads - 1)
            wait = self._heavy >= most or (self._heavy and self._vocabulary.crowded())
            if not (next(iter(self._long)).heavy and wait):
                return self._long
        return self._brief

    def _taken(self, lane: Lane) -> list[Waiting]:
        """Take a batch out of a lane; none where the client has left meanwhile."""
        batch: list[Waiting] = []
        characters, seconds = 0, 0.0
        most = BRIEF_BATCH_SECONDS if lane is self._brief else BATCH_SECONDS
        while lane and len(batch) < self._limits.texts:
            following = next(iter(lane))
            characters += len(following.text)
            seconds += following.seconds
            if batch and (characters > self._limits.characters or seconds > most):
                break
            batch.append(following)
            del lane[following]
        self._heavy += sum(one.heavy for one in batch)
        return batch

    async def _predict_all(self, batch: list[Waiting]) -> None:
        """Predict a batch, its questions one after the other."""
        for question in dict.fromkeys(one.question for one in batch):
            await self._predict([one for one in batch if one.question == question], question)
        self._heavy -= sum(one.heavy for one in batch)
        self._free.release()
        self._changed.set()

    async def _predict(self, batch: list[Waiting], question: Question) -> None:
        """Predict and hand out the answers; a text that fails fails alone."""
        loop = asyncio.get_running_loop()
        texts = [one.text for one in batch]
        self._metrics.batch.observe(len(batch))
        try:
            predicting = loop.run_in_executor(self._threads, self._on_a_share, texts, question)
            findings, seconds = await predicting
        except Exception as error:
            if len(batch) > 1:
                for one in batch:
                    await self._predict([one], question)
            elif not batch[0].answer.done():
                batch[0].answer.set_exception(error)
            return
        self._throughput.learn(texts, question, seconds)
        for one, its_own in zip(batch, findings, strict=True):
            if not one.answer.done():
                one.answer.set_result(its_own)

    def _on_a_share(self, texts: list[str], question: Question) -> tuple[list[Findings], float]:
        """The findings of each text, and how many seconds that took."""
        started = time.perf_counter()
        with self._cores.taken(len(texts)):
            findings = self._analyse(texts, question)
        return findings, time.perf_counter() - started
