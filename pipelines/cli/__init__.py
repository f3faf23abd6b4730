"""The `retrain` command line: one file per command, heavy imports inside them."""

from __future__ import annotations

import sys

import typer

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
    models,
    plan,
    pull,
    report,
    run,
    runs,
    schedule,
    serve,
    submit,
)

app = typer.Typer(
    name="retrain",
    help="Turn annotations into better spaCy models: on this machine, Vertex AI or Kubeflow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(init.init)
app.command("convert-annotations")(convert_annotations.convert_annotations)
app.command("check")(check.check)
app.command("run")(run.run)
app.command("compile")(compile.compile)
app.command("report")(report.report)
app.command("compare")(compare.compare)
app.command("curve")(curve.curve)
app.command("submit")(submit.submit)
app.command("plan")(plan.plan)
app.command("pull")(pull.pull)
app.command("doctor")(doctor.doctor)
app.command("serve")(serve.serve)
app.command("deploy")(deploy.deploy)
app.add_typer(runs.app, name="runs")
app.add_typer(models.app, name="models")
app.add_typer(schedule.app, name="schedule")


def main() -> None:
    """Run the command line; an error that a person can act on ends as one message and its code."""
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
