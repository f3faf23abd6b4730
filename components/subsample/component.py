"""The KFP face of the subsample stage."""

from kfp import dsl

from components.images import CPU_IMAGE
from components.program import program


@dsl.container_component
def subsample(
    train_set: dsl.Input[dsl.Dataset],
    percent: int,
    timeout: int,
    kept: dsl.Output[dsl.Dataset],
) -> dsl.ContainerSpec:
    """Take a share of the training records; a larger share holds the smaller ones."""
    return dsl.ContainerSpec(
        image=CPU_IMAGE,
        **program(
            "subsample",
            timeout=timeout,
            train_set=train_set.path,
            percent=percent,
            kept=kept.path,
        ),
    )
