"""The figures of every evaluation as TensorBoard reads them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tensorboardX import SummaryWriter  # type: ignore[import-untyped]

from components.program import local_path

# Set by Vertex AI for a job that has a TensorBoard.
VERTEX_VARIABLE = "AIP_TENSORBOARD_LOG_DIR"
PLAIN = ("score", "f", "p", "r", "words_per_second", "learn_rate")


class TensorBoardWriter:
    """Writes event files into the log, and where Vertex AI's TensorBoard looks for them.

    Args:
        log: the log's folder.
    """

    def __init__(self, log: Path) -> None:
        vertex = os.environ.get(VERTEX_VARIABLE, "")
        folders = [str(log / "tensorboard")]
        if vertex:
            folders.append(local_path(vertex))
        self.writers = [SummaryWriter(folder) for folder in folders]

    def add(self, entry: Mapping[str, Any]) -> None:
        """Write an entry of the history."""
        for writer in self.writers:
            for name, value in scalars(entry):
                writer.add_scalar(name, value, entry["step"])
            writer.flush()

    def close(self) -> None:
        """End the files."""
        for writer in self.writers:
            writer.close()


def scalars(entry: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Name and value of the curves that an entry of the history has a point of."""
    for component, loss in entry["losses"].items():
        yield f"loss/{component}", loss
    for name, value in entry.items():
        task, dot, score = name.rpartition(".")
        if name in PLAIN:
            yield name, value
        elif dot:  # of one of several tasks
            yield f"{task}/{score}", value
