"""What `retrain submit` would do, without doing it: every request only reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from components.errors import ConfigError
from components.fingerprint.command import digest_of
from components.records.sources import content_digest, identity, list_files
from components.registry.base import pointed_to
from components.registry.open import VOLUME_SCHEME, open_registry
from pipelines.config.load import Loaded
from pipelines.config.schema import STAGES, Phase, Pipeline
from pipelines.dag.spec import constant, leaves, parsed, serial_starts
from pipelines.services.base import Backend
from pipelines.services.choose import backend_of
from pipelines.services.costs import LIST_PRICES, Asked, estimate, read_prices
from pipelines.services.submission import only, prepare, refuse_unrepeatable

# Runs to look for durations in: a task that was reused took none.
LOOK_BACK = 5


def planned(
    loaded: Loaded,
    phases: Sequence[str] = (),
    parameters: Sequence[str] = (),
    prices: Path = LIST_PRICES,
) -> dict[str, Any]:
    """The run that a submit would come to, what it would use, cost and find done already.

    Raises:
        ConfigError: submit would refuse; nothing is changed either way.
    """
    refuse_unrepeatable(loaded)
    backend = backend_of(loaded)
    backend.check()
    submission = prepare(loaded, phases, parameters)
    attempts = backend.attempts(submission)
    chosen = only(loaded, phases).pipeline
    spec = parsed(submission.spec)
    tasks = asked(chosen, spec, durations(backend, chosen.name))
    return {
        "run": attempts[0].id if attempts else submission.job_id(1),
        "exists": bool(attempts),
        "state": attempts[0].state if attempts else "",
        "place": backend.where,
        "data": submission.data,
        "commit": submission.commit,
        "images": {"cpu": chosen.images.cpu, "gpu": chosen.images.gpu},
        "phases": {name: known_of(chosen, name, spec) for name in chosen.phases},
        "tasks": [described(task) for task in tasks],
        "serial_starts": serial_starts(spec),
        "gpu_hours_at_most": sum(
            task.resources.count * task.longest for task in tasks if task.resources.accelerator
        ),
        "cost": cost(chosen, tasks, prices),
    }


def asked(pipeline: Pipeline, spec: Mapping[str, Any], hours: Mapping[str, float]) -> list[Asked]:
    """The tasks of the spec that run on machines of their own, and what each asks for."""
    machines = []
    for path, names in leaves(spec):
        phase, stage = phase_of(pipeline, names), stage_of(names[-1])
        if phase and stage:
            machines.append(Asked(path, phase.compute.of(stage), hours.get(path)))
    return machines


def phase_of(pipeline: Pipeline, names: Sequence[str]) -> Phase | None:
    """The phase that a task belongs to; the first for one that stands beside the phases."""
    named = pipeline.phases.get(names[0])
    return named or (next(iter(pipeline.phases.values())) if len(names) == 1 else None)


def stage_of(task: str) -> str:
    """The stage that a task is of, by whose name its own begins; '' for a task not of ours."""
    return next((stage for stage in (*STAGES, "notify") if task.startswith(stage)), "")


def durations(backend: Backend, config: str) -> dict[str, float]:
    """Path of a task -> the hours that it took when it last succeeded."""
    hours: dict[str, float] = {}
    succeeded = [run for run in backend.history(config) if run.state == "succeeded"]
    for run in succeeded[:LOOK_BACK]:
        for task in backend.get(run.id).tasks:
            if task.state == "succeeded" and task.started and task.ended:
                took = (task.ended - task.started).total_seconds() / 3600
                hours.setdefault(task.path, took)
    return hours


def described(task: Asked) -> dict[str, Any]:
    """What one task asks for, as JSON."""
    resources = task.resources
    return {
        "task": task.task,
        "machine": resources.machine,
        "accelerator": resources.accelerator,
        "spot": resources.spot,
        "timeout": resources.timeout,
        "attempts": 1 + resources.retries,
        "took_hours": task.hours,
    }


def known_of(pipeline: Pipeline, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """What can be known of a phase before it runs: its input, and what was made from it already.

    Returns:
        `digest` of annotations and config, as the run will call it, '' where a teacher is looked
        up in the run; `made`: the version that was
        trained from the very same, '' for none; `champion`: the version in production; both are
        None where the registry cannot be looked at from here.
    """
    phase = pipeline.phases[name]
    files = list_files(phase.annotations)
    content = content_digest(files, [identity(file) for file in files])
    digest = digest_of(content, constant(spec, name, "ingest", "context"))
    facts: dict[str, Any] = {"files": len(files), "data": content, "digest": digest}
    if pipeline.registry_url.startswith(VOLUME_SCHEME):
        return {**facts, "made": None, "champion": None}
    versions = open_registry(pipeline.registry_url).versions(phase.model.name)
    made = [version.number for version in versions if version.lineage.digest == digest]
    if phase.teacher:
        # What its teacher is then, the run itself will find out.
        facts["digest"], made = "", []
    champion = pointed_to(versions, phase.model.alias)
    return {
        **facts,
        "made": made[-1] if made else "",
        "champion": champion.number if champion else "",
    }


def cost(pipeline: Pipeline, tasks: Sequence[Asked], prices: Path) -> dict[str, Any] | None:
    """The estimate and where it comes from; None for machines of one's own."""
    if pipeline.target != "vertex" or pipeline.vertex is None:
        if prices != LIST_PRICES:
            raise ConfigError("--prices: a cluster of your own has no list price.")
        return None
    listed = read_prices(prices)
    return {
        **asdict(estimate(tasks, listed)),
        "currency": listed.currency,
        "source": listed.source,
        "as_of": listed.as_of.isoformat(),
        "prices_of": listed.region,
        "region": pipeline.vertex.location,
    }
