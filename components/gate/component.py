"""The KFP face of the gate stage."""

from kfp import dsl

from components.images import CPU_IMAGE
from components.program import program


@dsl.container_component
def gate(
    scores: dsl.Input[dsl.Artifact],
    data_report: dsl.Input[dsl.Artifact],
    dossier: dsl.Input[dsl.Artifact],
    labels: list,
    context: dict,
    settings: dict,
    timeout: int,
    decision: dsl.OutputPath(str),
    headline: dsl.OutputPath(str),
    verdict: dsl.Output[dsl.Artifact],
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
            dossier=dossier.path,
            labels=labels,
            context=context,
            settings=settings,
            verdict=verdict.path,
            summary=summary.path,
        ),
    )
