"""`retrain init`: a config for your own annotations, or a training config to edit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import DEFAULT_CONFIG


def init(
    annotations: Annotated[
        Path | None,
        typer.Argument(
            metavar="[ANNOTATIONS]",
            help="An export, e.g. from `prodigy db-out`, or a labelling config (XML).",
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
    other tools that docs/data.md lists. A file that exists is never overwritten.
    """
    from components.errors import ConfigError
    from components.files import write_json, write_text
    from pipelines.config.json_schema import FILE_NAME, json_schema
    from pipelines.config.scaffold import relative

    if (annotations is None) == (not training_config):
        raise ConfigError("Give either an annotation export or --training-config NAME.")
    if output is None and annotations:
        output = DEFAULT_CONFIG
    stdout = output is None or output == Path("-")
    if output and output.exists() and not stdout:
        raise ConfigError(f"{output}: is already there. Choose another name, or remove it first.")
    text = (
        config_for(annotations, None if stdout else output, file_format)
        if annotations
        else shipped_text(training_config)
    )
    if output is None or stdout:
        print(text, end="")
        return
    if training_config:
        write_text(output, text)
        step = f"edit it, and name it in your config: train: {{config: {output.name}}}"
    else:
        # A file and no address: it goes with the config, and works where there is no network.
        write_json(output.parent / FILE_NAME, json_schema())
        write_text(output, f"# yaml-language-server: $schema={FILE_NAME}\n{text}")
        named = "" if output == DEFAULT_CONFIG else f" {output}"
        step = f"read it, then: retrain check{named} && retrain run{named}"
    print(f"Wrote {output}\nNext: {step}")
    if annotations and ".." in Path(relative(annotations, output.parent)).parts:
        print(
            f"{annotations} lies outside the folder of the config: move it there before you commit "
            "the two."
        )


def config_for(annotations: Path, output: Path | None, file_format: str) -> str:
    """The text of a pipeline's config for an export."""
    from components.errors import ConfigError
    from components.records.sources import check_type, checked_format, features_beside
    from pipelines.config.profile import profile_of
    from pipelines.config.scaffold import scaffold, scaffold_of_project
    from pipelines.labelling.reading import is_labelling_config, read

    if annotations.exists():
        check_type(str(annotations))
    if not annotations.is_file():
        raise ConfigError(f"{annotations}: no such file. Give an annotation export.")
    if is_labelling_config(annotations):
        return scaffold_of_project(annotations, read(annotations.read_bytes(), annotations.name))
    given_format = checked_format(file_format)
    folder = output.parent if output else Path()
    profile = profile_of(annotations, given_format, features_beside(annotations))
    return scaffold(annotations, folder, profile, given_format)


def shipped_text(name: str) -> str:
    """The text of a training config that comes with retrain."""
    from components.errors import ConfigError
    from pipelines.config.shipped import shipped_config

    try:
        return shipped_config(name).read_text(encoding="utf-8")
    except ConfigError as error:
        raise ConfigError(f"--training-config: {error}") from None
