"""The queue: short requests overtake long ones, too much is refused, words are forgotten."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from components.answers import vocabulary
from components.answers.findings import Findings
from components.answers.models import Models, Question, Source, load
from containers.serve.batcher import (
    BRIEF_SECONDS,
    Batcher,
    BatchLimits,
    QueueFullError,
    TooMuchError,
    WaitedTooLongError,
)
from containers.serve.metrics import Metrics
from containers.serve.throughput import ANY_TEXT, LATELY, Throughput

PLAIN = Question(("phase-1", "phase-2"))
LONG = "long " * 200  # a second, at the throughput below
SHORT = "£5"


class Gated:
    """Models that take a long text only when they are let, and remember what they have begun."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self.go = threading.Event()
        self.begun: list[str] = []

    def analyse(self, texts: Sequence[str], question: Question) -> list[Findings]:
        self.begun += texts
        if any(len(text) > 100 for text in texts):
            self.go.wait()
        return self._models.analyse(texts, question)


def slow_throughput() -> Throughput:
    """A millisecond a character."""
    throughput = Throughput()
    throughput.learn(["a" * 9_800], PLAIN, 0.001 * (9_800 + ANY_TEXT))
    return throughput


@asynccontextmanager
async def running(
    gated: Gated, models: Models, throughput: Throughput, **limits: float
) -> AsyncIterator[Batcher]:
    bounds = BatchLimits(threads=2, **limits)  # type: ignore[arg-type]
    batcher = Batcher(gated.analyse, models.vocabulary, throughput, bounds, Metrics())
    work = asyncio.create_task(batcher.run())
    try:
        yield batcher
    finally:
        gated.go.set()
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def until_begun(gated: Gated, text: str) -> None:
    while text not in gated.begun:
        await asyncio.sleep(0)


def run(scenario: Awaitable[None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(60):
            await scenario

    asyncio.run(limited())


def test_a_short_text_overtakes_long_ones(models: Models) -> None:
    async def scenario() -> None:
        gated = Gated(models)
        async with running(gated, models, slow_throughput()) as batcher:
            long = asyncio.create_task(batcher.submit([f"{n} {LONG}" for n in range(9)], PLAIN))
            await until_begun(gated, f"0 {LONG}")
            [findings] = await batcher.submit([SHORT], PLAIN)
            assert [entity.text for entity in findings.entities] == [SHORT]
            assert not long.done()
            assert len(gated.begun) == 2  # the other long ones leave a thread alone
            gated.go.set()
            assert await long == [Findings(entities=[])] * 9

    run(scenario())


def test_long_texts_have_their_turn_between_short_ones(models: Models) -> None:
    async def scenario() -> None:
        gated = Gated(models)
        gated.go.set()
        async with running(gated, models, slow_throughput(), texts=1) as batcher:
            short = [asyncio.create_task(batcher.submit([SHORT], PLAIN)) for _ in range(6)]
            await asyncio.sleep(0)
            await batcher.submit([LONG], PLAIN)
            assert gated.begun.index(LONG) < 5
            await asyncio.gather(*short)

    run(scenario())


def test_what_would_take_too_long_is_refused_and_a_little_never_is(models: Models) -> None:
    async def scenario() -> None:
        gated = Gated(models)
        throughput = slow_throughput()
        async with running(gated, models, throughput, seconds=7.0) as batcher:
            with pytest.raises(TooMuchError) as refused:
                await batcher.submit([LONG * 7], PLAIN)
            assert refused.value.args[0] == pytest.approx(7.2)
            waiting = [asyncio.create_task(batcher.submit([LONG * 3], PLAIN)) for _ in range(2)]
            await until_begun(gated, LONG * 3)
            with pytest.raises(QueueFullError):
                await batcher.submit([LONG * 3], PLAIN)
            await batcher.submit([SHORT], PLAIN)
            gated.go.set()
            await asyncio.gather(*waiting)
            for _ in range(LATELY):
                throughput.learn([SHORT], PLAIN, 100.0)
            await batcher.submit([SHORT], PLAIN)

    run(scenario())


def test_a_text_that_is_not_begun_in_time_is_refused_and_short_ones_are_answered(
    models: Models,
) -> None:
    async def scenario() -> None:
        gated = Gated(models)
        async with running(gated, models, slow_throughput(), seconds=1.3) as batcher:
            first = asyncio.create_task(batcher.submit([f"1 {LONG[:400]}"], PLAIN))
            await until_begun(gated, f"1 {LONG[:400]}")
            second = asyncio.create_task(batcher.submit([f"2 {LONG[:400]}"], PLAIN))
            await batcher.submit([SHORT], PLAIN)
            with pytest.raises(WaitedTooLongError):
                await second
            gated.go.set()
            await first
            await batcher.submit([f"3 {LONG[:400]}"], PLAIN)
            assert [text[:2] for text in gated.begun] == ["1 ", SHORT, "3 "]

    run(scenario())


def test_work_of_a_client_that_has_left_is_dropped(models: Models) -> None:
    async def scenario() -> None:
        gated = Gated(models)
        async with running(gated, models, slow_throughput(), seconds=99.0) as batcher:
            texts = [f"{n} {LONG}" for n in range(8)]
            leaving = asyncio.create_task(batcher.submit(texts, PLAIN))
            await until_begun(gated, texts[0])
            leaving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await leaving
            gated.go.set()
            await batcher.submit([LONG * 3], PLAIN)
            assert gated.begun == [texts[0], LONG * 3]

    run(scenario())


def test_one_pause_of_the_machine_does_not_make_the_models_look_slow() -> None:
    throughput = slow_throughput()
    for seconds in (4.0, 900.0, 4.0):
        throughput.learn(["a" * 3_800], PLAIN, seconds)
    for question in (PLAIN, Question(("phase-1",))):
        assert throughput.seconds("a" * 800, question) == pytest.approx(1.0)


def test_a_short_text_by_itself_says_little_of_how_long_sixteen_take() -> None:
    throughput = slow_throughput()
    for _ in range(LATELY):
        throughput.learn([SHORT], PLAIN, 0.4)
    assert throughput.seconds(SHORT, PLAIN) < BRIEF_SECONDS / 10


def test_short_texts_do_not_make_long_ones_look_fast_nor_slow_for_good() -> None:
    """Long ones stood in the lane of short ones, whose turn then did not come for minutes."""
    throughput = slow_throughput()
    for _ in range(9 * LATELY):
        throughput.learn([SHORT], PLAIN, 0.004)
    assert throughput.seconds("a" * 9_800, PLAIN) == pytest.approx(10)
    for _ in range(LATELY):
        throughput.learn(["a" * 100], PLAIN, 0.01)
    assert throughput.seconds("a" * 9_800, PLAIN) == pytest.approx(1)


def test_a_text_that_took_very_long_is_forgotten_after_some_minutes() -> None:
    """Or a server whose clients have long texts alone would refuse all from then on."""
    minutes = 0.0
    throughput = Throughput(lambda: 60 * minutes)
    throughput.learn(["a" * 3_800], PLAIN, 0.04)  # when the server warms up
    throughput.learn(["a" * 49_800], PLAIN, 500.0)
    assert throughput.seconds("a" * 49_800, PLAIN) > 200
    minutes = 6.0
    assert throughput.seconds("a" * 49_800, PLAIN) == pytest.approx(0.5)
    assert throughput.seconds("a" * 49_800, Question(("phase-1",))) == pytest.approx(0.5)


def test_a_sign_is_as_much_work_as_a_word() -> None:
    """A text of brackets took five times as long as its characters had promised."""
    throughput = slow_throughput()
    assert throughput.seconds("[" * 1_960, PLAIN) == pytest.approx(10)
    assert throughput.seconds("word " * 1_960, PLAIN) == pytest.approx(10)


def test_how_sure_a_model_is_takes_more_than_its_share_of_a_long_text() -> None:
    """Or a text that is one and a half minutes of work is taken for one of seconds."""
    throughput = Throughput()
    sure = replace(PLAIN, confidence=True)
    throughput.learn(["word " * 400] * 4, sure, 0.4)  # when the server warms up
    assert throughput.seconds("word " * 2_000, sure) == pytest.approx(0.56, rel=0.1)
    assert throughput.seconds("[" * 50_000, sure) > 60


def test_words_are_forgotten_and_answers_stay_the_same(
    folders: list[Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 4,000 words no more are kept than a renewal allows, and two threads never meet one."""
    monkeypatch.setattr(vocabulary, "MOST_WORDS", 200)
    models = load(folders)
    own = len(models.phases["phase-1"].nlp.vocab.strings)
    texts = [f"Brf{n}zz to London{n % 3} and London, Qx{n}y 🎉 form P60" for n in range(2000)]
    most = 0

    async def scenario() -> None:
        nonlocal most
        gated = Gated(models)
        async with running(gated, models, slow_throughput()) as batcher:
            answers = []
            for start in range(0, len(texts), 40):
                parts = [texts[start : start + 20], texts[start + 20 : start + 40]]
                answers += await asyncio.gather(*(batcher.submit(part, PLAIN) for part in parts))
                most = max(most, len(models.phases["phase-1"].nlp.vocab.strings))
        entities = [[e.text for e in each.entities] for part in answers for each in part]
        assert entities == [["London", "🎉", "form P60"]] * len(texts)

    run(scenario())
    assert most < own + 200 + 500
