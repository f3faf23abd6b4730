"""The KFP faces of the debug and train stages."""

from kfp import dsl

from components.images import GPU_IMAGE
from components.program import named, program


@dsl.container_component
def debug(
    task: str,
    train_corpus: dsl.Input[dsl.Dataset],
    dev_corpus: dsl.Input[dsl.Dataset],
    labels: list,
    config: str,
    overrides: dict,
    code: str,
    timeout: int,
    findings: dsl.Output[dsl.Artifact],
    summary: dsl.Output[dsl.Markdown],
) -> dsl.ContainerSpec:
    """Prove a training config and its corpora on a plain machine, before a GPU is paid for."""
    return dsl.ContainerSpec(
        image=GPU_IMAGE,
        **program(
            "debug",
            timeout=timeout,
            task=task,
            train_corpus=train_corpus.path,
            dev_corpus=dev_corpus.path,
            labels=labels,
            config=config,
            overrides=overrides,
            code=code,
            findings=findings.path,
            summary=summary.path,
        ),
    )


@dsl.container_component
def train(
    task: str,
    train_corpus: dsl.Input[dsl.Dataset],
    dev_corpus: dsl.Input[dsl.Dataset],
    labels: list,
    config: str,
    overrides: dict,
    code: str,
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
            code=code,
            settings=settings,
            checkpoints=checkpoints,
            model=model.path,
            log=log.path,
        ),
    )


# An input that may be left out would be simpler; KFP's back ends do not agree on how.
@dsl.container_component
@named("train")
def train_from_champion(
    task: str,
    train_corpus: dsl.Input[dsl.Dataset],
    dev_corpus: dsl.Input[dsl.Dataset],
    champion: dsl.Input[dsl.Model],
    labels: list,
    config: str,
    overrides: dict,
    code: str,
    settings: dict,
    timeout: int,
    model: dsl.Output[dsl.Model],
    log: dsl.Output[dsl.Artifact],
    checkpoints: str = "",
) -> dsl.ContainerSpec:
    """Train a spaCy pipeline, starting from the weights of the model in production."""
    return dsl.ContainerSpec(
        image=GPU_IMAGE,
        **program(
            "train",
            timeout=timeout,
            task=task,
            train_corpus=train_corpus.path,
            dev_corpus=dev_corpus.path,
            champion=champion.path,
            labels=labels,
            config=config,
            overrides=overrides,
            code=code,
            settings=settings,
            checkpoints=checkpoints,
            model=model.path,
            log=log.path,
        ),
    )
