"""The KFP face of the report stage."""

from kfp import dsl

from components.images import CPU_IMAGE
from components.program import program


@dsl.container_component
def report(
    scores: dsl.Input[dsl.Artifact],
    gate_decision: dsl.Input[dsl.Artifact],
    predictions: dsl.Input[dsl.Artifact],
    data_report: dsl.Input[dsl.Artifact],
    split_report: dsl.Input[dsl.Artifact],
    convert_report: dsl.Input[dsl.Artifact],
    log: dsl.Input[dsl.Artifact],
    champion_metadata: dsl.Input[dsl.Artifact],
    context: dict,
    timeout: int,
    report: dsl.Output[dsl.HTML],
    review: dsl.Output[dsl.Dataset],
    model_card: dsl.Output[dsl.Markdown],
    facts: dsl.Output[dsl.Artifact],
) -> dsl.ContainerSpec:
    """Turn scores and a verdict into a page that people read."""
    return dsl.ContainerSpec(
        image=CPU_IMAGE,
        **program(
            "report",
            timeout=timeout,
            scores=scores.path,
            gate_decision=gate_decision.path,
            predictions=predictions.path,
            data_report=data_report.path,
            split_report=split_report.path,
            convert_report=convert_report.path,
            log=log.path,
            champion_metadata=champion_metadata.path,
            context=context,
            report=report.path,
            review=review.path,
            model_card=model_card.path,
            facts=facts.path,
        ),
    )
