"""What checkpoints cost: `python -m bench.checkpoints`.

The sample's first phase, trained without checkpoints and with one as often as `checkpoint_share`
lets them, far more often than by default. Each run is a process of its own.
"""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from bench.run import alone, timed
from components.__main__ import main as run_stage
from components.train.loop import Loop
from pipelines.config.shipped import shipped_config
from scripts.gpu_check import write_corpora

STEPS = {"cnn": 500, "minilm": 60}


def main() -> None:
    table = Table(title="checkpoints as often as checkpoint_share lets them")
    for heading in ("config", "steps", "processor s without", "with", "checkpoints", "s each"):
        table.add_column(heading)
    table.add_column("MB each")
    table.add_column("share of the time")
    for config, steps in STEPS.items():
        without, measured = (alone("bench.checkpoints", config, steps, every) for every in (0, 1))
        table.add_row(
            config,
            f"{steps:,}",
            f"{without['seconds']:.1f}",
            f"{measured['seconds']:.1f}",
            str(len(measured["costs"])),
            f"{sum(measured['costs']) / len(measured['costs']):.2f}",
            f"{measured['bytes'] / 1e6:.0f}",
            f"{sum(measured['costs']) / measured['wall']:.1%}",
        )
    Console().print(table)


def one(config: str, steps: int, every: int) -> dict[str, Any]:
    """Train; return the seconds that each checkpoint took, and how large the last one was."""
    torch.set_num_threads(1)
    costs: list[float] = []
    sizes = [0]
    save = Loop.save

    def timed_save(loop: Loop) -> float:
        costs.append(save(loop))
        last = loop.checkpoints.folder / loop.checkpoints.entries[0].name
        sizes[0] = sum(file.stat().st_size for file in last.iterdir())
        return costs[-1]

    patched: Any = Loop
    patched.save = timed_save
    with TemporaryDirectory() as text:
        folder = Path(text)
        labels = write_corpora(folder)
        options = {
            "train-corpus": folder / "train",
            "dev-corpus": folder / "dev",
            "tasks": json.dumps([{"name": "ner", "labels": labels}]),
            "config": shipped_config(config).read_text(encoding="utf-8"),
            "overrides": json.dumps(
                {
                    "training.max_steps": steps,
                    "training.patience": 0,
                    "training.eval_frequency": steps // 2,
                }
            ),
            "settings": json.dumps({"checkpoint_every": every, "checkpoint_minutes": 0}),
            "checkpoints": folder / "checkpoints",
            "model": folder / "model",
            "log": folder / "log",
        }
        stage = ["train", *(f"--{name}={value}" for name, value in options.items())]
        with redirect_stdout(sys.stderr):
            code, figures = timed(lambda: run_stage(stage))
        if code:
            raise SystemExit(code)
    return {**figures, "costs": costs, "bytes": sizes[0]}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(one(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
    else:
        main()
