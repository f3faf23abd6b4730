"""The KFP face of ingest."""

from kfp import dsl

from components.images import CPU_IMAGE
from components.program import program


@dsl.container_component
def ingest(
    sources: list,
    digest: str,
    task: str,
    labels: list,
    settings: dict,
    timeout: int,
    annotations: dsl.Output[dsl.Dataset],
    quarantine: dsl.Output[dsl.Dataset],
    snapshot: dsl.Output[dsl.Artifact],
    data_report: dsl.Output[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    summary: dsl.Output[dsl.Markdown],
) -> dsl.ContainerSpec:
    """Read, check, select and resolve annotations; quarantine what cannot be trusted."""
    return dsl.ContainerSpec(
        image=CPU_IMAGE,
        **program(
            "ingest",
            timeout=timeout,
            sources=sources,
            digest=digest,
            task=task,
            labels=labels,
            settings=settings,
            annotations=annotations.path,
            quarantine=quarantine.path,
            snapshot=snapshot.path,
            data_report=data_report.path,
            report=report.path,
            summary=summary.path,
        ),
    )
