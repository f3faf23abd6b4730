"""`retrain predict`: models over files of texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipelines.cli.options import AsJson, ModelsFolder, RunsFolder, TextKey, print_json

if TYPE_CHECKING:
    from components.answers.formats import Format
    from pipelines.predict.job import Predicted


def predict(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A run (or latest), a registered model (NAME, NAME@VERSION or NAME@ALIAS), or a "
            "model's folder.",
        ),
    ],
    texts: Annotated[
        list[str],
        typer.Argument(
            metavar="TEXTS...",
            help="Files, globs or addresses (gs://) of texts: .jsonl, .txt (a text a line), .csv "
            "or .tsv with a header, each also with .gz behind it.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="FILE", help="The file to write; a folder for docbin."
        ),
    ],
    file_format: Annotated[
        str,
        typer.Option("--format", metavar="FORMAT", help="jsonl, prodigy, labelstudio or docbin."),
    ] = "jsonl",
    text: TextKey = "",
    phase: Annotated[
        str, typer.Option(metavar="NAME", help="Only this phase of a run that has several.")
    ] = "",
    confidence: Annotated[
        bool,
        typer.Option(help="Say how sure the models are; without it spaCy's recogniser is faster."),
    ] = True,
    where: Annotated[
        Literal["local", "vertex"],
        typer.Option(help="Here, or a registered model as a batch prediction job of Vertex AI."),
    ] = "local",
    config: Annotated[
        Path | None,
        typer.Option(metavar="CONFIG", help="A pipeline config, whose vertex section says where."),
    ] = None,
    machine: Annotated[
        str, typer.Option(help="Type of machine of the batch prediction job.")
    ] = "n1-standard-4",
    out: RunsFolder = Path("runs"),
    registry: ModelsFolder = None,
    as_json: AsJson = False,
) -> None:
    """Write what a model says of files of texts, in their order.

    Memory stays flat, whatever their size. Interrupted, or killed? Run the same command again: it
    goes on where it was.
    """
    from pipelines import api

    if where == "vertex":
        form = chosen(file_format)
        predict_far_away(model, texts, output, form, text, config, machine, confidence, as_json)
        return
    watch = Watch()
    predicted = api.predict_files(
        model,
        texts,
        output,
        format=chosen(file_format),
        text=text,
        phase=phase,
        confidence=confidence,
        out=out,
        registry=registry,
        report=watch.show,
    )
    watch.end()
    if as_json:
        print_json(document(predicted))
        return
    before = f", {predicted.begun:,} of them before" if predicted.begun else ""
    print(
        f"{predicted.texts:,} texts{before}, {predicted.words:,} words, "
        f"{predicted.words_per_second:,.0f} words/s\nWrote {predicted.output}"
    )


def predict_far_away(
    model: str,
    patterns: list[str],
    output: Path,
    file_format: Format,
    key: str,
    config: Path | None,
    machine: str,
    confidence: bool,
    as_json: bool,
) -> None:
    """Predict by a batch prediction job."""
    from components.errors import ConfigError
    from components.google_cloud import Place
    from components.records.pool import proven
    from components.registry.base import find
    from components.registry.open import open_registry
    from pipelines.config.load import load
    from pipelines.services.vertex.batch import LONGEST, Batches

    if file_format != "jsonl":
        raise ConfigError(f"--format {file_format}: a batch prediction job gives jsonl alone.")
    vertex = load(config).pipeline.vertex if config else None
    if config is None or vertex is None:
        raise ConfigError("--where vertex needs --config FILE, whose vertex section says where.")
    name, _, reference = model.partition("@")
    version = find(open_registry(load(config).pipeline.registry_url), name, reference or "champion")
    texts = proven(patterns, key, LONGEST)
    place = Place(vertex.project, vertex.location)
    batches = Batches(place, vertex.pipeline_root, vertex.service_account, watch=say)
    done = batches.predict(version, texts, output, machine, confidence=confidence)
    if as_json:
        print_json(
            {
                "output": str(done.output.resolve()),
                "texts": done.texts,
                "job": done.job,
                "begun_before": done.begun,
                "versions": {version.name: version.number},
            }
        )
        return
    print(f"{done.texts:,} texts by {done.job}\nWrote {done.output}")


def say(state: str) -> None:
    """Say how far a job is."""
    import sys

    print(state, file=sys.stderr, flush=True)


def chosen(name: str) -> Format:
    """A format by its name.

    Raises:
        ConfigError: there is none of that name.
    """
    from components.answers.formats import FORMATS
    from components.errors import ConfigError

    for known in FORMATS:
        if name == known:
            return known
    raise ConfigError(f"--format {name}: no such format. There is {', '.join(FORMATS)}.")


def document(predicted: Predicted) -> dict[str, object]:
    """What `--json` prints."""
    return {
        "output": str(predicted.output.resolve()),
        "texts": predicted.texts,
        "texts_before": predicted.begun,
        "words": predicted.words,
        "seconds": round(predicted.seconds, 3),
        "words_per_second": round(predicted.words_per_second, 1),
        "versions": predicted.versions,
    }


class Watch:
    """Shows on stderr how far a job is: one line on a terminal, else a line now and then."""

    EVERY = 30.0  # seconds between lines where nobody watches

    def __init__(self) -> None:
        import time

        from rich.console import Console

        self._now = time.monotonic
        self._console = Console(stderr=True, highlight=False)
        self._shown = self._now()
        self._line = ""

    def show(self, done: int, count: int, speed: float) -> None:
        """So many texts of all are done, at so many words per second."""
        live = self._console.is_terminal
        if not live and self._now() - self._shown < self.EVERY:
            return
        self._shown = self._now()
        line = f"{done:,} of {count:,} texts, {speed:,.0f} words/s"
        self._console.print(line.ljust(len(self._line)), end="\r" if live else "\n")
        self._line = line

    def end(self) -> None:
        """Leave the line that changes."""
        if self._line and self._console.is_terminal:
            self._console.print()
