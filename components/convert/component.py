"""The KFP face of convert."""

from kfp import dsl

from components.images import CPU_IMAGE


@dsl.container_component
def convert(
    task: str,
    train_set: dsl.Input[dsl.Dataset],
    dev_set: dsl.Input[dsl.Dataset],
    test_set: dsl.Input[dsl.Dataset],
    settings: dict,
    timeout: int,
    train_corpus: dsl.Output[dsl.Dataset],
    dev_corpus: dsl.Output[dsl.Dataset],
    test_corpus: dsl.Output[dsl.Dataset],
    convert_report: dsl.Output[dsl.Artifact],
) -> dsl.ContainerSpec:
    """Write each side as spaCy's DocBin files, with a manifest."""
    return dsl.ContainerSpec(
        image=CPU_IMAGE,
        command=["python", "-m", "components", "convert"],
        args=[
            "--executor-input",
            dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER,
            "--timeout",
            timeout,
            "--task",
            task,
            "--train-set",
            train_set.path,
            "--dev-set",
            dev_set.path,
            "--test-set",
            test_set.path,
            "--settings",
            settings,
            "--train-corpus",
            train_corpus.path,
            "--dev-corpus",
            dev_corpus.path,
            "--test-corpus",
            test_corpus.path,
            "--convert-report",
            convert_report.path,
        ],
    )
