"""The KFP face of the evaluate stage."""

from kfp import dsl

from components.images import GPU_IMAGE
from components.program import program


@dsl.container_component
def evaluate(
    task: str,
    model: dsl.Input[dsl.Model],
    test_corpus: dsl.Input[dsl.Dataset],
    champion: dsl.Input[dsl.Model],
    labels: list,
    settings: dict,
    timeout: int,
    scores: dsl.Output[dsl.Artifact],
    predictions: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    confusion: dsl.Output[dsl.ClassificationMetrics],
) -> dsl.ContainerSpec:
    """Score a model on the test documents, and the model in production beside it."""
    return dsl.ContainerSpec(
        image=GPU_IMAGE,
        **program(
            "evaluate",
            timeout=timeout,
            task=task,
            model=model.path,
            test_corpus=test_corpus.path,
            champion=champion.path,
            labels=labels,
            settings=settings,
            scores=scores.path,
            predictions=predictions.path,
            metrics=metrics.path,
            confusion=confusion.path,
        ),
    )
