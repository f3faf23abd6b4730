"""The KFP face of `split`."""

from kfp import dsl

from components.images import CPU_IMAGE
from components.program import program


@dsl.container_component
def split(
    annotations: dsl.Input[dsl.Dataset],
    previous: dsl.Input[dsl.Artifact],
    task: str,
    settings: dict,
    timeout: int,
    train_set: dsl.Output[dsl.Dataset],
    dev_set: dsl.Output[dsl.Dataset],
    test_set: dsl.Output[dsl.Dataset],
    assignment: dsl.Output[dsl.Artifact],
    split_report: dsl.Output[dsl.Artifact],
) -> dsl.ContainerSpec:
    """Deal records out to train, dev and test: balanced by label, without leaks, stable."""
    return dsl.ContainerSpec(
        image=CPU_IMAGE,
        **program(
            "split",
            timeout=timeout,
            annotations=annotations.path,
            task=task,
            settings=settings,
            previous=previous.path,
            train_set=train_set.path,
            dev_set=dev_set.path,
            test_set=test_set.path,
            assignment=assignment.path,
            split_report=split_report.path,
        ),
    )
