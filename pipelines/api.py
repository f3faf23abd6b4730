"""What the command line does, for notebooks and scripts: `import retrain`.

    import retrain

    retrain.check("retrain.yaml")
    run = retrain.run("retrain.yaml", overrides=["phases.letters.training.max_steps=200"])
    print(run.outcomes["letters"].message)      # promoted to version 3
    retrain.predict("letters", ["Apply by 5 April 2024."])

Paths are relative to the working folder; everything raises `components.errors.RetrainError`, whose
subclasses say whether it is the config, the data, or a service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.config.default import DEFAULT_CONFIG

if TYPE_CHECKING:
    from rich.console import Console
    from spacy.language import Language

    from components.answers.findings import Findings
    from components.answers.formats import Format
    from components.answers.models import Source
    from components.registry.base import Registry, Version
    from pipelines.config.check import Checked
    from pipelines.local.live_view import Verbosity
    from pipelines.local.run import RunResult
    from pipelines.local.runs import RunRecord
    from pipelines.predict.job import Predicted, Report
    from pipelines.results.compare import Comparison
    from pipelines.results.outcome import PhaseOutcome

PathLike = str | Path
RUNS = Path("runs")


@dataclass(frozen=True)
class Run:
    """A run that has ended.

    Attributes:
        id, folder: of the run.
        exit_code: 0, or what the command would end with.
        outcomes: by phase: what came of it and what is in production.
        result: everything that the runner knows.
    """

    id: str
    folder: Path
    exit_code: int
    outcomes: Mapping[str, PhaseOutcome]
    result: RunResult


def init(
    annotations: PathLike | Sequence[PathLike],
    config: PathLike = DEFAULT_CONFIG,
    *,
    format: str = "auto",
    evaluation: PathLike | Sequence[PathLike] = (),
) -> Path:
    """Write a first config for exports, as `retrain init` does; return its path.

    Args:
        evaluation: exports that are the test set.

    Raises:
        ConfigError: the config is there already, or the export is not.
        DataError: nothing can be learnt from the export.
    """
    from components.errors import ConfigError
    from components.files import write_json, write_text
    from pipelines.config.json_schema import FILE_NAME, json_schema
    from pipelines.config.scaffold import first_config

    target = Path(config)
    if target.exists():
        raise ConfigError(f"{target}: is already there. Choose another name, or remove it first.")
    text = first_config(listed(annotations), target.parent, format, listed(evaluation))
    # A file and no address: it goes with the config, and works where there is no network.
    write_json(target.parent / FILE_NAME, json_schema())
    write_text(target, f"# yaml-language-server: $schema={FILE_NAME}\n{text}")
    return target


def listed(paths: PathLike | Sequence[PathLike]) -> list[PathLike]:
    """One path, or several, as a list."""
    return [paths] if isinstance(paths, str | Path) else [*paths]


def check(
    config: PathLike = DEFAULT_CONFIG, *, overrides: Sequence[str] = ()
) -> dict[str, Checked]:
    """Check a config and its annotations; by phase what is wrong, and the data report.

    Raises:
        ConfigError: the config cannot be read.
    """
    from pipelines.config.check import check_phases
    from pipelines.config.load import load
    from pipelines.dag.compile import compiled

    loaded = load(Path(config), overrides)
    compiled(loaded)
    return check_phases(loaded)


def run(
    config: PathLike = DEFAULT_CONFIG,
    *,
    overrides: Sequence[str] = (),
    parameters: Sequence[str] = (),
    phases: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    workers: int | None = None,
    use_cache: bool = True,
    in_containers: bool = False,
    out: PathLike = RUNS,
    console: Console | None = None,
    verbosity: Verbosity = "normal",
) -> Run:
    """Retrain on this machine; blocks until the run has ended.

    Args:
        overrides, parameters: `KEY=VALUE`, as `--set` and `--param` take them.
        console: where the run is watched; None: stderr.
        verbosity: quiet, normal, or verbose, with what the tasks write.

    Raises:
        ConfigError: the config is wrong; nothing was run. A task that fails raises nothing: it is
            in `outcomes` and `exit_code`.
    """
    from rich.console import Console

    from pipelines.local.launch import run_config
    from pipelines.results.history import write_history

    result = run_config(
        Path(config),
        overrides,
        parameters=parameters,
        phases=phases,
        tasks=tasks,
        workers=workers,
        use_cache=use_cache,
        out=Path(out),
        in_containers=in_containers,
        console=console or Console(stderr=True),
        verbosity=verbosity,
    )
    write_history(Path(out))
    came = outcomes(result.run_id, out=out)
    return Run(result.run_id, result.path, result.exit_code, came, result)


def runs(out: PathLike = RUNS) -> list[RunRecord]:
    """The runs of this machine, newest first."""
    from pipelines.local.runs import list_runs

    return list_runs(Path(out))


def outcomes(run: str = "latest", *, out: PathLike = RUNS) -> dict[str, PhaseOutcome]:
    """What came of each phase of a run, and what is in production.

    Args:
        run: its id, an unambiguous part of it, or latest.

    Raises:
        ConfigError: there is no such run.
    """
    from pipelines.local.runs import find_run, read_record
    from pipelines.results.outcome import outcomes

    folder = find_run(Path(out), run)
    return outcomes(folder, read_record(folder))


def report(run: str = "latest", *, out: PathLike = RUNS) -> dict[str, Any]:
    """A run as `retrain runs show --json` has it: scores, reasons, and where the reports are.

    Raises:
        ConfigError: there is no such run.
    """
    from pipelines.local.runs import find_run
    from pipelines.results.summary import summary

    return summary(find_run(Path(out), run))


def compare(
    old: str, new: str = "latest", *, phases: Sequence[str] | None = None, out: PathLike = RUNS
) -> list[Comparison]:
    """How the models of a new run differ from those of an old one, phase by phase.

    Raises:
        ConfigError: there is nothing to compare.
        DataError: a file of a run was deleted.
    """
    from pipelines.local.runs import find_run
    from pipelines.results.compare import common_phases, compare_phase

    before, after = find_run(Path(out), old), find_run(Path(out), new)
    return [
        comparison
        for phase in phases or common_phases(before, after)
        for comparison in compare_phase(before, after, phase)
    ]


def models(name: str = "", *, registry: PathLike | None = None) -> list[Version]:
    """The versions of a model, or of all, oldest first; `aliases` says which is in production.

    Args:
        registry: its folder; None: that of retrain.yaml, or `models`.
    """
    from components.registry.base import known

    opened = _opened(registry)
    return [each for one in ([name] if name else opened.names()) for each in known(opened, one)]


def promote(
    name: str, version: str, *, alias: str = "champion", registry: PathLike | None = None
) -> Version:
    """Put a version in production, whatever the gate said.

    Args:
        version: its number, an alias, or the run that made it.

    Raises:
        ConfigError: there is no such version.
    """
    from components.registry import promotion
    from components.registry.base import find

    opened = _opened(registry)
    chosen = find(opened, name, version, damaged=True)
    return promotion.promote(opened, name, chosen.number, alias)


def rollback(
    name: str, *, alias: str = "champion", registry: PathLike | None = None
) -> tuple[Version, Version]:
    """Put back what the present version replaced; return what was in production, and what is.

    Raises:
        ConfigError: there is nothing to go back to.
    """
    from components.registry import promotion

    opened = _opened(registry)
    return promotion.rollback(opened, name, alias)


def sources(
    reference: PathLike = "latest", *, out: PathLike = RUNS, registry: PathLike | None = None
) -> list[Source]:
    """The models that a reference means.

    Args:
        reference: a model's folder, a registered model (NAME, NAME@VERSION), or a run.

    Raises:
        ConfigError: it is none of them.
    """
    from pipelines.results.served import sources_of
    from pipelines.results.versions import local_registry

    return sources_of(str(reference), Path(out), Path(registry or local_registry(None)))


def load_model(
    reference: PathLike = "latest",
    *,
    phase: str = "",
    out: PathLike = RUNS,
    registry: PathLike | None = None,
) -> Language:
    """A model as a spaCy pipeline.

    Args:
        reference: as `sources` takes it.
        phase: which model, where a run has several.

    Raises:
        ConfigError: it means no model, or several.
    """
    from components.answers.models import load
    from components.errors import ConfigError

    found = sources(reference, out=out, registry=registry)
    chosen = [source for source in found if phase in ("", source.phase)]
    if len(chosen) != 1:
        names = ", ".join(source.phase for source in found)
        raise ConfigError(f"{reference}: name one of its phases: {names}.")
    return load(chosen).phases[chosen[0].phase].nlp


def predict(
    reference: PathLike,
    texts: Sequence[str],
    *,
    confidence: bool = False,
    out: PathLike = RUNS,
    registry: PathLike | None = None,
) -> list[Findings]:
    """What models say of texts, exactly as the server answers.

    Args:
        reference: as `sources` takes it; several models answer together.
        confidence: whether to say how sure they are of each entity.
    """
    from components.answers.models import Question, load

    loaded = load(sources(reference, out=out, registry=registry))
    return loaded.analyse(texts, Question(tuple(loaded.phases), confidence))


def predict_files(
    reference: PathLike,
    texts: Sequence[str],
    output: PathLike,
    *,
    format: Format = "jsonl",
    text: str = "",
    phase: str = "",
    confidence: bool = True,
    out: PathLike = RUNS,
    registry: PathLike | None = None,
    report: Report | None = None,
) -> Predicted:
    """Write what models say of files of texts; called again after a kill, it goes on.

    Args:
        reference: as `sources` takes it; several models answer together.
        texts: files, globs and addresses.
        output: the file to write, or a folder for docbin.
        text: key or column of the text; "": text, or what else is usual.
        phase: only this one, where a run has several.
        confidence: whether to say how sure the models are.
        report: called with the texts that are done, all of them, and words per second.

    Raises:
        ConfigError: the output is there, or begun by another job.
        DataError: a row holds no text.
    """
    from components.errors import ConfigError
    from pipelines.predict.job import predict_files

    found = sources(reference, out=out, registry=registry)
    chosen = [source for source in found if phase in ("", source.phase)]
    if not chosen:
        names = ", ".join(source.phase for source in found)
        raise ConfigError(f"--phase {phase}: {reference} has only {names}.")
    return predict_files(
        chosen,
        texts,
        Path(output),
        form=format,
        key=text,
        confidence=confidence,
        report=report or (lambda _done, _all, _speed: None),
    )


def package(
    name: str,
    version: str = "champion",
    *,
    folder: PathLike = "dist",
    registry: PathLike | None = None,
) -> Path:
    """Make a wheel of a version, as `spacy package` does; return its path.

    Args:
        folder: where the wheel goes.

    Raises:
        ConfigError: there is no such version, or nothing here can build a wheel.
    """
    from pipelines.results.package import wheel_of

    opened = _opened(registry)
    return wheel_of(opened, name, version, Path(folder))


def _opened(registry: PathLike | None) -> Registry:
    from pipelines.results.versions import registry_of

    return registry_of("local", None, Path(registry) if registry else None)
