"""The KFP face of the gate stage."""

from kfp import dsl

from components.images import CPU_IMAGE
from components.program import program


@dsl.container_component
def gate(
    scores: dsl.Input[dsl.Artifact],
    data_report: dsl.Input[dsl.Artifact],
    champion_metadata: dsl.Input[dsl.Artifact],
    labels: list,
    context: dict,
    settings: dict,
    timeout: int,
    decision: dsl.OutputPath(str),
    headline: dsl.OutputPath(str),
    gate_decision: dsl.Output[dsl.Artifact],
    summary: dsl.Output[dsl.Markdown],
) -> dsl.ContainerSpec:
    """Decide whether the model may go into production, with reasons."""
    return dsl.ContainerSpec(
        image=CPU_IMAGE,
        **program(
            "gate",
            timeout=timeout,
            scores=scores.path,
            data_report=data_report.path,
            champion_metadata=champion_metadata.path,
            labels=labels,
            context=context,
            settings=settings,
            gate_decision=gate_decision.path,
            summary=summary.path,
        ),
    )
