"""What KFP's documentation says happens to a compiled pipeline, written again for the tests.

Our own runner must agree with it, and it runs a spec where our runner is not: in a mounted bucket.
The rules are those of kubeflow.org ("Pass data between components", "Container components", "Create
importers", "Control flow") and of the comments in pipeline_spec.proto; how Vertex AI fills them in
is recorded in kfp's own tests (sdk/python/test/runtime/execute_commands_args_test.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# A folder of a bucket is seen at this path: gs://bucket/key is /gcs/bucket/key.
MOUNT = "/gcs/"


@dataclass
class Ports:
    """Parameters by name, and artifacts as an executor input has them."""

    parameters: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """One container to run: task, image, its words filled in, and its executor input."""

    task: str
    image: str
    words: list[str]
    executor_input: dict[str, Any]
    retries: int


@dataclass
class Executor:
    """Runs a pipeline spec.

    Attributes:
        root: gs:// folder of the run's outputs.
        run: runs a container; raises if it fails.
        names: values of placeholders such as pipeline_job_name.
        made: task path -> its outputs.
    """

    spec: Mapping[str, Any]
    root: str
    run: Callable[[Job], None]
    names: Mapping[str, str]
    made: dict[str, Ports] = field(default_factory=dict)

    def pipeline(self, given: Mapping[str, Any]) -> None:
        """Run the whole, with these parameters."""
        self.component(self.spec["root"], Ports(dict(given)), "", 0)

    def component(
        self, component: Mapping[str, Any], given: Ports, path: str, retries: int
    ) -> Ports:
        """Run a component with its inputs; returns its outputs."""
        declared = component.get("inputDefinitions", {}).get("parameters", {})
        defaults = {k: d["defaultValue"] for k, d in declared.items() if "defaultValue" in d}
        given.parameters = {**defaults, **given.parameters}
        if "dag" in component:
            return self.dag(component["dag"], given, path)
        executor = self.spec["deploymentSpec"]["executors"][component["executorLabel"]]
        if "importer" in executor:
            return Ports({}, {"artifact": imported(executor["importer"], given)})
        outputs = component.get("outputDefinitions", {})
        described = executor_input(given, outputs, f"{self.root}/{path}")
        self.run(
            Job(
                path,
                executor["container"]["image"],
                words_of(executor["container"], described, self.names),
                described,
                retries,
            )
        )
        return returned(described, outputs)

    def dag(self, dag: Mapping[str, Any], given: Ports, path: str) -> Ports:
        """Run the tasks of a graph, each once those before it are done."""
        done: dict[str, Ports | None] = {}
        waiting = dict(dag["tasks"])
        while waiting:
            name = next(name for name, task in waiting.items() if before(task) <= done.keys())
            task = waiting.pop(name)
            done[name] = None
            if any(done[each] is None for each in before(task)):
                continue
            inputs = bound(task, given, done, self.names)
            condition = task.get("triggerPolicy", {}).get("condition", "")
            if not holds(condition, inputs.parameters):
                continue
            here = path if condition else "/".join(filter(None, [path, name]))
            component = self.spec["components"][task["componentRef"]["name"]]
            retries = int(task.get("retryPolicy", {}).get("maxRetryCount", 0))
            made = self.component(component, inputs, here, retries)
            done[name] = self.made[here] = made
        return surfaced(dag.get("outputs", {}), done)


def before(task: Mapping[str, Any]) -> set[str]:
    """The tasks that a task waits for: those it names, and those whose outputs it takes."""
    names = set(task.get("dependentTasks", []))
    for kind in ("parameters", "artifacts"):
        for source in task.get("inputs", {}).get(kind, {}).values():
            for how in ("taskOutputParameter", "taskOutputArtifact", "taskFinalStatus"):
                if how in source:
                    names.add(source[how]["producerTask"])
    return names


def bound(
    task: Mapping[str, Any],
    given: Ports,
    done: Mapping[str, Ports | None],
    names: Mapping[str, str],
) -> Ports:
    """The inputs of a task: constants, inputs of the graph, or outputs of other tasks."""
    inputs, ports = task.get("inputs", {}), Ports()
    for name, source in inputs.get("artifacts", {}).items():
        if "componentInputArtifact" in source:
            ports.artifacts[name] = given.artifacts[source["componentInputArtifact"]]
        else:
            output = source["taskOutputArtifact"]
            maker = done[output["producerTask"]]
            assert maker
            ports.artifacts[name] = maker.artifacts[output["outputArtifactKey"]]
    constants = {}
    for name, source in inputs.get("parameters", {}).items():
        if "componentInputParameter" in source:
            ports.parameters[name] = given.parameters[source["componentInputParameter"]]
        elif "taskOutputParameter" in source:
            output = source["taskOutputParameter"]
            maker = done[output["producerTask"]]
            assert maker
            ports.parameters[name] = maker.parameters[output["outputParameterKey"]]
        else:
            constants[name] = source["runtimeValue"]["constant"]
    known = {f"inputs.parameters['{k}']": as_word(v) for k, v in ports.parameters.items()} | {
        **names
    }
    for name, constant in constants.items():
        ports.parameters[name] = replaced(constant, known)
    return ports


def holds(condition: str, parameters: Mapping[str, Any]) -> bool:
    """A CEL condition of equalities with texts, joined by &&: all that dsl.If here compiles to."""
    for part in filter(None, condition.split(" && ")):
        name, text = re.fullmatch(r"inputs\.parameter_values\['(.+?)'\] == '(.*)'", part).groups()  # type: ignore[union-attr]
        if parameters[name] != text:
            return False
    return True


def surfaced(outputs: Mapping[str, Any], done: Mapping[str, Ports | None]) -> Ports:
    """What a graph hands on of what its tasks made."""
    ports = Ports()
    for name, chosen in outputs.get("parameters", {}).items():
        source = chosen["valueFromParameter"]
        if maker := done[source["producerSubtask"]]:
            ports.parameters[name] = maker.parameters[source["outputParameterKey"]]
    for name, chosen in outputs.get("artifacts", {}).items():
        (source,) = chosen["artifactSelectors"]
        if maker := done[source["producerSubtask"]]:
            ports.artifacts[name] = maker.artifacts[source["outputArtifactKey"]]
    return ports


def imported(importer: Mapping[str, Any], given: Ports) -> dict[str, Any]:
    """The artifact that an importer makes of a URI."""
    uri = importer["artifactUri"]
    where = uri["constant"] if "constant" in uri else given.parameters[uri["runtimeParameter"]]
    metadata = replaced(
        importer.get("metadata", {}),
        {f"inputs.parameters['{k}']": as_word(v) for k, v in given.parameters.items()},
    )
    return {"name": "", "type": importer["typeSchema"], "uri": where, "metadata": metadata}


def executor_input(given: Ports, outputs: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """The description of a task that takes the place of {{$}}."""
    return {
        "inputs": {
            "parameterValues": given.parameters,
            "artifacts": {k: {"artifacts": [one]} for k, one in given.artifacts.items()},
        },
        "outputs": {
            "parameters": {
                name: {"outputFile": local(f"{folder}/{name}")}
                for name in outputs.get("parameters", {})
            },
            "artifacts": {
                name: {
                    "artifacts": [
                        {
                            "name": name,
                            "type": declared["artifactType"],
                            "uri": f"{folder}/{name}",
                            "metadata": {},
                        }
                    ]
                }
                for name, declared in outputs.get("artifacts", {}).items()
            },
            "outputFile": local(f"{folder}/executor_output.json"),
        },
    }


def words_of(
    container: Mapping[str, Any], described: Mapping[str, Any], names: Mapping[str, str]
) -> list[str]:
    """Command and arguments with every placeholder filled in."""
    inputs, outputs = described["inputs"], described["outputs"]
    known = {"": json.dumps(described, ensure_ascii=False), **names}
    known["outputs.output_file"] = outputs["outputFile"]
    for name, value in inputs["parameterValues"].items():
        known[f"inputs.parameters['{name}']"] = as_word(value)
    for name, promised in outputs["parameters"].items():
        known[f"outputs.parameters['{name}'].output_file"] = promised["outputFile"]
    for side, ports in (("inputs", inputs), ("outputs", outputs)):
        for name, listed in ports["artifacts"].items():
            uri = listed["artifacts"][0]["uri"]
            known[f"{side}.artifacts['{name}'].uri"] = uri
            known[f"{side}.artifacts['{name}'].path"] = local(uri)
    return [replaced(word, known) for word in (*container.get("command", []), *container["args"])]


def returned(described: Mapping[str, Any], outputs: Mapping[str, Any]) -> Ports:
    """What a container left: output parameter files, and the executor output file over them."""
    promised = described["outputs"]
    file = Path(promised["outputFile"])
    document = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    ports = Ports(dict(document.get("parameterValues", {})))
    for name, declared in outputs.get("parameters", {}).items():
        written = Path(promised["parameters"][name]["outputFile"])
        if written.is_file():
            text = written.read_text(encoding="utf-8")
            plain = declared["parameterType"] == "STRING"
            ports.parameters[name] = text if plain else json.loads(text)
        assert name in ports.parameters, f"output parameter {name} is missing"
    for name, listed in promised["artifacts"].items():
        (artifact,) = listed["artifacts"]
        returned_artifact = document.get("artifacts", {}).get(name, {}).get("artifacts", [{}])[0]
        metadata = {**artifact["metadata"], **returned_artifact.get("metadata", {})}
        ports.artifacts[name] = {**artifact, **returned_artifact, "metadata": metadata}
    return ports


def replaced(value: Any, known: Mapping[str, str]) -> Any:
    """A value with its placeholders filled in, once: what is filled in is not read again."""
    if isinstance(value, str):
        return re.sub(r"\{\{\$\.?(.*?)\}\}", lambda match: known[match[1]], value)
    if isinstance(value, list):
        return [replaced(each, known) for each in value]
    if isinstance(value, dict):
        return {key: replaced(each, known) for key, each in value.items()}
    return value


def as_word(value: Any) -> str:
    """A parameter in a command: a text as it is, anything else as JSON.

    Every number of a spec is a double; KFP's launcher writes a whole one without a point
    (backend/src/v2/metadata/converter.go, PbValueToText).
    """
    return value if isinstance(value, str) else json.dumps(whole(value), ensure_ascii=False)


def whole(value: Any) -> Any:
    """A value with whole numbers as integers."""
    if isinstance(value, dict):
        return {key: whole(each) for key, each in value.items()}
    if isinstance(value, list):
        return [whole(each) for each in value]
    return int(value) if isinstance(value, float) and value == int(value) else value


def local(uri: str) -> str:
    """The path at which a task finds a URI."""
    return uri.replace("gs://", MOUNT, 1)
