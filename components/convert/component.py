"""The KFP face of convert."""

from kfp import dsl

from components.images import CPU_IMAGE
from components.program import program


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
    """Write each split as spaCy's DocBin files, with a manifest."""
    return dsl.ContainerSpec(
        image=CPU_IMAGE,
        **program(
            "convert",
            timeout=timeout,
            task=task,
            train_set=train_set.path,
            dev_set=dev_set.path,
            test_set=test_set.path,
            settings=settings,
            train_corpus=train_corpus.path,
            dev_corpus=dev_corpus.path,
            test_corpus=test_corpus.path,
            convert_report=convert_report.path,
        ),
    )
