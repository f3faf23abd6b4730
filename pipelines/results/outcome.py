"""What became of a phase of a run: typed, for every place that tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from components.registry.outcome import IN_PRODUCTION, End, InProduction, sentence, tone
from pipelines.local.production import after_run
from pipelines.local.runs import RunRecord, TaskRecord

NOT_PROMOTED = ("held", "not-kept", "withdrawn", "overtaken")
SHORT: dict[str, str] = {
    "promoted": "promoted",
    "in-production": "unchanged",
    "held": "held",
    "not-kept": "held, not kept",
    "withdrawn": "withdrawn before",
    "overtaken": "overtaken",
    "waits": "waits",
    "not-run": "not run",
}


@dataclass(frozen=True)
class PhaseOutcome:
    """What became of a phase.

    Attributes:
        state: of its tasks together: failed, cancelled, running, waits, succeeded or not-run.
        end: what came of it, see `components.registry.outcome`.
        message: one sentence about it and about what is in production, without a full stop.
        in_production: number of that version; "" for none, None where nobody knows.
        version: number of the version that the model became; "" for none.
        stage: where it failed or stopped, or what runs now; "" otherwise.
        reasons: why it is so, a sentence each.
        failed: the task that failed.
    """

    phase: str
    state: str
    end: End
    message: str
    in_production: str | None
    version: str = ""
    stage: str = ""
    reasons: tuple[str, ...] = ()
    failed: TaskRecord | None = None

    @property
    def short(self) -> str:
        """The outcome in two or three words, for a column of a table."""
        if self.end in ("failed", "stopped", "running"):
            return f"{self.end} in {self.stage}" if self.stage else self.end
        version = f" {self.version}" if self.version and self.end != "withdrawn" else ""
        return f"{SHORT.get(self.end, self.end)}{version}"

    @property
    def tone(self) -> Literal["good", "bad", ""]:
        """Good news, bad news or none."""
        return tone(self.end)


def outcomes(run: Path, record: RunRecord) -> dict[str, PhaseOutcome]:
    """What became of each phase of a run on this machine, in their order."""
    phases = dict.fromkeys(task.branch for task in record.tasks.values() if task.branch)
    over = record.state != "running"
    return {
        phase: outcome_of(record.id, phase, record.tasks, after_run(record, run, phase), over=over)
        for phase in phases
    }


def outcome_of(
    run: str,
    phase: str,
    every: Mapping[str, TaskRecord],
    production: InProduction,
    *,
    over: bool = True,
) -> PhaseOutcome:
    """What became of a phase, wherever it ran; reads no file.

    Args:
        run: its name, as it signs promotions.
        every: the tasks of the run, by path.
        production: after the run.
        over: whether the run has ended.
    """
    tasks = [task for task in every.values() if task.branch == phase]
    state = phase_state(tasks, over=over)
    end = end_of(tasks, state)
    uploaded = ended(tasks, "upload")
    version = str(uploaded.parameters.get("version", "")) if uploaded else ""
    if end == "done" and production.version and production.by == f"run {run}":
        # On a service that does not say what its tasks returned.
        end, version = "promoted", production.version
    if production.version is None and end in IN_PRODUCTION:
        production = InProduction(version)  # the run itself saw it there
    stage = stage_of(tasks, end)
    since = uploaded.parameters.get("since") if uploaded else None
    if since is None:  # a run of before `upload` said it
        since = same_as(tasks)
    said = sentence(end, production, run=run, version=version, since=since, stage=stage)
    return PhaseOutcome(
        phase=phase,
        state=state,
        end=end,
        message=said,
        in_production=production.version,
        version=version,
        stage=stage,
        reasons=reasons_of(tasks, end),
        failed=next((task for task in tasks if task.state == "failed"), None),
    )


def phase_state(tasks: Sequence[TaskRecord], *, over: bool) -> str:
    """One word for a phase: failed, cancelled, running, waits, succeeded or not-run."""
    states = {task.state for task in tasks}
    for state in ("failed", "cancelled", "running"):
        if state in states:
            return state
    if any(task.waits for task in tasks):
        return "waits"
    if not over and "pending" in states:
        return "running"
    if states <= {"skipped", "not-run", "pending"}:
        return "not-run"
    # A run that was stopped between two tasks has cancelled none of them.
    left = any(task.state in ("pending", "not-run") for task in tasks)
    return "cancelled" if left and not ended(tasks, "upload") else "succeeded"


def end_of(tasks: Sequence[TaskRecord], state: str) -> End:
    """What came of a phase whose tasks are in this state together."""
    match state:
        case "failed" | "running" | "waits" | "not-run":
            return state
        case "cancelled":
            return "stopped"
    uploaded = ended(tasks, "upload")
    if uploaded is None:
        return "done"
    if outcome := uploaded.parameters.get("outcome"):
        return cast(End, outcome)
    # The gate was a task of its own before there were outcomes.
    decided = uploaded if "decision" in uploaded.parameters else ended(tasks, "gate")
    decision = decided.parameters.get("decision") if decided else None
    by_decision: dict[str | None, End] = {"promote": "promoted", "hold": "held"}
    return by_decision.get(decision, "done")


def ended(tasks: Sequence[TaskRecord], stage: str) -> TaskRecord | None:
    """The task of a stage, if its outputs are there."""
    return next((task for task in tasks if task.stage == stage and finished(task)), None)


def finished(task: TaskRecord | None) -> bool:
    """Whether the task's outputs are there."""
    return task is not None and task.state in ("succeeded", "reused")


def same_as(tasks: Sequence[TaskRecord]) -> str:
    """The run that had trained and evaluated the same before; "" if this one did."""
    trained, evaluated = ended(tasks, "train"), ended(tasks, "evaluate")
    if trained and evaluated and trained.reused_from and evaluated.reused_from:
        return evaluated.reused_from
    return ""


def stage_of(tasks: Sequence[TaskRecord], end: End) -> str:
    """Where a phase failed or stopped, or what runs now."""
    state = {"failed": "failed", "stopped": "cancelled", "running": "running"}.get(end)
    at = [task.stage for task in tasks if task.state == state]
    return ", ".join(at) if end == "running" else next(iter(at), "")


def reasons_of(tasks: Sequence[TaskRecord], end: End) -> tuple[str, ...]:
    """Why a phase ended so, as its tasks said it."""
    if end == "failed":
        said = [task.note for task in tasks if task.state == "failed"]
    elif end == "waits":
        said = [task.waits for task in tasks]
    elif end in ("overtaken", "withdrawn"):
        said = [task.parameters.get("not_promoted", "") for task in tasks]
    else:
        said = [task.parameters.get("headline", "") for task in tasks]
    return tuple(dict.fromkeys(filter(None, said)))
