"""The annotations of a phase, read in this process as a run reads them."""

from __future__ import annotations

import argparse
import json
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from components.ingest import command as ingest
from components.interface import Output, add_options
from components.stage import StageResult
from pipelines.config.schema import Phase


def ingested(phase: Phase, outputs: Path, store: Path) -> StageResult:
    """Run `ingest` on the sources of a phase.

    Args:
        outputs: a folder for what it writes, each output under its name.
        store: where runs keep what they read; what a source remembers is there, too.

    Raises:
        DataError: the annotations are unfit to train on; the data report may be there all the same.
        RetrainError: a source can't be read.
    """
    options = {
        "sources": json.dumps([source.model_dump() for source in phase.annotations]),
        "store": str(store),
        "tasks": json.dumps([task.model_dump() for task in phase.all_tasks]),
        "settings": phase.ingest.model_dump_json(),
        **{p.name: str(outputs / p.name) for p in ingest.INTERFACE if isinstance(p, Output)},
    }
    parser = argparse.ArgumentParser()
    add_options(parser, ingest.INTERFACE)
    words = [w for name, value in options.items() for w in (f"--{name.replace('_', '-')}", value)]
    with redirect_stdout(StringIO()):
        return ingest.run(parser.parse_args(words))
