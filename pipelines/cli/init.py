"""`retrain init`: a config for your own annotations, or a training config to edit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import DEFAULT_CONFIG

STDOUT = Path("-")
# How the lines begin in which a first config says what was taken for what.
REMARKS = ("# Taken ", "# Left out: ", "# Of ")


def init(
    annotations: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ANNOTATIONS]...",
            help="Exports, prodigy:DATASET, labelstudio://HOST/PROJECT, or a labelling config "
            "(XML).",
        ),
    ] = None,
    evaluation: Annotated[
        list[str] | None,
        typer.Option(
            "--eval",
            metavar="FILE",
            help="An export that is the test set, and nothing else is; may be repeated.",
        ),
    ] = None,
    training_config: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Instead: copy out a training config of retrain's, e.g. minilm."
        ),
    ] = "",
    file_format: Annotated[
        str,
        typer.Option(
            "--format", metavar="FORMAT", help="Of the export, if it is taken for another."
        ),
    ] = "auto",
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Where to write it; - for stdout.",
            show_default="retrain.yaml; stdout for a training config",
        ),
    ] = None,
) -> None:
    """Write a config for your own export: its labels with their counts, sensible defaults.

    Also for the labelling config (XML) of a project in Label Studio or Annotation Lab: its tasks.

    Reads Prodigy JSONL, Label Studio JSON, CoNLL or IOB columns, spaCy files and the exports of
    other tools that docs/formats.md lists. A file that exists is never overwritten.
    """
    from components.errors import ConfigError

    if bool(annotations) == bool(training_config):
        raise ConfigError("Give either an annotation export or --training-config NAME.")
    if annotations:
        write_first(annotations, evaluation or [], output or DEFAULT_CONFIG, file_format)
    elif evaluation:
        raise ConfigError("--eval goes with annotations. Leave it out, or give an export.")
    else:
        write_training(training_config, output)


def write_first(
    annotations: list[str], evaluation: list[str], output: Path, file_format: str
) -> None:
    """Write a first config, or print it."""
    from pipelines.api import init
    from pipelines.config.addresses import is_address
    from pipelines.config.scaffold import first_config, relative

    if output == STDOUT:
        print(first_config(annotations, Path(), file_format, evaluation), end="")
        return
    init(annotations, output, format=file_format, evaluation=evaluation)
    named = "" if output == DEFAULT_CONFIG else f" {output}"
    text = output.read_text(encoding="utf-8")
    print(f"Wrote {output}")
    for line in text.splitlines():
        if line.startswith(REMARKS):
            print(line.removeprefix("# "))
    for path in (*annotations, *evaluation):
        if not is_address(path) and ".." in Path(relative(Path(path), output.parent)).parts:
            print(
                f"{path} lies outside the folder of the config: move it there before you commit "
                "the two."
            )
    print(f"Next: read it, then: retrain check{named} && retrain run{named}")


def write_training(name: str, output: Path | None) -> None:
    """Copy a training config out, or print it."""
    from components.errors import ConfigError
    from components.files import write_text

    text = shipped_text(name)
    if output is None or output == STDOUT:
        print(text, end="")
        return
    if output.exists():
        raise ConfigError(f"{output}: is already there. Choose another name, or remove it first.")
    write_text(output, text)
    print(
        f"Wrote {output}\nNext: edit it, and name it in your config: "
        f"train: {{config: {output.name}}}"
    )


def shipped_text(name: str) -> str:
    """The text of a training config that comes with retrain."""
    from components.errors import ConfigError
    from pipelines.config.shipped import shipped_config

    try:
        return shipped_config(name).read_text(encoding="utf-8")
    except ConfigError as error:
        raise ConfigError(f"--training-config: {error}") from None
