"""What `--json` prints, command by command; tests hold real output to these shapes.

A key with a default may be missing; one that may be null says so in its type.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from components.registry.outcome import End
from pipelines.local.runs import RunState, State

PhaseState = Literal["succeeded", "failed", "cancelled", "waits", "not-run", "running"]
Number = float | None
Pair = list[float] | None


class Shape(BaseModel):
    """A mapping with these keys and no others."""

    model_config = ConfigDict(extra="forbid")


class Open(BaseModel):
    """A mapping with these keys, and more that depend on the kind of task."""

    model_config = ConfigDict(extra="allow")


class Score(Open):
    """Scores of a label, or of all. Fractions; null where undefined."""

    p: Number = Field(description="precision")
    r: Number = Field(description="recall")
    f: Number = Field(description="F")
    support: int = Field(description="items that annotators marked in test")
    predicted: int = Field(description="items that the model marked")
    interval: dict[str, Any] = Field(
        description="p, r and f -> lowest and highest value of the 95 % interval, or null"
    )


class TaskScores(Open):
    """Scores of one task on test. A kind of task may add keys of its own."""

    task: str = Field(description="name of the task")
    described: dict[str, Any] = Field(description="its settings, as the config has them")
    unit: str = Field(description="what is counted: entities, documents, spans")
    place: str = Field(description="where spaCy keeps the answers: ents, spans or cats")
    documents: int = Field(description="documents of test")
    words: int = Field(description="their tokens")
    overall: Score = Field(description="all labels together")
    labels: dict[str, Score] = Field(description="by label")
    slices: dict[str, Any] = Field(description="the scores by meta key and value")
    confusion: dict[str, Any] = Field(description="gold label -> predicted label -> count")
    champion: dict[str, Any] | None = Field(
        description="the model in production on the same documents, and the comparison with it"
    )
    teacher: dict[str, Any] | None = Field(
        None, description="likewise the model that taught this one, where one did"
    )


class Registered(Shape):
    """Where a phase's model is kept."""

    name: str = Field(description="name of the model")
    alias: str = Field(description="alias that marks the version in production")
    registry: str = Field(description="folder or address of the registry")


class Failed(Shape):
    """The task that failed."""

    task: str = Field(description="phase/stage")
    exit_code: int | None = Field(description="its exit code; null if it could not be started")
    log: str | None = Field(description="path of its log")
    message: str = Field(description="why it failed")


class PhaseSummary(Shape):
    """A phase of a run. Paths are given for what the run has come to."""

    state: PhaseState = Field(description="how far its tasks came")
    outcome: End = Field(description="what became of the model (local-runs.md)")
    message: str = Field(description="one sentence, true of the registry")
    in_production: str | None = Field(
        description='number of the version in production; "" for none, null if not known'
    )
    reasons: list[str] = Field(description="of the gate, or why nothing was due")
    registered: Registered | None = Field(None, description="where its model is kept")
    model: str | None = Field(None, description="folder of the model in the run")
    report: str | None = Field(None, description="report.html")
    data_report: str | None = Field(None, description="report on the data, HTML")
    quarantine: str | None = Field(None, description="JSON Lines of the records left out")
    to_review: str | None = Field(
        None, description="a teacher's answers for review, for an annotation tool"
    )
    queue: str | None = Field(None, description="texts to label next, for an annotation tool")
    decision: Literal["promote", "hold"] | None = Field(None, description="of the gate")
    headline: str | None = Field(None, description="the gate's decision in a sentence")
    version: str | None = Field(None, description='number of the version; "" if none was made')
    model_uri: str | None = Field(None, description="where the version is; for spacy.load")
    tasks: dict[str, TaskScores] | None = Field(None, description="scores by task")
    scores: TaskScores | None = Field(None, description="the same, where there is one task")
    why: str | None = Field(None, description="why it is not due")
    missing: list[str] | None = Field(None, description="files that were deleted since")
    failed: Failed | None = Field(None, description="the task that failed")


class Run(Shape):
    """A run of this machine."""

    run: str = Field(description="id of the run")
    state: RunState = Field(description="state of the run")
    seconds: float = Field(description="how long it took")
    folder: str = Field(description="folder of the run")
    logs: str = Field(description="folder of the logs")
    tasks: dict[str, int] = Field(description="how many were reused, succeeded, failed")
    phases: dict[str, PhaseSummary] = Field(description="by phase")


class Task(Shape):
    """A task of a run of this machine."""

    task: str = Field(description="phase/stage")
    state: State = Field(description="state of the task")
    started: str | None = Field(description="ISO 8601")
    ended: str | None = Field(description="ISO 8601")
    attempts: int = Field(description="how often it was tried")
    exit_code: int | None = Field(description="of the last attempt")
    reused_from: str | None = Field(description="the run whose outputs were reused")
    log: str | None = Field(description="its log, relative to the folder of runs")
    note: str = Field(description="why it was skipped, not run or run again")
    parameters: dict[str, Any] = Field(description="output parameters")
    artifacts: dict[str, dict[str, Any]] = Field(description="outputs: uri, digest, metadata")


class RunWithTasks(Shape):
    """A run of this machine with its tasks."""

    run: str = Field(description="id of the run")
    state: RunState = Field(description="state of the run")
    seconds: float = Field(description="how long it took")
    folder: str = Field(description="folder of the run")
    logs: str = Field(description="folder of the logs")
    tasks: dict[str, Task] = Field(description="by phase/stage")
    phases: dict[str, PhaseSummary] = Field(description="by phase")


class PhaseInList(Shape):
    """What became of a phase."""

    outcome: End = Field(description="what became of the model")
    message: str = Field(description="one sentence, true of the registry")
    in_production: str | None = Field(
        description='number of the version in production; "" for none, null if not known'
    )
    version: str = Field(description='number of the version; "" if none was made')


class RunInList(Shape):
    """A run in the list, without its tasks."""

    id: str = Field(description="id of the run")
    name: str = Field(description="name of the pipeline")
    kind: Literal["retrain", "curve"] = Field(description="a retrain, or a learning curve")
    config: str = Field(description="the config, as it was given")
    command: str = Field(description="the command that started it")
    spec_digest: str = Field(description="SHA-256 of spec.yaml")
    parameters: dict[str, Any] = Field(description="parameters of the pipeline")
    started: str = Field(description="ISO 8601")
    ended: str | None = Field(description="ISO 8601; null while it is on")
    state: RunState = Field(description="state of the run")
    exit_code: int | None = Field(description="exit code of the run")
    pid: int = Field(description="process of the runner")
    workers: int = Field(description="tasks at once")
    threads: int = Field(description="cores of each task")
    production: dict[str, dict[str, Any]] = Field(description="by phase: what the registry said")
    phases: dict[str, PhaseInList] = Field(description="by phase")
    version: int = Field(description="version of run.json")


class ReportOfPhase(Shape):
    """The report of a phase."""

    report: str | None = Field(description="path of the report; null if there is none")
    decision: Literal["promote", "hold"] | None = Field(description="of the gate")
    outcome: End = Field(description="what became of the model")
    message: str = Field(description="one sentence, true of the registry")


class Reports(Shape):
    """Where the reports of a run are."""

    phases: dict[str, ReportOfPhase] = Field(description="by phase")
    history: str = Field(description="page of all runs")


class Change(Shape):
    """The change of F from the old model to the new, on the same documents."""

    f: dict[str, Number] = Field(description="F of `new` and of `champion`, which is the old one")
    difference: Number = Field(description="new minus old")
    interval: Pair = Field(description="its 95 % interval")
    better: Number = Field(description="probability that the new one is better")


class ComparedPhase(Shape):
    """Two runs' models of one phase."""

    outcome: str = Field(description="the comparison in words")
    documents: int = Field(description="test documents that both have, annotated alike")
    left_out: int = Field(description="more test documents of the new run, not compared")
    labels: list[str] = Field(description="labels that both know")
    overall: Change = Field(description="all labels together")
    per_label: dict[str, Change] = Field(description="by label")
    page: str | None = Field(None, description="path of the page, if one was asked for")


class Comparison(Shape):
    """Two runs."""

    old: str = Field(description="id of the old run")
    new: str = Field(description="id of the new run")
    phases: dict[str, ComparedPhase] = Field(description="by phase, or phase and task")


class Checked(Shape):
    """What `check` found of a phase."""

    files: list[str] = Field(description="annotation files")
    data: dict[str, Any] | None = Field(
        description="data_report.json of ingest; null if the data could not be read from here"
    )
    problems: list[str] = Field(description="what must be fixed")
    unseen: list[str] = Field(description="what could not be checked from here")
    notes: list[str] = Field(description="what training would warn of")
    weights: dict[str, str] = Field(
        description="component -> its base weights, and what is known of them"
    )
    exit_code: int = Field(description="0, or that of the first problem")
    stages: dict[str, str] = Field(description="stage -> machine that it asks for on a cluster")
    training: list[int] | None = Field(
        description="steps at most, and words in each, roughly; null if that can't be known"
    )


class Advice(Shape):
    """What the last step of the curve brought for a label."""

    label: str = Field(description="the label, or overall")
    gain: Number = Field(description="gain of F by the last step")
    interval: Pair = Field(description="its 95 % interval")
    answer: Literal["yes", "perhaps", "hardly", "unknown"] = Field(
        description="would more annotations help?"
    )
    text: str = Field(description="the same in a sentence")


class Curve(Shape):
    """A learning curve."""

    advice: list[Advice] = Field(description="by label, the overall one included")
    page: str = Field(description="path of the page")


class Version(Open):
    """A version of a model, with its lineage."""

    name: str = Field(description="name of the model")
    version: str = Field(description="number of the version")
    aliases: list[str] = Field(description="aliases that point to it")
    uri: str = Field(description="where its model is")
    artefact: str = Field(description="SHA-256 over the model's files")
    schema_version: int = Field(description="version of lineage.json; 0 for the oldest")
    run: str = Field(description="run that made it")
    created: str = Field(description="ISO 8601, UTC")
    promoted: str = Field(description='when it was first put in production; "" if never')
    replaced: str = Field(description='version that it replaced; "" if none')
    decision: str = Field(description="promote or hold: of the gate, or a person after it")
    gate: str = Field(description='what the gate decided; "" if not known')
    compared_with: str = Field(description='version that it was compared with; "" if none')
    digest: str = Field(description="SHA-256 of data and settings")
    origin: str = Field(description="SHA-256 of data and of the settings that decide the model")
    model_digest: str = Field(description="of the model's files, as train wrote them")
    config_digest: str = Field(description="SHA-256 of the training config in the model")
    renewed: str = Field(description='when the same model was made again; "" if it was not')
    commit: str = Field(description='git commit of the code; "" if not known')
    image: str = Field(description='image that it was trained in; "" outside containers')
    packages: dict[str, str] = Field(description="versions of the libraries")
    scores: dict[str, Any] = Field(
        description="overall, labels: on its own test set; several tasks under `tasks`"
    )


class FOfVersions(Shape):
    """F of a label in two versions."""

    old: Number = Field(description="of the old version; null if it has none")
    new: Number = Field(description="of the new version")
    difference: Number = Field(description="new minus old")


class ComparedVersions(Shape):
    """Two versions of a model, each by the scores of its own test set."""

    name: str = Field(description="name of the model")
    old: str = Field(description="number of the old version")
    new: str = Field(description="number of the new version")
    same_data: bool = Field(description="whether both come from the same data and settings")
    f: dict[str, FOfVersions] = Field(description="by label; overall is the last")


class Operation(Shape):
    """A change of what is in production."""

    id: str = Field(description="a second operation of this id changes nothing")
    kind: Literal["promote", "rollback"] = Field(description="what was done")
    alias: str = Field(description="the alias that was moved")
    version: str = Field(description="the version that it points to since")
    replaced: str = Field(description='the version that it pointed to before; "" if none')
    time: str = Field(description="ISO 8601, UTC")
    by: str = Field(description="who did it: a run, or a person")


class ServiceTask(Shape):
    """A task of a run on a service."""

    task: str = Field(description="phase/stage")
    state: str = Field(description="state of the task")
    error: str = Field(description='what the service says; "" if nothing')
    job: str = Field(description="id of the job that ran it")


class ServicePhase(Shape):
    """What became of a phase of a run on a service."""

    state: str = Field(description="how far its tasks came")
    outcome: End = Field(description="what became of the model")
    message: str = Field(description="one sentence, true of the registry")
    in_production: str | None = Field(
        description='number of the version in production; "" for none, null if not known'
    )
    version: str = Field(description='number of the version; "" if none was made')
    reasons: list[str] = Field(description="of the gate, or why nothing was due")


class ServiceRun(Shape):
    """A run on Vertex AI or Kubeflow Pipelines, with what became of its phases."""

    run: str = Field(description="id of the run")
    state: str = Field(description="state of the run")
    created: str = Field(description="ISO 8601")
    ended: str | None = Field(description="ISO 8601; null while it is on")
    labels: dict[str, str] = Field(description="labels of the run")
    error: str = Field(description='what the service says; "" if nothing')
    url: str = Field(description="its page in the console")
    waits: dict[str, str] = Field(description="phase -> why it is not due")
    tasks: list[ServiceTask] = Field(
        description="its tasks; a list of Kubeflow's has the newest 20 runs'"
    )
    phases: dict[str, ServicePhase] = Field(description="by phase of these tasks")


class Submitted(Shape):
    """What a submit came to."""

    run: str = Field(description="id of the run")
    state: str = Field(description="state of the run")
    new: bool = Field(description="whether this command started it")
    url: str = Field(description="its page in the console")


class PlannedTask(Shape):
    """A task that would run."""

    task: str = Field(description="phase/stage")
    machine: str = Field(description="machine type")
    accelerator: str = Field(description='type of GPU; "" for none')
    spot: bool = Field(description="on a spot machine")
    timeout: str = Field(description="of one attempt")
    attempts: int = Field(description="at most")
    took_hours: Number = Field(description="when it last succeeded; null if it has not")


class PlannedPhase(Shape):
    """What is known of a phase before it runs."""

    files: int = Field(description="annotation files")
    data: str = Field(description="digest of the annotations")
    digest: str = Field(description="digest of annotations and settings")
    made: str | None = Field(
        description='version that was made from the very same; "" if none, null if not known'
    )
    champion: str | None = Field(description='version in production; "" if none, null if not known')


class Planned(Shape):
    """What `submit` would do."""

    run: str = Field(description="id of the run that does the work, or would")
    exists: bool = Field(description="whether there is one already, so that nothing would start")
    state: str = Field(description='its state; "" if there is none')
    place: str = Field(description="project and region, or cluster")
    data: str = Field(description="digest of all annotations")
    commit: str = Field(description="git commit of the config")
    images: dict[str, str] = Field(description="cpu and gpu")
    phases: dict[str, PlannedPhase] = Field(description="by phase")
    tasks: list[PlannedTask] = Field(description="the tasks")
    serial_starts: int = Field(description="machines that start one after another")
    gpu_hours_at_most: float = Field(description="if every attempt ran to its timeout")
    cost: dict[str, Any] | None = Field(description="estimate; null on a cluster of your own")


class Finding(Shape):
    """One check of `doctor`."""

    check: str = Field(description="what was checked")
    passed: bool | None = Field(description="null where it could not be checked")
    message: str = Field(description="what was seen, or what to do")


class Step(Shape):
    """A step from the schedule that is there to the one that is declared."""

    kind: Literal["create", "replace", "update", "pause", "resume", "delete"] = Field(
        description="what would be done"
    )
    target: str = Field(description='id of the schedule; "" if there is none yet')
    why: str = Field(description="for people")


class Schedule(Shape):
    """A schedule of the service."""

    id: str = Field(description="its id")
    cron: str = Field(description="as the service has it")
    paused: bool = Field(description="whether it is paused")
    next_run: str | None = Field(description="ISO 8601; null if none is planned")


class Deployment(Shape):
    """An endpoint after a deployment."""

    endpoint: str = Field(description="its resource name")
    traffic: dict[str, int] = Field(description="deployed version -> percent of the traffic")
    removed: list[str] = Field(description="versions that are no longer deployed")


class Predicted(Shape):
    """What was predicted."""

    output: str = Field(description="the file, or the folder of .spacy files")
    texts: int = Field(description="texts in the output")
    texts_before: int = Field(description="of these, by a process that was ended before")
    words: int = Field(description="tokens of all of them")
    seconds: float = Field(description="how long this process predicted")
    words_per_second: float = Field(description="of this process")
    versions: dict[str, str] = Field(description="phase -> version of its model")


class PredictedFarAway(Shape):
    """What a batch prediction job predicted."""

    output: str = Field(description="the file")
    texts: int = Field(description="texts in the output")
    job: str = Field(description="resource name of the job")
    begun_before: bool = Field(description="whether an earlier command had begun it")
    versions: dict[str, str] = Field(description="name of the model -> its version")


class Queue(Shape):
    """What was chosen to be labelled next."""

    output: str = Field(description="the file")
    phase: str = Field(description="of the config")
    model: str = Field(description="name of the model that chose")
    version: str = Field(description="its version")
    texts: int = Field(description="in the pool")
    candidates: int = Field(description="of these, that were not left out")
    chosen: int = Field(description="in the file")
    why: dict[str, int] = Field(description="doubt, random, label NAME -> texts chosen for it")
    left_out: dict[str, int] = Field(description="reason -> texts left out")


WatchEventKind = Literal["watches", "waits", "retrains", "taken-up", "ended", "failed", "problem"]


class WatchEvent(Shape):
    """A line of what a watch tells of."""

    time: str = Field(description="when, UTC")
    event: WatchEventKind = Field(
        description="what happened: a watch begins, too little or enough is new, a retrain that "
        "was interrupted goes on, one has ended or failed, something is wrong"
    )
    message: str = Field(description="the same in words")
    phase: str | None = Field(None, description="of which phase")
    new: dict[str, int] | None = Field(None, description="task -> annotations that are new")
    run: str | None = Field(None, description="of `ended`: the run, if it was on this machine")
    exit_code: int | None = Field(None, description="of `failed`")


# Command -> what it prints, the commands in the order of `--help`.
OUTPUTS: dict[str, Any] = {
    "retrain check": dict[str, Checked],
    "retrain run": Run,
    "retrain report": Reports,
    "retrain compare": Comparison,
    "retrain curve": Curve,
    "retrain submit": Submitted,
    "retrain plan": Planned,
    "retrain doctor": list[Finding],
    "retrain predict": Predicted,
    "retrain predict --where vertex": PredictedFarAway,
    "retrain queue": Queue,
    "retrain watch": WatchEvent,
    "retrain deploy": Deployment,
    "retrain runs list": list[RunInList],
    "retrain runs list --where vertex|kubeflow": list[ServiceRun],
    "retrain runs show": RunWithTasks,
    "retrain runs show --where vertex|kubeflow": ServiceRun,
    "retrain models list": list[Version],
    "retrain models show": Version,
    "retrain models compare": ComparedVersions,
    "retrain models history": list[Operation],
    "retrain schedule plan": list[Step],
    "retrain schedule list": list[Schedule],
}
