"""The KFP face of the champion, due and upload stages."""

from kfp import dsl

from components.images import CPU_IMAGE
from components.program import program


@dsl.container_component
def champion(
    registry: str,
    model: str,
    alias: str,
    digest: str,
    timeout: int,
    champion: dsl.Output[dsl.Model],
    champion_metadata: dsl.Output[dsl.Artifact],
    version: dsl.OutputPath(str),
) -> dsl.ContainerSpec:
    """Find the model in production that a new one must beat."""
    return dsl.ContainerSpec(
        image=CPU_IMAGE,
        **program(
            "champion",
            timeout=timeout,
            registry=registry,
            model=model,
            alias=alias,
            digest=digest,
            champion=champion.path,
            champion_metadata=champion_metadata.path,
        ),
    )


@dsl.container_component
def due(
    annotations: dsl.Input[dsl.Dataset],
    registry: str,
    model: str,
    alias: str,
    digest: str,
    context: dict,
    when: str,
    settings: dict,
    timeout: int,
    examples: dsl.Output[dsl.Artifact],
    summary: dsl.Output[dsl.Markdown],
    decision: dsl.OutputPath(str),
    why: dsl.OutputPath(str),
) -> dsl.ContainerSpec:
    """Decide whether a retrain is due."""
    return dsl.ContainerSpec(
        image=CPU_IMAGE,
        **program(
            "due",
            timeout=timeout,
            annotations=annotations.path,
            registry=registry,
            model=model,
            alias=alias,
            digest=digest,
            context=context,
            when=when,
            settings=settings,
            examples=examples.path,
            summary=summary.path,
        ),
    )


@dsl.container_component
def upload(
    model: dsl.Input[dsl.Model],
    scores: dsl.Input[dsl.Artifact],
    gate_decision: dsl.Input[dsl.Artifact],
    report: dsl.Input[dsl.HTML],
    model_card: dsl.Input[dsl.Markdown],
    facts: dsl.Input[dsl.Artifact],
    assignment: dsl.Input[dsl.Artifact],
    examples: dsl.Input[dsl.Artifact],
    decision: str,
    registry: str,
    settings: dict,
    digest: str,
    run: str,
    timeout: int,
    version: dsl.OutputPath(str),
    model_uri: dsl.OutputPath(str),
) -> dsl.ContainerSpec:
    """Keep the model as a version of the registry; put it in production if the gate says so."""
    return dsl.ContainerSpec(
        image=CPU_IMAGE,
        **program(
            "upload",
            timeout=timeout,
            model=model.path,
            scores=scores.path,
            gate_decision=gate_decision.path,
            report=report.path,
            model_card=model_card.path,
            facts=facts.path,
            assignment=assignment.path,
            examples=examples.path,
            decision=decision,
            registry=registry,
            settings=settings,
            digest=digest,
            run=run,
        ),
    )
