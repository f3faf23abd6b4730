"""What the local runner does not implement is refused by name, before anything runs.

No `from __future__ import annotations` here: kfp reads the types of components.
"""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import dsl

from components.errors import ConfigError
from pipelines.local.runner.reading import read_spec
from tests.pipelines.local.runner.pieces import (
    APPEND,
    WRITE,
    change,
    compiled,
    decide,
    run,
    text_of,
    write,
)

GOLDEN = Path(__file__).parents[3] / "golden"


@dsl.pipeline(name="inner")
def inner(text: str):
    write(code=WRITE, text=text).set_retry(1, backoff_duration="5s").set_display_name("Écrire 1")


@dsl.pipeline(name="good")
def good(text: str = "x"):
    inner(text=text)


GOOD = compiled(good)


def refused(spec: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as error:
        read_spec(spec)
    return str(error.value)


def test_paths_are_the_names_that_people_gave() -> None:
    assert [leaf.path for leaf in read_spec(GOOD).leaves()] == ["inner/Écrire 1"]


@pytest.mark.parametrize("name", ["../up", ".hidden", "a/b", "", "a\nb"])
def test_a_name_that_is_no_folder_gives_way_to_the_key(name: str) -> None:
    spec = copy.deepcopy(GOOD)
    spec["components"]["comp-inner"]["dag"]["tasks"]["write"]["taskInfo"]["name"] = name
    assert [leaf.path for leaf in read_spec(spec).leaves()] == ["inner/write"]


def test_tasks_of_the_same_name_keep_their_keys() -> None:
    @dsl.pipeline(name="p")
    def pipeline():
        write(code=WRITE, text="1").set_display_name("same")
        write(code=WRITE, text="2").set_display_name("same")

    assert [leaf.path for leaf in read_spec(compiled(pipeline)).leaves()] == ["write", "write-2"]


def test_tasks_come_after_those_that_they_wait_for() -> None:
    @dsl.pipeline(name="p")
    def pipeline():
        first = write(code=WRITE, text="").set_display_name("z first")
        second = change(code=WRITE, source=first.outputs["made"]).set_display_name("y second")
        write(code=WRITE, text="").after(second).set_display_name("a third")

    leaves = read_spec(compiled(pipeline)).leaves()
    assert [leaf.path for leaf in leaves] == ["z first", "y second", "a third"]


def test_an_importer_hands_on_what_lies_at_its_uri_and_is_no_task(tmp_path: Path) -> None:
    @dsl.pipeline(name="p")
    def pipeline(uri: str):
        source = dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset, reimport=False)
        change(code=APPEND, source=source.output)

    (tmp_path / "given").write_text("here")
    done = run(pipeline, tmp_path, parameters={"uri": "given"})
    assert text_of(done, "change") == "here+"
    assert list(done.record.tasks) == ["change"]


def test_an_importer_that_imports_anew_each_time_is_refused() -> None:
    @dsl.pipeline(name="p")
    def pipeline(uri: str):
        source = dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset, reimport=True)
        change(code=WRITE, source=source.output)

    message = refused(compiled(pipeline))
    assert "task importer, executor" in message
    assert "unknown field `reimport`" in message


def test_parallel_for() -> None:
    @dsl.pipeline(name="p")
    def pipeline():
        with dsl.ParallelFor(items=["a", "b"]) as item:
            write(code=WRITE, text=item)

    message = refused(compiled(pipeline))
    assert "task for-loop-" in message
    assert "unknown field `parameterIterator`" in message


def test_one_of() -> None:
    @dsl.pipeline(name="p")
    def pipeline(text: str) -> dsl.Dataset:
        with dsl.If(text == "a"):
            one = write(code=WRITE, text=text)
        with dsl.Else():
            other = write(code=WRITE, text=text)
        return dsl.OneOf(one.outputs["made"], other.outputs["made"])

    assert "(dsl.OneOf)" in refused(compiled(pipeline))


def test_placeholders_of_containers() -> None:
    @dsl.container_component
    def joined(text: str):
        both = dsl.ConcatPlaceholder(["a", text])
        return dsl.ContainerSpec(image="test", command=["echo"], args=[both])

    @dsl.pipeline(name="p")
    def pipeline():
        joined(text="x")

    assert "dsl.ConcatPlaceholder" in refused(compiled(pipeline))


def test_an_input_without_a_value() -> None:
    @dsl.container_component
    def optional(text: str = None):  # noqa: RUF013 (kfp's way to declare an optional input)
        return dsl.ContainerSpec(image="test", command=["echo"], args=[text])

    @dsl.pipeline(name="p")
    def pipeline():
        optional()

    assert "task optional: no value for ['text']" in refused(compiled(pipeline))


def _task(spec: dict[str, Any]) -> dict[str, Any]:
    task: dict[str, Any] = spec["components"]["comp-inner"]["dag"]["tasks"]["write"]
    return task


def _container(spec: dict[str, Any]) -> dict[str, Any]:
    container: dict[str, Any] = spec["deploymentSpec"]["executors"]["exec-write"]["container"]
    return container


@pytest.mark.parametrize(
    ("change_spec", "message"),
    [
        (lambda spec: spec.update(platforms={}), "top level.*platforms"),
        (lambda spec: spec.update(schemaVersion="3.0"), "schemaVersion is '3.0'"),
        (lambda spec: spec["deploymentSpec"].update(x={}), r"deploymentSpec.*\['x'\]"),
        (lambda spec: spec["root"]["dag"]["tasks"]["inner"].update(x=1), "task inner: .*`x`"),
        (lambda spec: _task(spec).update(iteratorPolicy={}), "task write: .*`iteratorPolicy`"),
        (lambda spec: _task(spec)["cachingOptions"].update(cacheKey="k"), "task write.*`cacheKey`"),
        (
            lambda spec: _task(spec).update(triggerPolicy={"condition": "size(x) > 1"}),
            r"condition 'size\(x\) > 1' cannot be evaluated",
        ),
        (
            lambda spec: _task(spec).update(triggerPolicy={"strategy": "X"}),
            "Invalid enum value 'X'",
        ),
        (
            lambda spec: _task(spec)["retryPolicy"].update(backoffDuration="1m"),
            "'1m' is not a duration",
        ),
        (
            lambda spec: _task(spec)["inputs"]["parameters"].pop("text"),
            r"inner/Écrire 1: no value for \['text'\]",
        ),
        (
            lambda spec: _task(spec)["inputs"]["parameters"].update(
                text={"runtimeValue": {"constant": "{{$.outputs.x}}"}}
            ),
            r"\{\{\$.outputs.x\}\} in a constant",
        ),
        (
            lambda spec: spec["root"]["dag"]["tasks"]["inner"].update(
                retryPolicy={"maxRetryCount": 1}
            ),
            "retryPolicy of a group",
        ),
        (lambda spec: _container(spec).update(lifecycle={}), "Écrire 1, executor.*`lifecycle`"),
        (lambda spec: _container(spec)["args"].append("{{$.x}}"), r"placeholder \{\{\$.x\}\}"),
        (
            lambda spec: _container(spec)["args"].append("{{$.inputs.parameters['y']}}"),
            "names no declared input",
        ),
    ],
)
def test_unknown_parts_are_named(change_spec: Any, message: str) -> None:
    spec = copy.deepcopy(GOOD)
    change_spec(spec)
    with pytest.raises(ConfigError, match=message):
        read_spec(spec)


def test_nothing_is_left_behind_when_a_spec_is_refused(tmp_path: Path) -> None:
    spec = copy.deepcopy(GOOD)
    _container(spec)["lifecycle"] = {}
    with pytest.raises(ConfigError):
        run(spec, tmp_path)
    assert not list(tmp_path.iterdir())


def test_every_part_that_is_used_is_read() -> None:
    """A spec with conditions, nesting, outputs and resources goes through unharmed."""

    @dsl.pipeline(name="p")
    def pipeline(text: str = "x", number: float = 0.5):
        gate_decision = decide(code="", text=f"{text}-{number}")
        gate_decision.set_cpu_limit("2").set_memory_limit("4G").set_env_variable("A", "b")
        gate_decision.set_accelerator_type("NVIDIA_TESLA_T4").set_accelerator_limit(1)
        with dsl.If(gate_decision.outputs["number"] >= 3):
            inner(text=gate_decision.outputs["decision"])

    read_spec(compiled(pipeline))


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.yaml")), ids=lambda path: path.stem)
def test_what_our_configs_compile_to_can_be_run_here(path: Path) -> None:
    # The second document, if there is one, is for Kubernetes alone.
    graph = read_spec(next(yaml.safe_load_all(path.read_text(encoding="utf-8"))))
    leaves = [leaf.path for leaf in graph.leaves()]
    phase = leaves[0].partition("/")[0]
    assert leaves.index(f"{phase}/ingest") < leaves.index(f"{phase}/train")
    assert leaves.index(f"{phase}/train") < leaves.index(f"{phase}/upload")
