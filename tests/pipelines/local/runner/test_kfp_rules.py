"""Our runner fills in and reads back every task of the golden specs as KFP's documentation says.

The rules are written again in tests/support/kfp_rules.py, from the documentation alone.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.local.runner.conditions import parse
from pipelines.local.runner.graph import Node
from pipelines.local.runner.reading import read_spec
from pipelines.local.runner.scopes import Values
from pipelines.local.runner.tasks import command, executor_input, read_outputs
from pipelines.local.runs import Artifact
from tests.support.kfp_rules import Executor, Job, holds, returned, whole

GOLDEN = Path(__file__).parents[3] / "golden"
RUN = "demo-1"


def values_of(described: dict[str, Any]) -> Values:
    """The inputs of a task as our runner hands them about."""
    artifacts = {
        name: Artifact(
            one["name"],
            one["uri"],
            one["type"]["schemaTitle"],
            one["type"].get("schemaVersion", "0.0.1"),
            one["metadata"],
        )
        for name, listed in described["inputs"]["artifacts"].items()
        for one in listed["artifacts"]
    }
    return Values(whole(described["inputs"]["parameterValues"]), artifacts)


def answer(described: dict[str, Any]) -> None:
    """What a task might leave: parameters, files, and metadata of its first artifact."""
    outputs = described["outputs"]
    file = Path(outputs["outputFile"])
    file.parent.mkdir(parents=True, exist_ok=True)
    names = outputs["parameters"]
    artifacts = {}
    for name, listed in outputs["artifacts"].items():
        (artifact,) = listed["artifacts"]
        Path(artifact["uri"]).write_text(name, encoding="utf-8")
        artifacts.setdefault(name, {"artifacts": [{**artifact, "metadata": {"of": name}}]})
    parameters = {name: "train" if name == "decision" else f"the {name}" for name in names}
    file.write_text(json.dumps({"parameterValues": parameters, "artifacts": artifacts}))


def plain(word: str, folder: Path) -> str:
    """A word without what our runner adds to a name so that a double click opens the file."""
    for suffix in (".html", ".md"):
        if word.startswith(str(folder)):
            word = word.removesuffix(suffix)
    return word


@pytest.mark.parametrize("name", ["govuk", "sample", "kubeflow"])
def test_every_task_of_a_golden_spec(name: str, tmp_path: Path) -> None:
    # For Kubeflow the volume is a second document.
    spec = next(iter(yaml.safe_load_all((GOLDEN / f"{name}.yaml").read_text(encoding="utf-8"))))
    nodes = {leaf.path: leaf for leaf in read_spec(spec).leaves()}
    names = {"pipeline_job_name": RUN}
    ran: list[str] = []

    def run(job: Job) -> None:
        ran.append(job.task)
        compare(nodes[job.task], job, tmp_path / job.task)

    Executor(spec, str(tmp_path), run, names).pipeline({})
    assert len(ran) == 12


def compare(node: Node, job: Job, folder: Path) -> None:
    """One task: its words, its description, and what is read back."""
    run_values = {".pipeline_job_name": RUN, ".pipeline_root": str(folder.parents[1])}
    document = executor_input(node, values_of(job.executor_input), folder, run_values)
    log = folder / "log"
    argv = command(node, document, run_values, folder=folder, cwd=folder, log=log, threads=1).argv
    at = argv.index("--executor-input") + 1
    assert [plain(word, folder) for i, word in enumerate(argv) if i != at] == [
        word for i, word in enumerate(job.words) if i != at
    ]
    actual, expected = json.loads(argv[at]), whole(json.loads(job.words[at]))
    assert actual["inputs"]["parameterValues"] == expected["inputs"]["parameterValues"]
    assert uris(actual["inputs"]) == uris(expected["inputs"])
    assert actual["outputs"]["parameters"] == expected["outputs"]["parameters"]
    assert actual["outputs"]["outputFile"] == expected["outputs"]["outputFile"]

    answer(document)
    read = read_outputs(node, document, folder)
    answer(job.executor_input)
    outputs = {
        "parameters": {k: {"parameterType": "STRING"} for k in node.outputs.parameters},
        "artifacts": node.outputs.artifacts,
    }
    by_the_rules = returned(job.executor_input, outputs)
    assert read.parameters == by_the_rules.parameters
    assert {name: one.metadata for name, one in read.artifacts.items()} == {
        name: one["metadata"] for name, one in by_the_rules.artifacts.items()
    }


def uris(ports: dict[str, Any]) -> dict[str, str]:
    return {name: listed["artifacts"][0]["uri"] for name, listed in ports["artifacts"].items()}


@pytest.mark.parametrize("value", ["train", "wait", "train'", ""])
def test_conditions_hold_alike(value: str) -> None:
    spec = yaml.safe_load((GOLDEN / "govuk.yaml").read_text(encoding="utf-8"))
    tasks = [
        task
        for component in spec["components"].values()
        for task in component.get("dag", {}).get("tasks", {}).values()
    ]
    conditions = {task.get("triggerPolicy", {}).get("condition", "") for task in tasks} - {""}
    assert conditions
    for condition in conditions:
        comparisons = parse(condition)
        given = dict.fromkeys(re.findall(r"parameter_values\['([^']+)'\]", condition), value)
        assert given
        assert all(each.holds(given) for each in comparisons) == holds(condition, given)
