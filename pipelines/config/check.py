"""What can be known about a config before anything runs."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.base_models import advice, known
from components.custom_code import import_code
from components.errors import ConfigError, RemoteError, RetrainError
from components.files import read_json
from components.records.languages import contradicts
from components.records.pool import files_of
from components.records.sources import SourceFile, list_files
from components.records.texts import read_texts, reader_of
from components.tasks import task_of
from pipelines.config.ingested import ingested
from pipelines.config.listing import LAST_SECONDS, PATIENCE_SECONDS, Listing
from pipelines.config.load import Loaded
from pipelines.config.schema import Phase
from pipelines.config.training_length import length_of


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
        config: the training config, with what the phase sets in it; None where it is not right.
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
    config: Mapping[str, Any] | None = None

    @property
    def warnings(self) -> list[str]:
        """Classes of problems in the data that a run would only warn of."""
        problems = self.data["problems"] if self.data else []
        return [problem["class"] for problem in problems if problem["policy"] == "warn"]

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON, but for the training config."""
        return {key: value for key, value in vars(self).items() if key != "config"}


@dataclass(frozen=True)
class Listings:
    """The files that a phase names, which may lie in a bucket."""

    annotations: Listing[SourceFile]
    texts: Listing[str]
    for_teacher: Listing[str]


def listings_of(phase: Phase) -> Listings:
    """Begin to ask for the files of a phase."""
    sources = phase.annotations
    return Listings(
        Listing([one.path for one in sources], lambda: list_files(sources), "annotations"),
        texts_of(phase.queue.texts if phase.queue else []),
        texts_of(phase.teacher.texts if phase.teacher else []),
    )


def texts_of(patterns: Sequence[str]) -> Listing[str]:
    """Begin to ask for files of texts."""
    return Listing(patterns, lambda: [file for one in patterns for file in files_of(one)], "texts")


def check_phases(loaded: Loaded) -> dict[str, Checked]:
    """Check every phase."""
    phases = loaded.pipeline.phases
    with contextlib.chdir(loaded.folder):
        listings = {name: listings_of(phase) for name, phase in phases.items()}
        until = time.monotonic() + PATIENCE_SECONDS
        import components.train.config  # takes seconds; the buckets are asked meanwhile  # noqa: F401

        until = max(until, time.monotonic() + LAST_SECONDS)
        return {name: check_phase(loaded, name, listings[name], until) for name in phases}


def check_phase(loaded: Loaded, name: str, listings: Listings, until: float) -> Checked:
    """Check a phase's training config, its annotation files and what is in them.

    Local annotations are read by `ingest` itself, into a folder that is thrown away; annotations
    in a bucket are only looked up. Of texts for a queue or a teacher the first of each is read.

    Args:
        listings: of its files; given up `until` then.
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
            sources = listings.annotations.files(until)
        except RemoteError as error:
            unseen.append(str(error))
        else:
            files = [file.path for file in sources]
            if not any(file.remote for file in sources):
                data = trial_ingest(phase, errors)
    for asking, listing in (
        (phase.queue, listings.texts),
        (phase.teacher, listings.for_teacher),
    ):
        if asking:
            with keeping(errors):
                try:
                    check_texts(listing.files(until), asking.text)
                except RemoteError as error:
                    unseen.append(str(error))
    with keeping(errors):
        check_teacher(loaded, name)
    return Checked(
        files=files,
        data=data,
        problems=list(dict.fromkeys(map(str, errors))),
        unseen=unseen,
        notes=notes_on(phase, data, config) if config else [],
        weights=weights_of(config) if config else {},
        exit_code=errors[0].exit_code if errors else 0,
        stages={stage: placement(phase, stage) for stage in phase.stages},
        training=length_of(config, words_of_training(phase, data), mean_words(data))
        if config
        else None,
        config=config,
    )


def check_teacher(loaded: Loaded, name: str) -> None:
    """Make sure that a teacher that is no phase is there, where its place can be seen from here.

    Raises:
        ConfigError: it is not.
    """
    pipeline = loaded.pipeline
    teacher, registry = pipeline.phases[name].teacher, pipeline.registry_url
    if teacher and teacher.model and "://" not in f"{teacher.model}{registry}":
        from components.ingest.teaching import found

        found(teacher.model, registry)


def check_texts(files: Sequence[str], key: str) -> None:
    """Make sure that the files of texts that lie here can be read.

    Raises:
        ConfigError: one cannot be opened.
        DataError: the first row of one holds no text, or its name does not say what it is.
    """
    for file in files:
        reader_of(file)
        if "://" not in file:
            next(read_texts(file, key), None)


def notes_on(phase: Phase, data: Mapping[str, Any] | None, config: Mapping[str, Any]) -> list[str]:
    """What training would warn of, and what else a run would do that nobody may want."""
    language = config["nlp"]["lang"]
    read = data["language"] if data else ""
    found = [*notes_on_test(phase, data), *unlearnt(phase, data, config)] if data else []
    if contradicts(read, language):
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
    from components.train.local_weights import case_of

    found = {}
    for base in find_all(config):
        about = [base.part, str(known(base.name) or ""), case_of(base.name)]
        here = (
            ""
            if base.folder or Path(base.name).is_dir()
            else "; not on this machine, so from the hub, or an image"
        )
        found[base.component] = ", ".join(filter(None, [base.name, *about])) + here
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


def mean_words(data: Mapping[str, Any] | None) -> float:
    """Words of a document; 0 where the data has not been read."""
    return data["lengths"]["total"] / max(1, data["records"]["kept"]) if data else 0.0


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
