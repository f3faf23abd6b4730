"""What is sent to a service that runs pipelines: the spec, its identity, its labels.

Nothing here talks to a service, except that the sources of annotations are listed.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from components.errors import ConfigError
from components.records.label_studio import is_project
from components.records.pool import files_of
from components.records.prodigy_database import is_dataset
from components.records.sources import SourceFile, content_digest, identity, list_files
from components.secret_references import in_environment
from pipelines.config.git import commit_of
from pipelines.config.load import Loaded
from pipelines.config.schema import Phase
from pipelines.config.shipped import is_name
from pipelines.config.yaml_file import read_one
from pipelines.dag.compile import compiled
from pipelines.dag.parameters import pipeline_parameters

# Keys of the labels that every run and every schedule carries.
CONFIG_LABEL = "retrain-config"
COMMIT_LABEL = "retrain-commit"
DATA_LABEL = "retrain-data"
INPUT_LABEL = "retrain-input"
# A label's value holds 63 characters; a SHA-256 has 64.
LABEL_DIGITS = 40


@dataclass(frozen=True)
class Submission:
    """A pipeline that is ready to be sent.

    Attributes:
        name: the config's name.
        spec: the compiled pipeline, YAML.
        data: digest of the annotations as they are now.
        commit: git commit of the config; '' outside a repository.
    """

    name: str
    spec: str
    parameters: Mapping[str, Any]
    data: str
    commit: str

    @property
    def template(self) -> str:
        """SHA-256 of what would run, whatever the data."""
        return hashlib.sha256(json.dumps([self.spec, dict(self.parameters)]).encode()).hexdigest()

    @property
    def input(self) -> str:
        """SHA-256 of what would run and the data: the same work again has the same."""
        return hashlib.sha256(f"{self.template} {self.data}".encode()).hexdigest()

    def job_id(self, attempt: int) -> str:
        """The id of the run: a repeated submit comes to the same one."""
        return f"{self.name}-{self.input[:12]}-{attempt}"

    @property
    def labels(self) -> dict[str, str]:
        """What the console and `retrain runs` find the run by."""
        labels = {
            CONFIG_LABEL: self.name,
            DATA_LABEL: self.data[:LABEL_DIGITS],
            INPUT_LABEL: self.input[:LABEL_DIGITS],
        }
        return labels | ({COMMIT_LABEL: self.commit} if self.commit else {})


def prepare(
    loaded: Loaded, phases: Sequence[str] = (), parameters: Sequence[str] = ()
) -> Submission:
    """Compile a config and find out what its annotations are now.

    Args:
        phases: only these phases; all when empty.
        parameters: `KEY=VALUE` for parameters of the pipeline.

    Raises:
        ConfigError: a phase or parameter that there is not, or annotations that are nowhere.
    """
    chosen = only(loaded, phases)
    sources = [source for phase in chosen.pipeline.phases.values() for source in phase.annotations]
    files = [*list_files(sources), *files_of_teachers(chosen)]
    data = content_digest(files, [identity(file) for file in files])
    return replace(for_any_data(chosen, parameters), data=data)


def files_of_teachers(loaded: Loaded) -> list[SourceFile]:
    """The texts for teachers, which a run depends on as on its annotations."""
    teachers = [phase.teacher for phase in loaded.pipeline.phases.values() if phase.teacher]
    patterns = [pattern for teacher in teachers for pattern in teacher.texts]
    return [SourceFile(path, "auto") for pattern in patterns for path in files_of(pattern)]


def for_any_data(loaded: Loaded, parameters: Sequence[str] = ()) -> Submission:
    """Compile a config for runs to come, on whatever the annotations are then."""
    spec = compiled(loaded)
    return Submission(
        name=loaded.pipeline.name,
        spec=spec,
        parameters=pipeline_parameters(spec, parameters),
        data="",
        commit=commit_of(loaded.folder),
    )


def scheduled(loaded: Loaded) -> Submission:
    """Compile a config for the runs that its schedule starts: they train only if that is due."""
    return for_any_data(loaded, ["when=due"])


def only(loaded: Loaded, phases: Sequence[str]) -> Loaded:
    """The config with these phases alone; with all of them when none is named."""
    known = loaded.pipeline.phases
    unknown = [name for name in phases if name not in known]
    if unknown:
        raise ConfigError(
            f"--phase {', '.join(unknown)}: {loaded.path} has the phases {', '.join(known)}"
        )
    if not phases:
        return loaded
    return replace(loaded, pipeline=loaded.pipeline.only(phases))


def refuse_unrepeatable(loaded: Loaded) -> None:
    """Refuse to send what nobody could trace or run again.

    Raises:
        ConfigError: every reason, one a line.
    """
    problems = [
        *image_problems(loaded),
        *source_problems(loaded),
        *git_problems(loaded),
    ]
    if problems:
        raise ConfigError("\n".join(f"{loaded.path}: {problem}" for problem in problems))


def image_problems(loaded: Loaded) -> list[str]:
    """Images that are not pinned by a digest or by a tag that says which build it is."""
    images = loaded.pipeline.images
    problems = []
    for key, image in (("cpu", images.cpu), ("gpu", images.gpu)):
        pinned = re.fullmatch(r".+/.+(?:@sha256:[0-9a-f]{64}|:[\w.-]+)", image)
        if not pinned or image.endswith(":latest"):
            problems.append(
                f"images.{key}: {image!r} may be another image tomorrow. Name the registry and "
                "the build, by @sha256:… or by a tag such as the git commit, never :latest."
            )
    return problems


def source_problems(loaded: Loaded) -> list[str]:
    """Annotations and texts that a machine in the cloud cannot read."""
    return [
        f"phases.{name}.{problem}"
        for name, phase in loaded.pipeline.phases.items()
        for problem in (*local_files(phase), *tokens_from_here(phase))
    ]


def local_files(phase: Phase) -> Iterator[str]:
    """What a phase reads that lies on this machine."""
    to_bucket = "Copy it to a bucket and give its gs:// address."
    for source in phase.annotations:
        for path in filter(None, (source.path, source.features)):
            if "://" not in path:
                yield f"annotations: {path} is on this machine. {exported(path)}{to_bucket}"
    for path in phase.queue.texts if phase.queue else ():
        if "://" not in path:
            yield f"queue.texts: {path} is on this machine. {to_bucket}"
    teacher = phase.teacher
    for path in teacher.texts if teacher else ():
        if "://" not in path:
            yield f"teacher.texts: {path} is on this machine. {to_bucket}"
    if teacher and "/" in teacher.model and "://" not in teacher.model:
        yield f"teacher.model: {teacher.model} is on this machine. {to_bucket}"


def tokens_from_here(phase: Phase) -> Iterator[str]:
    """Tokens that only this machine's environment has."""
    for source in phase.annotations:
        if is_project(source.path) and in_environment(source.token):
            yield (
                f"annotations: {source.path}: a task elsewhere does not have your environment; put "
                "the token into Secret Manager, and name it: {path: …, token: "
                "projects/PROJECT/secrets/NAME/versions/latest}."
            )


def exported(path: str) -> str:
    """How a dataset of Prodigy becomes a file; "" for what is one."""
    return "Write it to a file with `prodigy db-out`. " if is_dataset(path) else ""


def git_problems(loaded: Loaded) -> list[str]:
    """Files of the config that git does not hold as they are."""
    command = [
        "git",
        "-C",
        str(loaded.folder),
        "status",
        "--porcelain",
        "--",
        *config_files(loaded),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        return ["not in a git repository: no run could be traced to it. Commit it first."]
    changed = [line[3:] for line in result.stdout.splitlines()]
    return [f"{name} is not committed: no run could be traced to it." for name in changed]


def config_files(loaded: Loaded) -> list[str]:
    """The files that decide what a config means: itself, what it extends, spaCy configs, code.

    A shipped training config is not among them: the spec holds its text.
    """
    base = read_one(loaded.path).data.get("extends")
    trains = [phase.train for phase in loaded.pipeline.phases.values()]
    named = [train.config for train in trains if not is_name(train.config)]
    names = {*named, *(train.code for train in trains if train.code)}
    below = sorted(names | ({base} if base else set()))
    return [str(loaded.path.resolve()), *(str(loaded.folder / name) for name in below)]
