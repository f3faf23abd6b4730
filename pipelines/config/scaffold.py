"""The config that `retrain init` writes: an export's own labels, defaults that say why."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components.base_models import MANY
from components.errors import ConfigError
from components.records.scripts import PACKAGES
from components.records.sources import check_type, checked_format, features_beside
from pipelines.config.first_tasks import FirstTasks, first_tasks
from pipelines.config.languages import weights_elsewhere
from pipelines.config.profile import DatasetProfile, profile_of
from pipelines.config.shipped import shipped_config
from pipelines.config.yaml_text import spell
from pipelines.labelling.reading import Project, is_labelling_config, read

INGEST = (
    "      select: {answers: [accept]}",
    "      required: []  # labels that must be there; 'all' stops where one has no example",
)
GATE = (
    "    gate:",
    "      min_f: 0.5  # a model below this is kept but not promoted",
    "      mode: report-only  # say what would be held back, promote it all the same",
)


def first_config(annotations: Path, folder: Path, file_format: str = "auto") -> str:
    """The text of a first config for an export, or for a project's labelling config.

    Args:
        folder: as in `scaffold`.
        file_format: of the export; auto: as its content says.

    Raises:
        ConfigError: there is no such file, or format.
        DataError: nothing can be learnt from it.
    """
    if annotations.exists():
        check_type(str(annotations))
    if not annotations.is_file():
        raise ConfigError(f"{annotations}: no such file. Give an annotation export.")
    if is_labelling_config(annotations):
        return scaffold_of_project(annotations, read(annotations.read_bytes(), annotations.name))
    given_format = checked_format(file_format)
    profile = profile_of(annotations, given_format, features_beside(annotations))
    return scaffold(annotations, folder, profile, given_format)


def scaffold(
    export: Path, folder: Path, profile: DatasetProfile, given_format: str = "auto"
) -> str:
    """The text of a config for one phase.

    Args:
        export: the annotations.
        given_format: their format, where it was said.
        folder: where the config will lie: its paths are relative to it.
    """
    name = slug(export.name.split(".")[0])
    found = first_tasks(profile)
    prefix, config = kind_of_config(found)
    group_by = profile.group_by()
    language = profile.language or "en"
    answers = ", ".join(f"{count} {answer}" for answer, count in sorted(profile.answers.items()))
    lines = [
        f"# Made by `retrain init` from {export.name}: "
        f"{profile.answers.total()} records ({answers})"
        + (f", {profile.refused.total()} unreadable" if profile.refused else "")
        + ".",
        *(f"# {one}" for one in found.remarks),
        *opening(name),
        language_line(profile.language),
        *task_lines(found),
        f"    annotations: [{source_of(export, folder, given_format, profile.features)}]",
        "    ingest:",
        *INGEST,
        f"    split: {{dev: 0.1, test: 0.2, group_by: {spell(group_by)}}}"
        + (
            "  # records of one value stay on one split"
            if group_by
            else "  # e.g. meta.url, so that pieces of one page stay on one split"
        ),
        *train_lines(config, language),
        *changes(found, prefix),
        *GATE,
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
        "    split: {dev: 0.1, test: 0.2, group_by: ''}"
        "  # e.g. meta.url, so that pieces of one page stay on one split",
        *train_lines("minilm-tasks", "en"),
        *GATE,
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
    what = [
        "      # MiniLM is small and needs no download, and takes Apple for apple (it is uncased).",
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


def source_of(export: Path, folder: Path, given_format: str, features: str) -> str:
    """The annotations as a config names them."""
    path = spell(relative(export, folder))
    more = "" if given_format == "auto" else f", format: {given_format}"
    more += f", features: {spell(relative(Path(features), folder))}" if features else ""
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
        why = "several, by the meta of the records"
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
