"""The stages as KFP components, made of what each declares (`components.interface`)."""

import importlib
from collections.abc import Mapping
from inspect import Parameter as Argument
from inspect import Signature
from typing import Any

from kfp import dsl
from kfp.dsl.pipeline_channel import PipelineParameterChannel

from components.__main__ import STAGES
from components.interface import (
    TIMEOUT,
    FinalStatus,
    Input,
    Output,
    Parameter,
    Port,
    Result,
    flag,
)


def component(stage: str, image: str, inputs: Mapping[str, Any]) -> Any:
    """A stage as a container component: KFP runs exactly the command that a person would.

    Args:
        image: name of the image that it runs in.
        inputs: of the task. The component lacks those that may be left out and are: KFP's back
            ends do not agree on how to leave out an input. An artifact may be given by its path,
            as a parameter.
    """
    module = importlib.import_module(STAGES[stage])
    ports = [TIMEOUT, *(port for port in module.INTERFACE if used(port, inputs))]
    by_path = {name for name, value in inputs.items() if is_parameter(value)}

    def run(*values: Any) -> dsl.ContainerSpec:
        args = ["--executor-input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER]
        for port, value in zip(ports, values, strict=True):
            if isinstance(port, Parameter) or port.name in by_path:
                args += [flag(port.name), value]
            elif isinstance(port, Input | Output):
                args += [flag(port.name), value.path]
        return dsl.ContainerSpec(
            image=image, command=["python", "-m", "components", stage], args=args
        )

    run.__name__, run.__doc__ = stage, module.__doc__
    arguments = [
        Argument(
            port.name,
            Argument.POSITIONAL_OR_KEYWORD,
            annotation=str if isinstance(port, Input) and port.name in by_path else kind_of(port),
        )
        for port in ports
    ]
    run.__signature__ = Signature(arguments)  # type: ignore[attr-defined]
    return dsl.container_component(run)


def used(port: Port, inputs: Mapping[str, Any]) -> bool:
    """Whether a task with these inputs has the port."""
    given = port.given if isinstance(port, Result) else port.name
    return port.required or isinstance(port, Output) or given in inputs


def is_parameter(value: Any) -> bool:
    """Whether a task is given a value, and not an artifact."""
    return isinstance(value, PipelineParameterChannel)


def kind_of(port: Port) -> Any:
    """How KFP annotates an input or output."""
    if isinstance(port, Parameter):
        return dsl.PipelineTaskFinalStatus if port.kind is FinalStatus else port.kind
    if isinstance(port, Input | Output):
        artifact = getattr(dsl, port.kind)
        return dsl.Input[artifact] if isinstance(port, Input) else dsl.Output[artifact]
    return dsl.OutputPath(str)
