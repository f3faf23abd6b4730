"""How many words a core trains on in a second, by training config that comes with retrain.

    python -m bench.pace [CONFIG …] [--base NAME]

What `retrain check` tells by how long a run will take (pipelines/local/training_time.py). On the
sample's texts: processor seconds of a longer training less those of a shorter one, so that neither
start nor evaluations count, with one thread. RoBERTa has random weights of its shape, which cost as
much, and batches of 480 padded pieces. --base takes other weights, by their name on the hub, from
RETRAIN_BASE_MODELS. One process; a table at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from contextlib import redirect_stdout
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.run import ONE_THREAD, with_base
from bench.stages import CONFIGS, Row, convert, ingest, retrain
from pipelines.config.load import load

SIZE = 400  # texts
# Of the shorter and the longer training: as many as the difference takes seconds.
STEPS = {"roberta": (1, 3), "bow": (500, 3000)}
DEV = 20


def main() -> None:
    """Measure the configs named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("configs", nargs="*")
    parser.add_argument("--base", default="")
    args = parser.parse_args()
    os.environ |= ONE_THREAD
    from scripts.gpu_check import write_weights

    names = args.configs or sorted(path.stem for path in CONFIGS.glob("*.cfg"))
    with TemporaryDirectory() as text:
        if not args.base:
            os.environ["RETRAIN_BASE_MODELS"] = text
        if any("roberta" in name for name in names):
            with redirect_stdout(sys.stderr):
                write_weights(Path(text) / "roberta-base", tiny=False)
        for name in names:
            with redirect_stdout(sys.stderr):
                speed = words_per_second(name, args.base)
            print(f"{name:16} {speed:8.0f} words/s", flush=True)


def words_per_second(config: str, base: str) -> float:
    """Measure a training config, with other weights than its own if `base` names some."""
    name = "sample-topics" if config.endswith("-classes") else "sample"
    sample = load(Path(f"configs/{name}.yaml"))
    phase = next(iter(sample.pipeline.phases.values()))
    described = [task.model_dump() for task in phase.all_tasks]
    if config.endswith("-classes"):  # its component has that name
        described[0]["name"] = "classes"
    tasks = json.dumps(described)
    rows = annotated(Path("configs") / phase.annotations[0].path)
    given = {"dev": rows[:DEV], "test": rows[DEV : 2 * DEV], "train": rows[2 * DEV :]}
    short, long = next((two for name, two in STEPS.items() if name in config), (8, 40))
    with TemporaryDirectory() as text:
        work = Path(text)
        ingest(work, tasks, given, max_moved=1, max_quarantined=1)
        convert(work, tasks)
        before, after = (measured(work, tasks, config, base, steps) for steps in (short, long))
    return (after[0] - before[0]) / (after[1] - before[1])


def annotated(path: Path) -> list[Row]:
    """Accepted rows of a sample."""

    def rows() -> Any:
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(row, dict) and row.get("answer") == "accept":
                yield row

    return list(islice(rows(), SIZE))


def measured(work: Path, tasks: str, config: str, base: str, steps: int) -> tuple[float, float]:
    """Words trained on, and processor seconds of the whole training."""
    changes: dict[str, Any] = {"training.max_steps": steps, "training.eval_frequency": steps}
    if "roberta" in config:
        changes["training.batcher.size"] = 480
    if "cnn" in config:  # which it grows to
        changes["training.batcher.size.start"] = 1000
    before = time.process_time()
    retrain(work, tasks, "en", with_base({"config": config, "set": changes}, base), 0)
    seconds = time.process_time() - before
    lines = (work / "log" / "history.jsonl").read_text(encoding="utf-8").splitlines()
    last = json.loads(lines[-1])
    return last["words_per_second"] * (last["seconds"] - last["evaluation_seconds"]), seconds


if __name__ == "__main__":
    main()
