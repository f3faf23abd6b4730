"""The stages as KFP components, made of what each declares (`components.interface`)."""

import importlib
from collections.abc import Collection
from inspect import Parameter as Argument
from inspect import Signature
from typing import Any

from kfp import dsl

from components.__main__ import STAGES
from components.interface import TIMEOUT, FinalStatus, Input, Output, Parameter, Port, flag


def component(stage: str, image: str, given: Collection[str]) -> Any:
    """A stage as a container component: KFP runs exactly the command that a person would.

    Args:
        image: name of the image that it runs in.
        given: names of the inputs that the task has. The component lacks those that may be left
            out and are: KFP's back ends do not agree on how to leave out an input.
    """
    module = importlib.import_module(STAGES[stage])
    ports = [TIMEOUT, *(port for port in module.INTERFACE if port.required or port.name in given)]

    def run(*values: Any) -> dsl.ContainerSpec:
        args = ["--executor-input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER]
        for port, value in zip(ports, values, strict=True):
            if isinstance(port, Parameter):
                args += [flag(port.name), value]
            elif isinstance(port, Input | Output):
                args += [flag(port.name), value.path]
        return dsl.ContainerSpec(
            image=image, command=["python", "-m", "components", stage], args=args
        )

    run.__name__, run.__doc__ = stage, module.__doc__
    arguments = [
        Argument(port.name, Argument.POSITIONAL_OR_KEYWORD, annotation=kind_of(port))
        for port in ports
    ]
    run.__signature__ = Signature(arguments)  # type: ignore[attr-defined]
    return dsl.container_component(run)


def kind_of(port: Port) -> Any:
    """How KFP annotates an input or output."""
    if isinstance(port, Parameter):
        return dsl.PipelineTaskFinalStatus if port.kind is FinalStatus else port.kind
    if isinstance(port, Input | Output):
        artifact = getattr(dsl, port.kind)
        return dsl.Input[artifact] if isinstance(port, Input) else dsl.Output[artifact]
    return dsl.OutputPath(str)
