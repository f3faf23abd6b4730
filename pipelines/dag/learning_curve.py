"""The DAG of a learning curve: one branch per share of the training documents."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kfp import compiler, dsl

from components.errors import ConfigError
from pipelines.config.load import Loaded
from pipelines.dag.components import component
from pipelines.dag.resources import StageTasks, evaluation, plain
from pipelines.dag.spec import parsed


def branch_name(percent: int) -> str:
    """Name of a share's branch in the spec and in the run."""
    return f"share-{percent}"


def curve_spec(loaded: Loaded, phase: str, percents: Sequence[int]) -> dict[str, Any]:
    """The pipeline spec of a learning curve: one branch per share.

    Raises:
        ConfigError: the phase has a teacher.
    """
    if loaded.pipeline.phases[phase].teacher:
        raise ConfigError(
            f"phases.{phase} has a teacher, and a learning curve tells how much annotations alone "
            "are worth: draw that of the phase without it."
        )
    branches = [curve_branch(loaded, phase, percent) for percent in percents]

    @dsl.pipeline(name=f"{loaded.pipeline.name}-curve")
    def curve(store: str) -> None:
        for branch in branches:
            branch(store=store)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "curve.yaml"
        compiler.Compiler().compile(curve, str(path))
        return parsed(path.read_text(encoding="utf-8"))


def curve_branch(loaded: Loaded, name: str, percent: int) -> Any:
    """One share, from the annotations to its scores."""
    phase = loaded.pipeline.phases[name]
    stage = StageTasks(phase.compute, loaded.pipeline)
    sources = [plain(source, source.unused) for source in phase.annotations]
    tasks = [task.model_dump() for task in phase.all_tasks]

    @dsl.pipeline(name=branch_name(percent))
    def branch(store: str) -> None:
        # There is nothing to beat here, and no earlier split to keep to.
        data = stage(
            "ingest",
            sources=sources,
            tasks=tasks,
            settings=plain(phase.ingest),
            store=store,
        )
        splits = stage(
            "split",
            annotations=stage.stored(data, "annotations", dsl.Dataset),
            annotations_digest=data["annotations_digest"],
            tasks=tasks,
            settings=plain(phase.split),
        )
        part = component("subsample", loaded.pipeline.images.cpu, {})(
            train_set=splits["train_set"], percent=percent, timeout=0
        )
        corpora = stage(
            "convert",
            tasks=tasks,
            train_set=part.outputs["kept"],
            dev_set=splits["dev_set"],
            test_set=splits["test_set"],
            settings=plain(phase.convert),
        )
        trained = stage(
            "train",
            tasks=tasks,
            train_corpus=corpora["train_corpus"],
            dev_corpus=corpora["dev_corpus"],
            config=loaded.training_configs[name],
            overrides=phase.train.set,
            code=loaded.training_code[name],
            settings=phase.train.settings,
            checkpoints="",
        )
        stage(
            "evaluate",
            tasks=tasks,
            model=trained["model"],
            test_corpus=corpora["test_corpus"],
            init="base",
            settings=evaluation(phase),
        )

    return branch
