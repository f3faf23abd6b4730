"""The KFP face of the gate stage."""

from kfp import dsl

from components.images import CPU_IMAGE


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
    verdict: dsl.Output[dsl.Artifact],
    summary: dsl.Output[dsl.Markdown],
) -> dsl.ContainerSpec:
    """Decide whether the model may go into production, with reasons."""
    return dsl.ContainerSpec(
        image=CPU_IMAGE,
        command=["python", "-m", "components", "gate"],
        args=[
            "--executor-input",
            dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER,
            "--timeout",
            timeout,
            "--scores",
            scores.path,
            "--data-report",
            data_report.path,
            "--dossier",
            dossier.path,
            "--labels",
            labels,
            "--context",
            context,
            "--settings",
            settings,
            "--verdict",
            verdict.path,
            "--summary",
            summary.path,
        ],
    )
