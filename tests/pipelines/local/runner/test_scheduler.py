"""Random graphs: every task runs if and only if all that it waits for went well.

No `from __future__ import annotations` here: kfp reads the types of components.
"""

import random
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

from tests.pipelines.local.runner.pieces import WRITE, run, states, write

TASKS = 14


@pytest.mark.parametrize("seed", range(3))
def test_a_random_graph(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    after = {
        task: draw.sample(range(task), min(task, draw.choice([0, 1, 1, 2, 3])))
        for task in range(TASKS)
    }
    fails = set(draw.sample(range(TASKS), 2))

    @dsl.pipeline(name="p")
    def pipeline():
        tasks: list[Any] = []
        for task in range(TASKS):
            code = "sys.exit(7)" if task in fails else WRITE
            made = write(code=code, text=str(task)).set_display_name(f"task {task}")
            for other in after[task]:
                made.after(tasks[other])
            tasks.append(made)

    result = run(pipeline, tmp_path, workers=3)

    expected: dict[int, str] = {}
    for task in range(TASKS):
        if all(expected[other] == "succeeded" for other in after[task]):
            expected[task] = "failed" if task in fails else "succeeded"
        else:
            expected[task] = "not-run"
    assert states(result) == {f"task {task}": state for task, state in expected.items()}
    records = result.record.tasks
    for task, others in after.items():
        for other in others:
            if expected[task] != "not-run":
                ended, started = records[f"task {other}"].ended, records[f"task {task}"].started
                assert ended and started and ended <= started
    assert at_once(result.record.tasks.values()) <= 3


def at_once(tasks: Any) -> int:
    """How many tasks ran at the same time at most."""
    changes = sorted(
        change for task in tasks if task.started for change in ((task.started, 1), (task.ended, -1))
    )
    running = [0]
    for _, change in changes:
        running.append(running[-1] + change)
    return max(running)
