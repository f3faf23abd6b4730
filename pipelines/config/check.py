"""What can be known about a config before anything runs."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.base_models import MANY, advice, known
from components.custom_code import import_code
from components.errors import ConfigError, RemoteError, RetrainError
from components.files import read_json
from components.records.sources import Source, SourceFile, list_files
from components.tasks import task_of
from pipelines.config.ingested import ingested
from pipelines.config.load import Loaded
from pipelines.config.schema import STAGES, Phase
from pipelines.config.training_length import length_of

# For buckets, all together; and what they have at least once nothing else is left to do.
PATIENCE_SECONDS = 4.0
LAST_SECONDS = 1.0


@dataclass(frozen=True)
class Checked:
    """What was found out about a phase.

    Attributes:
        files: its annotation files.
        data: the data report of `ingest`; None where the data lies elsewhere or can't be used.
        problems: what must be fixed, one message each.
        unseen: what could not be checked from here, one message each.
        notes: what training would warn of, one message each.
        weights: component -> its base weights, and what is known of them.
        exit_code: 0, or the code of the first problem.
        stages: stage -> machine and accelerator that it asks for on a cluster.
        training: steps at most, and words in each; None where that can't be known.
    """

    files: list[str]
    data: dict[str, Any] | None
    problems: list[str]
    unseen: list[str]
    notes: list[str]
    weights: dict[str, str]
    exit_code: int
    stages: dict[str, str]
    training: tuple[int, int] | None

    @property
    def warnings(self) -> list[str]:
        """Classes of problems in the data that a run would only warn of."""
        problems = self.data["problems"] if self.data else []
        return [problem["class"] for problem in problems if problem["policy"] == "warn"]

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON."""
        return asdict(self)


class Listing:
    """The files of a phase's sources; those in a bucket are asked for on a thread of its own.

    The clients wait for minutes for a network that is away, and the rest can be said without it.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._files: list[SourceFile] | RetrainError | None = None
        self._asking: threading.Thread | None = None
        if any("://" in source.path for source in sources):
            self._asking = threading.Thread(target=self._ask, daemon=True)
            self._asking.start()

    def _ask(self) -> None:
        try:
            self._files = list_files(self._sources)
        except RetrainError as error:
            self._files = error

    def files(self, until: float) -> list[SourceFile]:
        """The files.

        Args:
            until: when to give up on a bucket, by `time.monotonic`.

        Raises:
            RemoteError: the bucket cannot be reached, or not in time.
        """
        if self._asking is None:
            return list_files(self._sources)
        self._asking.join(max(0.0, until - time.monotonic()))
        if isinstance(self._files, RetrainError):
            raise self._files
        if self._files is None:
            raise RemoteError(
                f"{self._sources[0].path}: no answer within {PATIENCE_SECONDS:g} s: whether the "
                "annotations are there cannot be seen from here."
            )
        return self._files


def check_phases(loaded: Loaded) -> dict[str, Checked]:
    """Check every phase."""
    phases = loaded.pipeline.phases
    with contextlib.chdir(loaded.folder):
        listings = {name: Listing(phase.annotations) for name, phase in phases.items()}
        until = time.monotonic() + PATIENCE_SECONDS
        import components.train.config  # takes seconds; the buckets are asked meanwhile  # noqa: F401

        until = max(until, time.monotonic() + LAST_SECONDS)
        return {name: check_phase(loaded, name, listings[name], until) for name in phases}


def check_phase(loaded: Loaded, name: str, listing: Listing, until: float) -> Checked:
    """Check a phase's training config, its annotation files and what is in them.

    Local annotations are read by `ingest` itself, into a folder that is thrown away; annotations
    in a bucket are only looked up.

    Args:
        listing: of its files; given up `until` then.
    """
    from components.train.config import read_config

    phase = loaded.pipeline.phases[name]
    errors: list[RetrainError] = []
    config: dict[str, Any] | None = None
    with keeping(errors):
        if phase.train.code:
            import_code(loaded.folder / phase.train.code)
        tasks = [task_of(each) for each in phase.all_tasks]
        config = read_config(loaded.training_configs[name], phase.train.set, tasks)
        check_language(phase, config["nlp"]["lang"])
    files: list[str] = []
    data = None
    unseen: list[str] = []
    with keeping(errors):
        try:
            sources = listing.files(until)
        except RemoteError as error:
            unseen.append(str(error))
        else:
            files = [file.path for file in sources]
            if not any(file.remote for file in sources):
                data = trial_ingest(phase, errors)
    return Checked(
        files=files,
        data=data,
        problems=list(dict.fromkeys(map(str, errors))),
        unseen=unseen,
        notes=notes_on(phase, data, config) if config else [],
        weights=weights_of(config) if config else {},
        exit_code=errors[0].exit_code if errors else 0,
        stages={stage: placement(phase, stage) for stage in STAGES},
        training=length_of(config, words_of_training(phase, data)) if config else None,
    )


def notes_on(phase: Phase, data: Mapping[str, Any] | None, config: Mapping[str, Any]) -> list[str]:
    """What training would warn of, and what else a run would do that nobody may want."""
    language = config["nlp"]["lang"]
    read = data["language"] if data else ""
    found = [*notes_on_test(phase, data), *unlearnt(phase, data, config)] if data else []
    if read and language not in (read, MANY):
        found.append(
            f"the texts look as if they were in {read!r}, by their letters and words, and the "
            f"language is {language!r}. If that is not so: `language: {read}` in the phase."
        )
    for component, model in transformers(config):
        said = advice(model["name"], language)
        found += [f"components.{component}.model.name: {said}"] if said else []
        base = known(model["name"])
        if base and base.full_precision and model.get("mixed_precision"):
            found.append(
                f"components.{component}.model.mixed_precision: {model['name']} overflows in "
                "float16, which a GPU without bfloat16 takes (T4, V100): set it to false there."
            )
    return found


def transformers(config: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The components of a training config that have base weights, and their models."""
    from components.train.base_weights import find_all

    return [
        (one.component, config["components"][one.component]["model"]) for one in find_all(config)
    ]


def weights_of(config: Mapping[str, Any]) -> dict[str, str]:
    """The base weights of each transformer, what is known of them, and where they are."""
    from components.train.base_weights import find_all

    found = {}
    for base in find_all(config):
        about = known(base.name)
        here = "" if base.folder or Path(base.name).is_dir() else "; to be fetched from the hub"
        found[base.component] = f"{base.name}{f', {about}' if about else ''}{here}"
    return found


def notes_on_test(phase: Phase, data: Mapping[str, Any]) -> list[str]:
    """What nobody may want of a test set."""
    test = phase.split.test
    if not test and "test" not in data["splits"]:
        return [
            "there will be no test set: split.test is 0, and no annotation or source says "
            "`split: test`. No model can be scored, and none passes the gate."
        ]
    if test and any(source.split == "test" for source in phase.annotations):
        return [
            f"split.test is {test:g}: other documents may go into test beside those of the "
            "source with `split: test`. 0 tests on these alone."
        ]
    return []


def unlearnt(phase: Phase, data: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """What annotators said that the training config does not learn from."""
    from components.train.rejected import ADVICE, are_learnt_from

    if are_learnt_from(config):
        return []
    entities = [task.name for task in phase.all_tasks if task.kind == "ner"]
    counts = {name: data["tasks"][name]["partial"]["rejected"] for name in entities}
    return [
        f"{count} spans of {name} were rejected. {ADVICE}"
        for name, count in counts.items()
        if count
    ]


def words_of_training(phase: Phase, data: Mapping[str, Any] | None) -> int:
    """Words of the training corpus, roughly; 0 where the data has not been read."""
    if not data:
        return 0
    held_out: float = data["splits"].get("test", 0) / max(1, data["records"]["kept"])
    test = max(phase.split.test, held_out)
    dev = phase.split.dev * (1 - test) / (1 - phase.split.test)
    words: int = data["lengths"]["total"]
    return round((1 - test - dev) * words)


def check_language(phase: Phase, trained: str) -> None:
    """Make sure that annotations get the tokens that the model is trained with.

    Raises:
        ConfigError: a stage has the tokeniser of another language.
    """
    for stage in ("ingest", "convert"):
        language = getattr(phase, stage).language
        if language != trained:
            raise ConfigError(
                f"{stage}.language is {language!r}, nlp.lang of the training config {trained!r}: "
                f"they must be the same. Write `language: {trained}` in the phase, which reaches "
                "all of them, and none of these."
            )


def trial_ingest(phase: Phase, errors: list[RetrainError]) -> dict[str, Any] | None:
    """Run `ingest` into a temporary folder; return its data report if it got that far."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        with keeping(errors):
            ingested(phase, folder, folder / "store")
        report = folder / "data_report"
        if not report.exists():
            return None
        data: dict[str, Any] = read_json(report)
        return data


def placement(phase: Phase, stage: str) -> str:
    """The machine and accelerator of a stage, as people write it."""
    resources = phase.compute.of(stage)
    accelerator = f" with one {resources.accelerator}" if resources.accelerator else ""
    return f"{resources.machine}{accelerator}, at most {resources.timeout}"


@contextlib.contextmanager
def keeping(errors: list[RetrainError]) -> Iterator[None]:
    """Collect an error that a person can act on, so that all are reported at once."""
    try:
        yield
    except RetrainError as error:
        errors.append(error)
