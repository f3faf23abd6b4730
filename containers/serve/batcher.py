"""Texts of many clients, predicted together.

A model needs little more time for thirty short texts than for one. While one batch is predicted
the next gathers, so a waiting time is spent only when the server is idle.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from containers.serve.contract import Entity
from containers.serve.cores import Share
from containers.serve.metrics import Metrics
from containers.serve.models import Question

Analyse = Callable[[Sequence[str], Question], list[list[Entity]]]


class QueueFullError(Exception):
    """More texts wait than the server may hold."""


@dataclass(frozen=True)
class BatchLimits:
    """How much is predicted and held at once.

    Attributes:
        texts: most texts in a batch.
        characters: most characters in a batch, unless a single text has more.
        wait: seconds that a lonely text waits for company.
        queue: most texts that wait.
        threads: batches predicted at once.
    """

    texts: int = 16
    characters: int = 30_000
    wait: float = 0.005
    queue: int = 1024
    threads: int = 1


@dataclass(frozen=True)
class Waiting:
    """A text, what to ask of it, and where its entities are to go."""

    text: str
    question: Question
    answer: asyncio.Future[list[Entity]]


class Batcher:
    """Predicts on threads of its own, so that the event loop stays free to answer."""

    def __init__(self, analyse: Analyse, limits: BatchLimits, metrics: Metrics) -> None:
        self._analyse = analyse
        self._limits = limits
        self._metrics = metrics
        self._queue: asyncio.Queue[Waiting] = asyncio.Queue()
        self._held_back: Waiting | None = None
        self._threads = ThreadPoolExecutor(limits.threads, thread_name_prefix="predict")
        self._cores = Share(limits.threads)
        self._free = asyncio.Semaphore(limits.threads)

    async def submit(self, texts: Sequence[str], question: Question) -> list[list[Entity]]:
        """Return the entities of each text.

        Raises:
            QueueFullError: the texts do not fit into the queue; none was taken.
        """
        if self._queue.qsize() + len(texts) > self._limits.queue:
            raise QueueFullError
        loop = asyncio.get_running_loop()
        waiting = [Waiting(text, question, loop.create_future()) for text in texts]
        for one in waiting:
            self._queue.put_nowait(one)
        self._metrics.queue.set(self._queue.qsize())
        return list(await asyncio.gather(*(one.answer for one in waiting)))

    async def run(self) -> None:
        """Predict batch after batch until cancelled."""
        async with asyncio.TaskGroup() as predictions:
            while True:
                # What comes while all threads are busy makes the next batch.
                await self._free.acquire()
                batch = await self._gather()
                self._metrics.queue.set(self._queue.qsize())
                predictions.create_task(self._predict_all(batch))

    async def _gather(self) -> list[Waiting]:
        """Wait for a text and take those that wait with it or come at once, within the limits."""
        batch = [self._held_back or await self._queue.get()]
        self._held_back = None
        characters = len(batch[0].text)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.wait):
                while len(batch) < self._limits.texts:
                    following = await self._queue.get()
                    characters += len(following.text)
                    if characters > self._limits.characters:
                        self._held_back = following
                        break
                    batch.append(following)
        return [one for one in batch if not one.answer.cancelled()]

    async def _predict_all(self, batch: list[Waiting]) -> None:
        """Predict a batch, its questions one after the other."""
        for question in dict.fromkeys(one.question for one in batch):
            await self._predict([one for one in batch if one.question == question], question)
        self._free.release()

    async def _predict(self, batch: list[Waiting], question: Question) -> None:
        """Predict and hand out the answers; a text that fails fails alone."""
        loop = asyncio.get_running_loop()
        texts = [one.text for one in batch]
        self._metrics.batch.observe(len(batch))
        try:
            found = await loop.run_in_executor(self._threads, self._on_a_share, texts, question)
        except Exception as error:
            if len(batch) > 1:
                for one in batch:
                    await self._predict([one], question)
            elif not batch[0].answer.done():
                batch[0].answer.set_exception(error)
            return
        for one, entities in zip(batch, found, strict=True):
            if not one.answer.done():
                one.answer.set_result(entities)

    def _on_a_share(self, texts: list[str], question: Question) -> list[list[Entity]]:
        with self._cores.taken(len(texts)):
            return self._analyse(texts, question)
