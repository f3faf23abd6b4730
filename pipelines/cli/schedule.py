"""`retrain schedule`: the runs that start by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pipelines.cli.command import Command, Group
from pipelines.cli.options import DEFAULT_CONFIG, AsJson, ConfigPath, print_json
from pipelines.cli.tables import print_table

if TYPE_CHECKING:
    from pipelines.services.base import Scheduled

app = typer.Typer(
    cls=Group,
    help="The schedule that a config declares: compare it with what is there, and make it so.",
    no_args_is_help=True,
)


@app.command("plan", cls=Command)
def show_plan(config: ConfigPath = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Show what `apply` would change; nothing is changed."""
    from dataclasses import asdict

    from pipelines.services.schedule import plan

    schedule = schedule_of(config)
    steps = plan(schedule.declared, schedule.existing())
    if as_json:
        print_json([asdict(step) for step in steps])
        return
    for step in steps:
        print(f"{step.kind} {step.target or schedule.name}: {step.why}")
    if not steps:
        print(f"{schedule.name} is as declared: {state(schedule)}")


@app.command("apply", cls=Command)
def apply(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Make the schedule as the config declares it; nothing is sent when it is so already."""
    from pipelines.config.load import load
    from pipelines.services.schedule import plan
    from pipelines.services.submission import refuse_unrepeatable

    refuse_unrepeatable(load(config))
    schedule = schedule_of(config)
    steps = plan(schedule.declared, schedule.existing())
    schedule.apply(steps)
    for step in steps:
        print(f"done: {step.kind} {step.target or schedule.name}: {step.why}")
    print(f"{schedule.name} is as declared: {state(schedule)}")


@app.command("list", cls=Command)
def list_schedules(config: ConfigPath = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List the schedules of this config's name that the service has."""
    schedule = schedule_of(config)
    existing = schedule.existing()
    if as_json:
        print_json(
            [
                {
                    "id": each.id,
                    "cron": each.cron,
                    "paused": each.paused,
                    "next_run": each.next_run.isoformat() if each.next_run else None,
                }
                for each in existing
            ]
        )
        return
    if not existing:
        print(f"No schedule called {schedule.name} in {schedule.where}.")
        return
    rows = [
        [
            each.id,
            each.cron,
            "paused" if each.paused else "active",
            f"{each.next_run:%Y-%m-%d %H:%M}" if each.next_run else "",
        ]
        for each in existing
    ]
    print_table(["schedule", "cron", "state", "next run (UTC)"], rows)


@app.command("pause", cls=Command)
def pause(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Start no more runs until `resume`; runs that go on are left alone."""
    schedule = schedule_of(config)
    schedule.pause()
    print(f"{schedule.name} is paused. `retrain schedule apply` follows the config again.")


@app.command("resume", cls=Command)
def resume(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Start runs again; those that were missed are not made up for."""
    schedule = schedule_of(config)
    schedule.resume()
    print(f"{schedule.name} is active.")


@app.command("delete", cls=Command)
def delete(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Delete the schedule; its runs and their models stay."""
    schedule = schedule_of(config)
    existing = schedule.delete()
    print(f"{schedule.name} {'is deleted' if existing else 'was not existing'}.")


@app.command("run-now", cls=Command)
def run_now(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Start at once what the schedule would start, unless this very work was done already."""
    from components.errors import ConfigError
    from pipelines.cli.submit import submit
    from pipelines.services.schedule import plan

    schedule = schedule_of(config)
    if plan(schedule.declared, schedule.existing()):
        raise ConfigError(
            f"{config}: the schedule is not as declared, so it would start something else. "
            "`retrain schedule plan` shows the difference, `retrain schedule apply` ends it."
        )
    submit(config)


def schedule_of(config: Path) -> Scheduled:
    """The schedule that a config declares, where its target says."""
    from pipelines.config.load import load
    from pipelines.services.choose import schedule_on

    return schedule_on(load(config))


def state(schedule: Scheduled) -> str:
    """The declared schedule in words."""
    declared = schedule.declared
    return declared.cron if declared.enabled else "not enabled"
