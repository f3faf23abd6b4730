"""The config of a pipeline: what one YAML file may say, with a type for every key."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from components.convert.settings import ConvertSettings
from components.errors import ConfigError
from components.evaluate.settings import EvaluateSettings
from components.gate.settings import GateSettings
from components.ingest.settings import IngestSettings
from components.label.settings import TeacherSettings
from components.queue.settings import QueueSettings
from components.records.sources import Source
from components.registry.settings import DueSettings, ModelSettings
from components.secret_references import checked_reference, in_environment
from components.settings import Settings
from components.split.settings import SplitSettings
from components.tasks import ClashError, checked, kind_of, refuse_clashes, task_of
from components.tasks.base import TaskSettings
from components.train.settings import TrainSettings
from pipelines.config.languages import with_one_language
from pipelines.config.machine_types import machine_limits

# Every stage that a phase may have, in order; see `Phase.stages`.
STAGES = (
    "ingest",
    "split",
    "label",
    "convert",
    "train",
    "evaluate",
    "upload",
    "queue",
)
# Where every task finds the volume of `kubeflow.claim`.
VOLUME = "/retrain"
DURATION = re.compile(r"(\d+)([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(duration: str) -> int:
    """Seconds of a duration written as 90s, 30m, 8h or 2d."""
    match = DURATION.fullmatch(duration)
    if match is None:
        raise ValueError(f"expected a duration such as 90s, 30m, 8h or 2d, not {duration!r}")
    return int(match[1]) * SECONDS[match[2]]


def checked_duration(duration: str) -> str:
    """A duration that `seconds` understands, unchanged."""
    seconds(duration)
    return duration


def checked_machine(machine: str) -> str:
    """A machine type that `machine_limits` knows, unchanged."""
    machine_limits(machine)
    return machine


def checked_root(root: str) -> str:
    """gs://BUCKET/FOLDER, or gs://BUCKET, whose bucket has a name that Cloud Storage gives."""
    if not re.fullmatch(r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/[^\s'\"]*)?", root):
        raise ValueError(
            "expected gs://BUCKET/FOLDER, the bucket of 3 or more small letters, digits, dots, "
            "hyphens and underscores"
        )
    # Where the bucket is mounted as a folder, these would lead elsewhere; and Cloud Storage's own
    # clients take the signs for patterns.
    _, *folders = root.removeprefix("gs://").removesuffix("/").split("/")
    if any(folder in ("", ".", "..") or re.search(r"[*?#\[\]]", folder) for folder in folders):
        raise ValueError(
            "expected gs://BUCKET/FOLDER, without //, . or .. as a folder, or * ? # [ ]"
        )
    return root


def checked_kind(kind: str) -> str:
    """A kind of task that is there, unchanged."""
    try:
        kind_of(kind)
    except ConfigError as error:
        raise ValueError(str(error).removeprefix("task: ")) from error
    return kind


def checked_label(label: str, info: ValidationInfo) -> str:
    """A label that the kind of its task can learn, in Unicode's normal form C."""
    kind = info.data.get("kind") or info.data.get("task")
    return kind_of(kind).checked_label(label) if kind else label


Duration = Annotated[str, AfterValidator(checked_duration)]
Kind = Annotated[str, AfterValidator(checked_kind)]
Label = Annotated[str, AfterValidator(checked_label)]
Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$")]


class Resources(Settings):
    """The machine of a stage, its longest run and its attempts."""

    machine: Annotated[str, AfterValidator(checked_machine)] = Field(
        "e2-standard-4",
        description="machine type whose CPU and memory the task asks for",
        examples=["n1-standard-8"],
    )
    cpu: str = Field(
        "",
        pattern=r"^(\d+(\.\d+)?|\d+m)?$",
        description="CPUs of a pod on Kubernetes, e.g. 6 or 500m; empty: 80 % of the machine's",
        examples=["6"],
    )
    memory: str = Field(
        "",
        pattern=r"^(\d+(\.\d+)?[KMG]i?)?$",
        description="memory of a pod on Kubernetes, e.g. 24G; empty: 80 % of the machine's",
        examples=["24G"],
    )
    accelerator: str = Field(
        "",
        description="accelerator type, e.g. NVIDIA_TESLA_T4; empty: none",
        examples=["NVIDIA_TESLA_T4"],
    )
    count: int = Field(1, ge=1, le=1, description="accelerators; training uses one")
    timeout: Duration = Field("1h", description="longest run of one attempt", examples=["8h"])
    retries: int = Field(1, ge=0, le=10, description="further attempts after a fault", examples=[3])
    spot: bool = Field(
        False, description="a spot machine of Vertex AI, which may be taken away; for train"
    )


class Compute(Settings):
    """Machines per stage, on a cluster; what is not named here runs on a small one."""

    ingest: Resources = Resources()
    split: Resources = Resources()
    label: Resources = Resources(machine="n1-standard-8", timeout="8h")
    convert: Resources = Resources()
    train: Resources = Resources(machine="n1-standard-8", timeout="8h")
    evaluate: Resources = Resources(machine="n1-standard-8")
    upload: Resources = Resources()
    queue: Resources = Resources(machine="n1-standard-8")
    notify: Resources = Resources()

    @model_validator(mode="after")
    def spot_resumes(self) -> Self:
        """Refuse a spot machine for a stage that would begin anew each time one is taken away."""
        for stage in STAGES:
            if stage != "train" and self.of(stage).spot:
                raise ValueError(f"{stage}: spot is for train only, which resumes where it was")
        return self

    def of(self, stage: str) -> Resources:
        """The resources of the stage of that name."""
        resources: Resources = getattr(self, stage)
        return resources


def has_null(value: Any) -> bool:
    """Whether a value is null, or has one in it."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is None or any(map(has_null, inside))


class Train(TrainSettings):
    """Which spaCy config trains the phase, and what this phase changes in it."""

    config: str = Field(
        description="a training config that comes with retrain, by name (minilm), or a file of "
        "your own (mine.cfg); relative to this file",
        examples=["minilm"],
    )
    set: dict[str, Any] = Field(
        default={},
        description="overrides by dotted key, exactly as `spacy train` takes them",
        examples=[{"training.max_steps": 400}],
    )
    code: str = Field(
        "",
        description="a Python module of registered functions; relative to this file",
        examples=["mine.py"],
    )
    init: Literal["base", "champion"] = Field(
        "base", description="champion: start from the weights of the model in production"
    )

    @field_validator("set")
    @classmethod
    def without_null(cls, overrides: dict[str, Any]) -> dict[str, Any]:
        """Refuse null, which no parameter of a pipeline can be."""
        for key, value in overrides.items():
            if has_null(value):
                raise ValueError(
                    f"{key} is null, which cannot be handed to a task: write it in a training "
                    "config of your own (retrain init --training-config NAME -o mine.cfg)"
                )
        return overrides

    @property
    def settings(self) -> dict[str, Any]:
        """What the stage itself is given; the rest reaches it in other ways."""
        return self.model_dump(mode="json", include={*TrainSettings.model_fields})


class Due(Settings):
    """When `retrain watch` retrains a phase."""

    new_annotations: int = Field(
        ge=1,
        description="texts newly annotated or corrected for one of the tasks since the last "
        "retrain",
        examples=[50],
    )
    quiet: Duration = Field(
        "5m",
        description="how long nothing may have changed before they are counted; changes that go "
        "on are counted after twelve times as long",
        examples=["30m"],
    )


class PhaseTask(Settings, extra="allow"):
    """One of several tasks of a phase; its kind may ask for more than this."""

    kind: Kind = Field("ner", description="what is learnt: ner, or the dotted name of your module")
    labels: list[Label] = Field(min_length=1, description="every label that may be learnt")


def checked_task(name: str, task: PhaseTask, *, short: bool) -> TaskSettings:
    """The settings of a task, as its kind wants them.

    Args:
        short: it is written in the phase itself.

    Raises:
        pydantic.ValidationError: with the places of what is wrong in a phase.
    """
    try:
        return checked(TaskSettings(name=name, **task.model_dump()))
    except ValidationError as error:
        above = () if short else ("tasks", name)
        known = ", ".join(key for key in kind_of(task.kind).settings.model_fields if key != "name")
        raise ValidationError.from_exception_data(
            error.title, [placed(fault, above, known) for fault in error.errors()]
        ) from None


def placed(fault: ErrorDetails, above: tuple[str, ...], known: str) -> InitErrorDetails:
    """A fault of a task's settings at its place in a phase.

    Args:
        known: the keys that its kind knows.
    """
    message, said = fault["msg"].removeprefix("Value error, "), fault["input"]
    if fault["type"] == "extra_forbidden":
        message, said = f"unknown key. Known here: {known}", {}
    custom = PydanticCustomError("task", "{message}", {"message": message})
    return InitErrorDetails(type=custom, loc=(*above, *fault["loc"]), input=said)


def one_fault(fault: InitErrorDetails) -> ValidationError:
    """The error that stands for one fault at a place of its own."""
    return ValidationError.from_exception_data("tasks", [fault])


class Phase(Settings):
    """One or several tasks with their annotations, a model and a gate.

    `task` and `labels` are the short form of one task, which goes by the name of its kind.
    """

    task: Kind = Field(
        "ner",
        description="kind of the one task: ner, textcat, spans …, or the name of a module of yours",
    )
    tasks: dict[Name, PhaseTask] = Field(
        {},
        description="several tasks by name, in place of `task` and `labels`",
        examples=[{"entities": {"kind": "ner", "labels": ["ORG", "DATE"]}}],
    )
    language: str | None = Field(
        None,
        pattern="^[a-z]{2,3}$",
        description="spaCy's code of the language of the texts, for tokens, training config and "
        "base weights; xx: several languages; left out: as ingest, convert and the training "
        "config say, which is en",
        examples=["da"],
    )
    labels: list[Label] = Field(
        [],
        validate_default=True,
        description="every label that may be learnt by the one task",
        examples=[["ORG", "DATE"]],
    )
    annotations: list[Source] = Field(
        min_length=1,
        description="paths, globs or gs:// of the annotations; relative to this file",
        examples=[["exports/phase1.jsonl"]],
    )
    ingest: IngestSettings = IngestSettings()
    split: SplitSettings = SplitSettings()
    convert: ConvertSettings = ConvertSettings()
    train: Train
    evaluate: EvaluateSettings = EvaluateSettings()
    gate: GateSettings = GateSettings()
    teacher: TeacherSettings | None = Field(
        None,
        description="a model whose answers to texts that nobody has annotated are learnt beside "
        "the annotations",
    )
    model: ModelSettings
    compute: Compute = Compute()
    due: Due | None = Field(None, description="when `retrain watch` retrains it; null: never")
    queue: QueueSettings | None = Field(
        None, description="texts of which each run chooses some to label next; null: none"
    )

    @model_validator(mode="before")
    @classmethod
    def one_language(cls, phase: Any) -> Any:
        """Let `language` reach every place that asks for one."""
        return with_one_language(phase) if isinstance(phase, dict) else phase

    @field_validator("labels")
    @classmethod
    def some_labels(cls, labels: list[str], info: ValidationInfo) -> list[str]:
        """Refuse a phase without a task."""
        if not labels and info.data.get("tasks") == {}:
            raise PydanticCustomError("missing", "give the labels of the one task, or `tasks`")
        return labels

    @model_validator(mode="after")
    def tasks_agree(self) -> Self:
        """Refuse both forms at once, and tasks that cannot share a document."""
        if self.labels and self.tasks:
            raise ValueError("give `labels` (of one task), or `tasks`, and not both")
        if self.tasks and "task" in self.model_fields_set:
            raise ValueError("`task` is for one task; with `tasks` each has its own `kind`")
        try:
            refuse_clashes([task_of(each) for each in self.all_tasks])
        except ClashError as error:
            at = ("tasks", error.task, error.key) if self.tasks else ()
            fault = PydanticCustomError("clash", "{why}", {"why": error.why})
            raise one_fault(InitErrorDetails(type=fault, loc=at, input={})) from error
        return self

    @model_validator(mode="after")
    def gate_of_tasks(self) -> Self:
        """Refuse what the gate would only find wrong after training."""
        names = [task.name for task in self.all_tasks]
        for name in self.gate.tasks:
            try:
                self.gate.of(name)
                why = "" if name in names else f"there is no such task; there is {', '.join(names)}"
            except ConfigError as error:
                why = str(error).removeprefix(f"gate.tasks.{name}: ")
            if why:
                fault = PydanticCustomError("gate", "{why}", {"why": why})
                at = ("gate", "tasks", name)
                raise one_fault(InitErrorDetails(type=fault, loc=at, input={}))
        return self

    @model_validator(mode="after")
    def gate_of_teacher(self) -> Self:
        """Refuse a rule about a teacher that is not there."""
        policies = [self.gate, *(self.gate.of(name) for name in self.gate.tasks)]
        if self.teacher is None and any(one.min_teacher_precision is not None for one in policies):
            raise ValueError("gate.min_teacher_precision needs a `teacher`")
        return self

    @property
    def all_tasks(self) -> list[TaskSettings]:
        """The tasks, in whichever form they are written."""
        tasks = self.tasks or {
            self.task.rpartition(".")[2]: PhaseTask(kind=self.task, labels=self.labels)
        }
        return [checked_task(name, task, short=not self.tasks) for name, task in tasks.items()]

    @property
    def stages(self) -> list[str]:
        """The stages that it has, in order."""
        without = {
            name for name, one in (("label", self.teacher), ("queue", self.queue)) if not one
        }
        return [stage for stage in STAGES if stage not in without]

    @property
    def field(self) -> str:
        """The field that holds the text in its own exports of Label Studio."""
        return next((source.text for source in self.annotations if source.text), "text")

    @property
    def unused(self) -> set[str]:
        """Keys of the form of the tasks that is not in use: unlike a default, they say nothing."""
        return {"task", "labels"} if self.tasks else {"tasks"}


class Images(Settings):
    """The images that the stages run in on a cluster; on one machine they are not used."""

    cpu: str = Field(
        "retrain-cpu",
        description="image of the stages without a GPU",
        examples=["europe-west2-docker.pkg.dev/my-project/retrain/retrain-cpu:3f2a91c"],
    )
    gpu: str = Field(
        "retrain-gpu",
        description="image of train and evaluate",
        examples=["europe-west2-docker.pkg.dev/my-project/retrain/retrain-gpu:3f2a91c"],
    )


class Vertex(Settings):
    """Where the pipeline runs on Vertex AI."""

    project: str = Field(
        min_length=1, description="Google Cloud project id", examples=["my-project"]
    )
    location: str = Field(
        min_length=1, description="region, e.g. europe-west2", examples=["europe-west2"]
    )
    pipeline_root: Annotated[str, AfterValidator(checked_root)] = Field(
        description="bucket folder of the runs' outputs", examples=["gs://my-project-retrain/runs"]
    )
    service_account: str = Field(
        "",
        description="account that the tasks run as",
        examples=["retrain@my-project.iam.gserviceaccount.com"],
    )


class Kubeflow(Settings):
    """Where the pipeline runs on a Kubeflow Pipelines of your own."""

    host: str = Field(
        pattern=r"^https?://",
        description="address of Kubeflow Pipelines",
        examples=["https://kubeflow.example.org/pipeline"],
    )
    claim: str = Field(
        min_length=1,
        description="persistent volume claim, ReadWriteMany, that holds models and checkpoints",
        examples=["retrain"],
    )
    namespace: str = Field(
        "", description="namespace of the runs; empty: for a single user", examples=["team-a"]
    )
    experiment: str = Field(
        "", description="experiment of the runs; empty: the config's name", examples=["guidance"]
    )
    pipeline_root: str = Field(
        "",
        description="where outputs go; empty: the cluster's default",
        examples=["s3://artifacts/retrain"],
    )
    service_account: str = Field(
        "", description="Kubernetes account that the tasks run as", examples=["retrain"]
    )
    accelerator: str = Field("nvidia.com/gpu", description="resource that a GPU is asked for by")
    registry: str = Field(
        "",
        description="vertex://PROJECT/LOCATION/BUCKET/PREFIX; empty: a folder of the volume",
        examples=["vertex://my-project/europe-west2/my-project-retrain/models"],
    )
    timezone: str = Field(
        "UTC",
        description="time zone in which the cluster reads every cron",
        examples=["Europe/London"],
    )


# Weekdays as both services know them: 0 is Sunday, and there is no 7.
CRON_FIELDS = {
    "minute": (0, 59),
    "hour": (0, 23),
    "day": (1, 31),
    "month": (1, 12),
    "weekday": (0, 6),
}
# Days of each month at most, from 1; February has 29 in some years.
LONGEST = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def checked_cron(cron: str) -> str:
    """A cron expression of five fields of digits, ranges, lists and steps, one space apart."""
    fields = cron.split()
    if len(fields) != len(CRON_FIELDS):
        raise ValueError(
            f"expected five fields, minute hour day month weekday, as in '0 3 * * 1', not {cron!r}"
        )
    values = [
        {value for part in field.split(",") for value in cron_values(name, part)}
        for name, field in zip(CRON_FIELDS, fields, strict=True)
    ]
    days, months = values[2], values[3]
    # A weekday that begins with * does not add its days to those of the month.
    any_weekday = any(part.startswith("*") for part in fields[4].split(","))
    if any_weekday and min(days) > max(LONGEST[month] for month in months):
        raise ValueError(
            f"expected a day that one of its months has, or it would never run, not {cron!r}"
        )
    return " ".join(fields)


def cron_values(name: str, part: str) -> range:
    """The values that one part of a field stands for: *, a number or a range, each with a step."""
    low, high = CRON_FIELDS[name]
    match = re.fullmatch(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?", part, re.ASCII)
    if not match:
        raise ValueError(f"{name}: expected *, numbers, ranges, lists or steps, not {part!r}")
    first = int(match[1] or low)
    last = int(match[2] or (match[1] if match[1] and not match[3] else high))
    step = int(match[3] or 1)
    if not low <= first <= last <= high or not step:
        raise ValueError(f"{name}: expected numbers from {low} to {high}, rising, not {part!r}")
    return range(first, last + 1, step)


def checked_timezone(timezone: str) -> str:
    """A time zone of the IANA database, unchanged."""
    if timezone not in available_timezones():
        raise ValueError(f"expected a time zone such as Europe/London, not {timezone!r}")
    return timezone


class Schedule(DueSettings):
    """When the pipeline runs by itself; a run that is due while one goes on is left out."""

    cron: Annotated[str, AfterValidator(checked_cron)] = Field(
        description="minute hour day month weekday, e.g. '0 3 * * 1': Mondays at three",
        examples=["0 3 * * 1"],
    )
    timezone: Annotated[str, AfterValidator(checked_timezone)] = Field(
        "Europe/London", description="time zone that cron is read in", examples=["Europe/Berlin"]
    )
    enabled: bool = Field(True, description="false pauses it; missed runs are not made up for")


class Notify(Settings):
    """Whom to notify that a phase failed, or that its model was held back."""

    emails: list[Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]] = Field(
        [],
        max_length=3,
        description="addresses that Vertex AI writes to when a phase ends, and when a model is "
        "held back",
        examples=[["team@example.org"]],
    )
    webhook: Annotated[str, AfterValidator(checked_reference)] | None = Field(
        None,
        description="where the address is found that JSON is posted to on a failure and on a hold: "
        "env:NAME, or projects/…/secrets/…/versions/latest",
        examples=["env:RETRAIN_WEBHOOK"],
    )

    @model_validator(mode="after")
    def somebody(self) -> Self:
        """Refuse a section that notifies nobody."""
        if not self.emails and self.webhook is None:
            raise ValueError("give emails, a webhook, or both")
        return self


def refuse_teachers(phases: Mapping[str, Phase]) -> None:
    """Refuse a phase that is taught by one that cannot teach it.

    Raises:
        pydantic.ValidationError: saying which, and why.
    """
    for name, phase in phases.items():
        why = cannot_teach(name, phase, phases)
        if why:
            fault = PydanticCustomError("teacher", "{why}", {"why": why})
            at = ("phases", name, "teacher", "phase")
            raise one_fault(InitErrorDetails(type=fault, loc=at, input={}))


def cannot_teach(name: str, phase: Phase, phases: Mapping[str, Phase]) -> str:
    """Why the teacher of a phase cannot teach it; '' where it can, or is no phase."""
    above = phase.teacher.phase if phase.teacher else ""
    if not above:
        return ""
    if above not in phases:
        return f"there is no phase {above!r}; there is {', '.join(phases)}"
    line = [name]
    while above:
        if above in line:
            return f"{' is taught by '.join([*line, above])}: nobody begins"
        line.append(above)
        teacher = phases[above].teacher
        above = teacher.phase if teacher else ""
    theirs = {task.name: task for task in phases[line[1]].all_tasks}
    for task in phase.all_tasks:
        other = theirs.get(task.name)
        if other is None or other.kind != task.kind:
            return (
                f"{line[1]} has no task {task.name} of kind {task.kind}: a teacher does the tasks "
                "that it teaches, under the same names"
            )
        if not {*other.labels} & {*task.labels}:
            return f"{line[1]} has no label of the task {task.name}: {', '.join(task.labels)}"
    return ""


class Pipeline(Settings):
    """A pipeline: where it runs, and its phases."""

    name: Name = Field(
        description="name of the pipeline; runs and schedules are called after it",
        examples=["guidance"],
    )
    target: Literal["local", "vertex", "kubeflow"] = Field(
        "local", description="where `submit` and `schedule` send the pipeline"
    )
    registry: str = Field(
        "models",
        description="folder of the models of local runs; relative to this file",
        examples=["../models"],
    )
    images: Images = Images()
    vertex: Vertex | None = None
    kubeflow: Kubeflow | None = None
    schedule: Schedule | None = None
    notify: Notify | None = None
    parallel: bool = Field(
        True, description="false: one phase after another, where there is but one GPU"
    )
    phases: dict[Name, Phase] = Field(
        min_length=1, description="the phases by name; each has a model of its own"
    )

    @model_validator(mode="after")
    def consistent(self) -> Self:
        """Refuse a target without its settings, and two phases that share a model's name."""
        if self.target == "vertex" and self.vertex is None:
            raise ValueError("target is vertex: add a `vertex` section (project, location, …)")
        if self.target == "kubeflow" and self.kubeflow is None:
            raise ValueError("target is kubeflow: add a `kubeflow` section (host, claim, …)")
        if self.target != "vertex" and any(p.compute.train.spot for p in self.phases.values()):
            raise ValueError("compute.train.spot needs target: vertex")
        asked = [
            phase.compute.of(stage) for phase in self.phases.values() for stage in phase.stages
        ]
        if self.target == "vertex" and any(each.cpu or each.memory for each in asked):
            raise ValueError(
                "compute: cpu and memory are for target: kubeflow; on Vertex AI `machine` says both"
            )
        if self.target == "kubeflow" and not self.parallel:
            raise ValueError(
                "parallel: false is for a quota of Vertex AI; on Kubernetes a task waits by itself "
                "until a GPU is free"
            )
        webhook = (self.notify and self.notify.webhook) or ""
        if self.target == "vertex" and in_environment(webhook):
            raise ValueError(
                "notify.webhook: a task on Vertex AI does not have your environment; name a secret "
                "of Secret Manager: projects/PROJECT/secrets/NAME/versions/latest"
            )
        if self.target == "kubeflow" and self.notify:
            raise ValueError(
                "notify needs target: vertex. Kubeflow's own back end tells no task how another "
                "ended"
            )
        refuse_teachers(self.phases)
        names = [phase.model.name for phase in self.phases.values()]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two phases write the model {', '.join(twice)}: name each its own")
        return self

    def only(self, names: Collection[str]) -> Self:
        """The pipeline with these phases alone; one whose teacher is left out learns from the
        version of it that is in production."""
        phases = {}
        for name in (name for name in self.phases if name in names):
            phase = self.phases[name]
            if phase.teacher and phase.teacher.phase and phase.teacher.phase not in names:
                teacher = {"phase": "", "model": self.teacher_of(name)}
                update = {"teacher": phase.teacher.model_copy(update=teacher)}
                phase = phase.model_copy(update=update)
            phases[name] = phase
        return self.model_copy(update={"phases": phases})

    @property
    def in_order(self) -> list[str]:
        """The phases, each behind the one that teaches it."""
        order: dict[str, None] = {}

        def add(name: str) -> None:
            teacher = self.phases[name].teacher
            if teacher and teacher.phase:
                add(teacher.phase)
            order[name] = None

        for name in self.phases:
            add(name)
        return [*order]

    def teacher_of(self, name: str) -> str:
        """The teacher of a phase: a folder, or NAME@ALIAS of the registry; '' without one."""
        teacher = self.phases[name].teacher
        if teacher is None or teacher.model:
            return teacher.model if teacher else ""
        model = self.phases[teacher.phase].model
        return f"{model.name}@{model.alias}"

    @property
    def gpu_resource(self) -> str:
        """What a cluster of your own calls any GPU; '' where GPUs go by their type."""
        if self.target == "kubeflow" and self.kubeflow:
            return self.kubeflow.accelerator
        return ""

    @property
    def due(self) -> DueSettings:
        """When a run that asks whether a retrain is due trains."""
        limits = set(DueSettings.model_fields)
        declared = self.schedule.model_dump(include=limits) if self.schedule else {}
        return DueSettings(**declared)

    @property
    def registry_url(self) -> str:
        """The registry that the compiled pipeline uploads to unless the run says otherwise."""
        if self.target == "vertex" and self.vertex:
            bucket = self.vertex.pipeline_root.removeprefix("gs://").partition("/")[0]
            return f"vertex://{self.vertex.project}/{self.vertex.location}/{bucket}/models"
        if self.target == "kubeflow" and self.kubeflow:
            return self.kubeflow.registry or f"volume://{VOLUME}/models"
        return self.registry

    @property
    def checkpoint_folder(self) -> str:
        """Where training keeps what a retry resumes from: the same place for every attempt."""
        if self.target == "vertex" and self.vertex:
            # Vertex AI mounts every bucket that the service account may read under /gcs.
            bucket = self.vertex.pipeline_root.removeprefix("gs://").rstrip("/")
            return f"/gcs/{bucket}/checkpoints"
        if self.target == "kubeflow":
            return f"{VOLUME}/checkpoints"
        return "checkpoints"

    @property
    def store_folder(self) -> str:
        """Where `ingest` keeps what later stages read, under addresses made of the content."""
        if self.target == "vertex" and self.vertex:
            return f"{self.vertex.pipeline_root.rstrip('/')}/store"
        if self.target == "kubeflow":
            return f"{VOLUME}/store"
        return "store"
