"""The `retrain` command line: one file per command, heavy imports inside them."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from components.cores import limit_threads
from components.errors import RetrainError, WriteError
from components.files import FAULTS, refusal
from pipelines.cli import (
    check,
    compare,
    compile,
    convert_annotations,
    curve,
    deploy,
    doctor,
    init,
    labelling,
    models,
    plan,
    predict,
    pull,
    queue,
    report,
    run,
    runs,
    schedule,
    schema,
    serve,
    status,
    submit,
    ui,
    watch,
)
from pipelines.cli.command import Command, Group

app = typer.Typer(
    name="retrain",
    cls=Group,
    help="Turn annotations into better spaCy models: on this machine, Vertex AI or Kubeflow.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback()(status.status)
COMMANDS: dict[str, Callable[..., None]] = {
    "init": init.init,
    "labelling": labelling.labelling,
    "convert-annotations": convert_annotations.convert_annotations,
    "check": check.check,
    "run": run.run,
    "compile": compile.compile,
    "schema": schema.schema,
    "report": report.report,
    "compare": compare.compare,
    "curve": curve.curve,
    "submit": submit.submit,
    "plan": plan.plan,
    "pull": pull.pull,
    "doctor": doctor.doctor,
    "ui": ui.ui,
    "predict": predict.predict,
    "queue": queue.queue,
    "serve": serve.serve,
    "deploy": deploy.deploy,
    "watch": watch.watch,
}
for name, command in COMMANDS.items():
    app.command(name, cls=Command)(command)
app.add_typer(runs.app, name="runs")
app.add_typer(models.app, name="models")
app.add_typer(schedule.app, name="schedule")


def main() -> None:
    """Run the command line; an error that a person can act on ends as one message and its code."""
    limit_threads()
    try:
        app()
    except RetrainError as error:
        print(f"retrain: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in FAULTS:
            raise
        print(f"retrain: {refusal(error.filename or 'an output', error)}", file=sys.stderr)
        sys.exit(WriteError.exit_code)
