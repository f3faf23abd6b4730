"""The config that `retrain init` writes: an export's own labels, defaults that say why."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

from components.base_models import MANY
from components.errors import ConfigError
from components.records.scripts import PACKAGES
from components.records.sources import check_type, checked_format
from components.train.local_weights import case_of
from pipelines.config.addresses import local_copies
from pipelines.config.first_gate import gate_lines, judged
from pipelines.config.first_tasks import FirstTasks, first_tasks
from pipelines.config.languages import NAMED, weights_elsewhere
from pipelines.config.profile import DatasetProfile, profile_of
from pipelines.config.shipped import shipped_config
from pipelines.config.yaml_text import spell
from pipelines.labelling.reading import Project, is_labelling_config, read

INGEST = (
    "      select: {answers: [accept]}",
    "      required: []  # labels that must be there; 'all' stops where one has no example",
)
TEST = 0.2  # of the documents


def first_config(
    sources: Sequence[str | Path],
    folder: Path,
    file_format: str = "auto",
    test_sources: Sequence[str | Path] = (),
) -> str:
    """The text of a first config for exports, or for a project's labelling config.

    Args:
        sources: files, prodigy:DATASET, or labelstudio://HOST/PROJECT.
        folder: as in `scaffold`.
        file_format: of the exports; auto: as their content says.
        test_sources: those that are the test set.

    Raises:
        ConfigError: there is no such file, dataset, project or format, or one is given twice.
        DataError: nothing can be learnt from them.
        RemoteError: a server does not answer.
    """
    with TemporaryDirectory() as copies:
        pairs = local_copies([*sources, *test_sources], Path(copies))
        every = [path for path, _ in pairs]
        exports, evaluation = every[: len(sources)], every[len(sources) :]
        return config_of(exports, folder, file_format, evaluation, dict(pairs))


def config_of(
    exports: Sequence[Path],
    folder: Path,
    file_format: str,
    evaluation: Sequence[Path],
    addresses: Mapping[Path, str],
) -> str:
    """As `first_config`, of files; `addresses` as in `scaffold`."""
    every = [*exports, *evaluation]
    for number, path in enumerate(every):
        if path.exists():
            check_type(str(path))
        if not path.is_file():
            raise ConfigError(f"{path}: no such file. Give an annotation export.")
        if path.resolve() in {other.resolve() for other in every[:number]}:
            raise ConfigError(f"{path}: is given twice. Give each export once.")
        if is_labelling_config(path) and len(every) > 1:
            raise ConfigError(f"{path}: is a labelling config. Give it alone, or exports.")
    if is_labelling_config(every[0]):
        return scaffold_of_project(every[0], read(every[0].read_bytes(), every[0].name))
    given_format = checked_format(file_format)
    profile = profile_of(*every, file_format=given_format)
    learnt = profile_of(*exports, file_format=given_format) if evaluation else None
    return scaffold(exports, folder, profile, given_format, evaluation, learnt, addresses)


def scaffold(
    exports: Sequence[Path],
    folder: Path,
    profile: DatasetProfile,
    given_format: str = "auto",
    evaluation: Sequence[Path] = (),
    learnt: DatasetProfile | None = None,
    addresses: Mapping[Path, str] = MappingProxyType({}),
) -> str:
    """The text of a config for one phase.

    Args:
        exports: the annotations.
        folder: where the config will lie: its paths are relative to it.
        profile: of all files.
        given_format: their format, where it was said.
        evaluation: exports that are the test set.
        learnt: the profile of the others, where there are such.
        addresses: export -> what it is a copy of; "" for a file of its own.
    """
    name = slug(exports[0].name.split(".")[0])
    every = [*exports, *evaluation]
    found = first_tasks(profile)
    group_by = profile.group_by()
    in_test = round(TEST * judged(profile))
    if learnt:
        in_test = judged(profile) - judged(learnt)
        found.remarks += only_in_test(found, first_tasks(learnt))
        if shared := in_both(profile, learnt, group_by):
            found.remarks.append(
                f"Of {group_by}: {shared} values are in the test set and beside it; as `group_by` "
                "it would take all of their records into test, to leave nothing alike in train."
            )
            group_by = ""

    def named(export: Path, split: str = "") -> str:
        return source_of(export, addresses.get(export, ""), folder, given_format, profile, split)

    prefix, config = kind_of_config(found)
    language = profile.language or "en"
    names = [addresses.get(path) or path.name for path in every]
    answers = ", ".join(f"{count} {answer}" for answer, count in sorted(profile.answers.items()))
    lines = [
        f"# Made by `retrain init` from {', '.join(names)}: "
        f"{profile.answers.total()} records ({answers})"
        + (f", {profile.refused.total()} unreadable" if profile.refused else "")
        + ".",
        *(f"# {one}" for one in found.remarks),
        *opening(name),
        language_line(profile.language),
        *task_lines(found),
        *source_lines(
            [named(each) for each in exports] + [named(each, "test") for each in evaluation]
        ),
        "    ingest:",
        *INGEST,
        split_line(group_by, 0 if evaluation else TEST),
        *train_lines(config, language),
        *changes(found, prefix),
        *gate_lines(in_test),
        f"    model: {{name: {prefix}-{name}, alias: champion}}",
    ]
    return "\n".join(lines) + "\n"


def scaffold_of_project(file: Path, project: Project) -> str:
    """The text of a config for the tasks of a labelling config."""
    name = slug(file.name.split(".")[0])
    lines = [
        f"# Made by `retrain init` from the labelling config {file.name}.",
        *(f"# Left out: {one}." for one in project.left_out),
        *opening(name),
        "    tasks:",
        *(
            line
            for task, settings in project.tasks.items()
            for line in [f"      {task}:", *setting_lines(settings)]
        ),
        "    annotations: [export.json]  # what the project exports: put it beside this file",
        "    ingest:",
        *INGEST,
        split_line("", TEST),
        *train_lines("minilm-tasks", "en"),
        *gate_lines(None),
        f"    model: {{name: tasks-{name}, alias: champion}}",
    ]
    return "\n".join(lines) + "\n"


def opening(name: str) -> list[str]:
    """How every first config begins, as far as its only phase."""
    return [
        "# Every path is relative to this file. Next: retrain check, then retrain run.",
        f"name: {name}",
        "registry: models  # trained models are kept here, one folder per version",
        "",
        "phases:",
        f"  {name}:",
    ]


def setting_lines(settings: Mapping[str, Any]) -> Iterator[str]:
    """What a config says of a task."""
    for key, value in settings.items():
        if isinstance(value, list):
            yield f"        {key}:"
            yield from (f"          - {spell(one)}" for one in value)
        else:
            said = str(value).lower() if isinstance(value, bool) else spell(value)
            yield f"        {key}: {said}"


def train_lines(config: str, language: str) -> list[str]:
    """Which training config, and what to know of it."""
    text = shipped_config(config).read_text(encoding="utf-8")
    weights = weights_elsewhere(language, text, {})
    case = next(filter(None, map(case_of, NAMED.findall(text))), "")
    what = [
        f"      # MiniLM is small and needs no download{case and f'; {case}'}.",
        "      # roberta is larger and slower, and wants a GPU.",
    ]
    if weights:
        what = [
            f"      # With weights of many languages, {weights}: from the hub, or",
            "      # a folder (docs/languages.md). cnn needs none, and more annotations.",
        ]
    return [
        "    train:",
        *what,
        f"      # One to edit: retrain init --training-config {config} -o mine.cfg",
        f"      config: {config}",
    ]


def only_in_test(found: FirstTasks, learnt: FirstTasks) -> list[str]:
    """What to say of the labels that only the test set has."""
    known = {label for task in learnt.tasks for label in task.counts}
    return [
        f"Of {label}: only the test set has it, so that it is asked for and cannot be learnt."
        for task in found.tasks
        for label in task.counts
        if label not in known
    ]


def in_both(profile: DatasetProfile, learnt: DatasetProfile, key: str) -> int:
    """How many values of a meta key are on both sides of a test set.

    Args:
        profile: of all records; `learnt` of those beside the test set.
        key: such as meta.page; "" for none.
    """
    name = key.removeprefix("meta.")
    every = profile.values.get(name, Counter())
    beside = learnt.values.get(name, Counter())
    return sum(0 < beside[value] < count for value, count in every.items())


def split_line(group_by: str, test: float) -> str:
    """How documents are assigned to train, dev and test."""
    why = (
        "records of one value stay on one split"
        if group_by
        else "e.g. meta.url, so that pieces of one page stay on one split"
    )
    return f"    split: {{dev: 0.1, test: {test}, group_by: {spell(group_by)}}}  # {why}"


def source_lines(sources: Sequence[str]) -> list[str]:
    """The annotations: one on the line of the key, several on one each."""
    if len(sources) == 1:
        return [f"    annotations: [{sources[0]}]"]
    return ["    annotations:", *(f"      - {source}" for source in sources)]


def source_of(
    export: Path,
    name: str,
    folder: Path,
    given_format: str,
    profile: DatasetProfile,
    split: str = "",
) -> str:
    """The annotations as a config names them; `name` is theirs, "" for that of the file."""
    path = spell(name or relative(export, folder))
    features = profile.features.get(export, "")
    more = "" if given_format == "auto" else f", format: {given_format}"
    more += f", features: {spell(relative(Path(features), folder))}" if features else ""
    more += f", split: {split}" if split else ""
    several = profile.language == MANY and not profile.said_languages
    language = profile.languages.get(export, "") if several else ""
    more += f", language: {language}" if language else ""
    return f"{{path: {path}{more}}}" if more else path


def language_line(language: str) -> str:
    """What the config says of the language of its texts.

    Args:
        language: "" where nothing tells it.
    """
    package = PACKAGES.get(language)
    needs = f"; needs: pip install {package}" if package else ""
    why = "by letters and words" if language else "neither letters nor words tell it"
    if language == MANY:
        why = "several, by the meta of the records or by the files"
    return f"    language: {language or 'en'}  # {why}{needs}"


def changes(found: FirstTasks, prefix: str) -> list[str]:
    """What the training config has to have changed for a dataset; nothing where all fits."""
    if prefix == "classes" and not found.tasks[0].settings["exclusive"][0]:
        return ["      set:", *any_of_several()]
    return []


def kind_of_config(found: FirstTasks) -> tuple[str, str]:
    """What the model's name begins with, and the training config that learns the tasks."""
    # The one of classes has a component of that name.
    first = found.tasks[0]
    if found.several or (first.kind == "textcat" and first.name != "classes"):
        return "tasks", "minilm-tasks"
    return {
        "ner": ("ner", "minilm-tokens"),
        "spans": ("spans", "minilm-tasks"),
        "textcat": ("classes", "minilm-classes"),
    }[first.kind]


def task_lines(found: FirstTasks) -> list[str]:
    """The tasks of a phase: in the short form where there is one that goes by its usual name."""
    first = found.tasks[0]
    if not found.several and first.name in ("entities", first.kind):
        why = f"  # {first.why}" if first.why else ""
        return [f"    task: {first.kind}{why}", *first.label_lines()]
    return ["    tasks:", *(line for task in found.tasks for line in task.lines())]


def any_of_several() -> list[str]:
    """What a training config of one class for each text needs to be one of any of several."""
    return [
        "        components.classes.factory: textcat_multilabel",
        "        components.classes.model.exclusive_classes: false",
    ]


def relative(path: Path, folder: Path) -> str:
    """`path` as a config in `folder` names it."""
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()


def slug(text: str) -> str:
    """A name that a pipeline may have, from any file name."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:50].strip("-")
    return name if name and name[0].isalpha() else f"ner-{name}".strip("-")
