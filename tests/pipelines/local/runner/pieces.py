"""Real specs for the local runner: compiled by kfp from components that are lines of Python.

No `from __future__ import annotations` here: kfp reads the types of components.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from kfp import compiler, dsl

from pipelines.local.run import RunResult, run_spec
from pipelines.local.runs import RunRecord, TaskRecord

# The code of a task is its first argument and finds the others in `a`.
PYTHON = ["python", "-c", "import json, os, pathlib, sys, time; a = sys.argv[1:]; exec(a.pop(0))"]
# Codes for `write`, `change` and `decide`.
WRITE = "pathlib.Path(a[1]).write_text(a[0])"
APPEND = "pathlib.Path(a[1]).write_text(pathlib.Path(a[0]).read_text() + '+')"
RETURN = """
values = {'decision': a[0], 'number': len(a[0])}
pathlib.Path(json.loads(a[1])['outputs']['outputFile']).write_text(
    json.dumps({'parameterValues': values}))
"""
# Code for `describe`: return the artifact with what `a[0]` (JSON) says differs.
DESCRIBE = """
out = json.loads(a[2])['outputs']
made = dict(out['artifacts']['made']['artifacts'][0], **json.loads(a[0]))
pathlib.Path(a[1]).write_text('described')
pathlib.Path(out['outputFile']).write_text(
    json.dumps({'artifacts': {'made': {'artifacts': [made]}}}))
"""


@dsl.container_component
def describe(code: str, text: str, made: dsl.Output[dsl.Dataset]):
    """Run `code` with a = [text, path of the output, executor input]."""
    executor_input = dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER
    args = [code, text, made.path, executor_input]
    return dsl.ContainerSpec(image="test", command=PYTHON, args=args)


@dsl.container_component
def write(code: str, text: str, made: dsl.Output[dsl.Dataset]):
    """Run `code` with a = [text, path of the output]."""
    return dsl.ContainerSpec(image="test", command=PYTHON, args=[code, text, made.path])


@dsl.container_component
def change(code: str, source: dsl.Input[dsl.Dataset], made: dsl.Output[dsl.Dataset]):
    """Run `code` with a = [path of the input, path of the output]."""
    return dsl.ContainerSpec(image="test", command=PYTHON, args=[code, source.path, made.path])


@dsl.container_component
def decide(
    code: str,
    text: str,
    decision: dsl.OutputPath(str),
    number: dsl.OutputPath(int),
):
    """Run `code` with a = [text, executor input]."""
    executor_input = dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER
    return dsl.ContainerSpec(image="test", command=PYTHON, args=[code, text, executor_input])


def compiled(pipeline: Any) -> dict[str, Any]:
    """The spec of a pipeline function, as the runner gets it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spec.yaml"
        compiler.Compiler().compile(pipeline, str(path))
        spec: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        return spec


class Listener:
    """Keeps what the runner tells."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, str]] = []
        self.notes: list[str] = []
        self.progress: list[dict[str, Any]] = []

    def started(self, run: RunRecord) -> None:
        self.run = run

    def changed(self, task: TaskRecord) -> None:
        self.changes.append((task.task, task.state))

    def noted(self, task: str, note: str) -> None:
        self.notes.append(f"{task}: {note}")

    def tick(self, progress: Mapping[str, Mapping[str, Any]]) -> None:
        self.progress += [dict(values) for values in progress.values()]

    def ended(self) -> None:
        self.changes.append(("", self.run.state))


def run(pipeline: Any, folder: Path, listener: Listener | None = None, **options: Any) -> RunResult:
    """Compile and run a pipeline in `folder`/runs."""
    spec = pipeline if isinstance(pipeline, dict) else compiled(pipeline)
    return run_spec(
        spec,
        out=folder / "runs",
        cwd=folder,
        name="test",
        listener=listener or Listener(),
        **options,
    )


def states(result: RunResult) -> dict[str, str]:
    """Task -> state."""
    return {name: task.state for name, task in result.record.tasks.items()}


def text_of(result: RunResult, task: str, output: str = "made") -> str:
    """The content of an output."""
    return Path(result.record.tasks[task].artifacts[output].uri).read_text(encoding="utf-8")
