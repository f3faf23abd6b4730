"""The tasks that send notifications: how a phase ended, and that a model was not promoted."""

from __future__ import annotations

from typing import Any

from google_cloud_pipeline_components.v1.vertex_notification_email import VertexNotificationEmailOp
from kfp import dsl

from components.interface import FinalStatus
from pipelines.config.schema import Notify, Pipeline
from pipelines.dag.resources import StageTasks


def notify_of_end(config: Pipeline, notify: Notify, phase: str, ended: Any, registry: Any) -> None:
    """Notify of how a phase ended.

    The e-mail is Vertex AI's own and needs no machine of ours, so that it comes even where none
    can be had; it comes after a success too. Google documents it as the exit task of a
    dsl.ExitHandler, and this is what that compiles to: a task after a graph, whatever became of it,
    that is given the graph's final status. The webhook is called for failures alone.

    Args:
        ended: the phase's task.
        registry: where the models are, which the webhook is told the state of.
    """
    if notify.webhook:
        inputs = {**message(config, notify, phase), "registry": registry}
        webhook = placed(config, phase).task("notify", **inputs, status=FinalStatus)
        webhook.after(ended).ignore_upstream_failure().set_display_name(f"{phase}-notify")
    if notify.emails:
        email = VertexNotificationEmailOp(recipients=notify.emails)
        email.after(ended).ignore_upstream_failure().set_display_name(f"{phase}-email")


def notify_held(config: Pipeline, notify: Notify, phase: str, **upload: Any) -> None:
    """The task that sends why a model is not in production; Vertex AI sees no failure.

    Args:
        upload: `held`, `outcome`, `version`, `since` and `registry`.
    """
    placed(config, phase).task("notify", **message(config, notify, phase), **upload)


def notify_of_hold(notify: Notify, branch: Any, uploaded: Any, registry: Any) -> None:
    """Notify that a model was held back, overtaken by another one or withdrawn before.

    Args:
        branch: a sub-pipeline of `notify_held`: the e-mail may only follow a graph.
        uploaded: the `upload` task.
    """
    webhook = branch(
        why=uploaded["not_promoted"],
        outcome=uploaded["outcome"],
        version=uploaded["version"],
        since=uploaded["since"],
        registry=registry,
    )
    if notify.emails:
        email = VertexNotificationEmailOp(recipients=notify.emails)
        email.after(webhook).ignore_upstream_failure().set_display_name("email")


def placed(config: Pipeline, phase: str) -> StageTasks:
    """The machines of a phase."""
    return StageTasks(config.phases[phase].compute, config)


def message(config: Pipeline, notify: Notify, phase: str) -> dict[str, str]:
    """What every message says."""
    vertex = config.vertex if config.target == "vertex" else None
    return {
        "webhook": notify.webhook or "",
        "pipeline": config.name,
        "phase": phase,
        "model": config.phases[phase].model.name,
        "alias": config.phases[phase].model.alias,
        "run": dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
        "place": f"{vertex.project}/{vertex.location}" if vertex else "",
    }
