"""A line at least every half minute, by a clock of the test's own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from components.train.heartbeat import LINE_SECONDS, Heartbeat
from components.train.state import State
from components.train.training_log import Limits, TrainingLog


class Clock:
    """Time that passes only when the thread of a heartbeat waits; ends after so many seconds."""

    def __init__(self, end: float) -> None:
        self.now = 1000.0
        self.end = self.now + end
        self.over = threading.Event()
        self.at: dict[float, Callable[[], None]] = {}

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        self.at.get(self.now - 1000.0, lambda: None)()
        if self.now > self.end:
            self.over.set()
        return self.over.is_set()


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.strip() for line in capsys.readouterr().out.splitlines()]


def test_whoever_is_busy_for_long_is_spoken_for(capsys: pytest.CaptureFixture[str]) -> None:
    """The main thread does nothing but wait, as in a first step that compiles its kernels."""
    clock = Clock(end=95)
    heartbeat = Heartbeat(clock, clock.wait)
    heartbeat.doing("compiling")
    with heartbeat:
        clock.over.wait()
    assert lines(capsys) == [f"compiling, {seconds} s so far" for seconds in (30, 60, 90)]


def test_nothing_is_said_where_something_was(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock(end=65)
    heartbeat = Heartbeat(clock, clock.wait)
    heartbeat.doing("training")
    clock.at = {29.0: heartbeat.note_output, 58.0: heartbeat.note_output}
    with heartbeat:
        clock.over.wait()
    assert lines(capsys) == []


def test_a_long_evaluation_is_reported_with_the_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock(end=75)
    heartbeat = Heartbeat(clock, clock.wait)
    limits = Limits(max_steps=1000, patience=300)
    state = State(step=200, epoch=3, losses={"ner": 15}, words=9000, seconds=90.0)
    state.results = [(0.5, 190)]
    with TrainingLog(tmp_path, quiet, limits, heartbeat, lambda: 0.001) as training_log:
        training_log.log_step, training_log.close_table = quiet()
        training_log.step(state)
        with heartbeat:
            clock.over.wait()
    said = "step 200, epoch 3, loss 1.5, 100 words/s, at most 3 min left unless it improves"
    for line, silent in zip(lines(capsys), (30, 60), strict=True):
        assert line == f"{said}, {silent} s in this step or its evaluation"


def quiet(*_: object) -> tuple[Callable[[object], None], Callable[[], None]]:
    """A logger that says nothing."""
    return lambda info: None, lambda: None


def test_the_wait_is_shorter_than_a_line() -> None:
    assert LINE_SECONDS <= 30
    heartbeat = Heartbeat()
    with heartbeat:
        assert heartbeat.thread.is_alive()
    assert not heartbeat.thread.is_alive()
