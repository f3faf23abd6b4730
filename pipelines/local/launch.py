"""From a config to a run on this machine."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from components.errors import ConfigError
from pipelines.config.git import commit_of
from pipelines.config.load import load
from pipelines.config.subset import only_tasks
from pipelines.dag.compile import compiled
from pipelines.dag.parameters import pipeline_parameters
from pipelines.dag.spec import parsed
from pipelines.local.containers import in_images
from pipelines.local.live_view import Verbosity, listener
from pipelines.local.run import RunResult, run_spec


def run_config(
    config: Path,
    overrides: Sequence[str] = (),
    *,
    parameters: Sequence[str] = (),
    phases: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    workers: int | None = None,
    use_cache: bool = True,
    out: Path = Path("runs"),
    in_containers: bool = False,
    console: Console,
    verbosity: Verbosity = "normal",
) -> RunResult:
    """Compile a config and run the spec here.

    Models go to the config's local registry folder, also where its target is Vertex AI: a run on
    a laptop never touches production, unless `parameters` names another registry.

    Args:
        parameters: `KEY=VALUE` for parameters of the pipeline.
        tasks: train these alone, see `pipelines.config.subset`.
        in_containers: run each task in its image, as a cluster does.
        console: where the run is watched: live on a terminal, a line per change elsewhere.
        verbosity: see `pipelines.local.live_view.listener`.

    Raises:
        ConfigError: the config is wrong, or asks for what can't run here; nothing was run.
    """
    loaded = load(config, overrides)
    if tasks:
        loaded = only_tasks(loaded, tasks, phases)
    unknown = sorted({*(phases or ())} - {*loaded.pipeline.phases})
    if unknown:
        known = ", ".join(loaded.pipeline.phases)
        raise ConfigError(f"--phase {', '.join(unknown)}: {config} has the phases {known}")
    # Tasks inherit it; the lineage of every model names the commit that made it.
    os.environ.setdefault("RETRAIN_COMMIT", commit_of(loaded.folder))
    spec = compiled(loaded)
    return run_spec(
        parsed(spec),
        out=out,
        cwd=loaded.folder,
        name=loaded.pipeline.name,
        listener=listener(console, verbosity, out),
        parameters={
            "registry": loaded.pipeline.registry,
            # Relative, so that the folders can be moved and the cache still holds.
            "checkpoints": os.path.relpath(out.resolve() / "checkpoints", loaded.folder),
            "store": os.path.relpath(out.resolve() / "store", loaded.folder),
            **pipeline_parameters(spec, parameters),
        },
        phases=phases,
        workers=workers,
        use_cache=use_cache,
        config=str(config),
        command=shlex.join(["retrain", *sys.argv[1:]]),
        launcher=in_images(loaded.pipeline.images) if in_containers else None,
        models={name: phase.model for name, phase in loaded.pipeline.phases.items()},
    )
