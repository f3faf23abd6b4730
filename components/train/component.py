"""The KFP face of the train stage."""

from kfp import dsl

from components.images import GPU_IMAGE
from components.program import program


@dsl.container_component
def train(
    task: str,
    train_corpus: dsl.Input[dsl.Dataset],
    dev_corpus: dsl.Input[dsl.Dataset],
    labels: list,
    config: str,
    overrides: dict,
    settings: dict,
    timeout: int,
    model: dsl.Output[dsl.Model],
    log: dsl.Output[dsl.Artifact],
    checkpoints: str = "",
) -> dsl.ContainerSpec:
    """Train a spaCy pipeline and keep the one that does best on the dev corpus."""
    return dsl.ContainerSpec(
        image=GPU_IMAGE,
        **program(
            "train",
            timeout=timeout,
            task=task,
            train_corpus=train_corpus.path,
            dev_corpus=dev_corpus.path,
            labels=labels,
            config=config,
            overrides=overrides,
            settings=settings,
            checkpoints=checkpoints,
            model=model.path,
            log=log.path,
        ),
    )
