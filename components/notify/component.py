"""The KFP faces of the notify stage: at the end of a phase, and when its model is held back."""

from kfp import dsl

from components.images import CPU_IMAGE
from components.program import named, program


@dsl.container_component
@named("notify")
def notify_end(
    webhook: str,
    pipeline: str,
    phase: str,
    run: str,
    place: str,
    timeout: int,
    status: dsl.PipelineTaskFinalStatus,
) -> dsl.ContainerSpec:
    """Tell a webhook of a phase that failed."""
    return dsl.ContainerSpec(
        image=CPU_IMAGE,
        **program(
            "notify",
            timeout=timeout,
            webhook=webhook,
            pipeline=pipeline,
            phase=phase,
            run=run,
            place=place,
            status=status,
        ),
    )


@dsl.container_component
@named("notify")
def notify_held(
    webhook: str,
    pipeline: str,
    phase: str,
    run: str,
    place: str,
    timeout: int,
    held: str,
) -> dsl.ContainerSpec:
    """Tell a webhook of a model that was held back."""
    return dsl.ContainerSpec(
        image=CPU_IMAGE,
        **program(
            "notify",
            timeout=timeout,
            webhook=webhook,
            pipeline=pipeline,
            phase=phase,
            run=run,
            place=place,
            held=held,
        ),
    )
