"""The product's own stages, run one after the other on the rows of a folder."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

SPLITS = ("train", "dev", "test")
CONFIGS = Path("pipelines/config/training")
Row = dict[str, Any]


def rows(folder: Path, split: str) -> list[Row]:
    """The rows of a split's file."""
    lines = (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def ingest(work: Path, tasks: str, given: Mapping[str, Iterable[Row]], **settings: object) -> None:
    """Read rows, each with the split that it is in."""
    # Before the clock of a training runs, and before this stage keeps torch out of its process.
    import spacy_transformers  # noqa: F401

    path = work / "rows.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for split in SPLITS:
            for row in given[split]:
                meta = {**row.get("meta", {}), "split": split}
                file.write(json.dumps({**row, "meta": meta}) + "\n")
    sources = [{"path": str(path)}]
    store = work / "store"
    run("ingest", work, tasks, sources=sources, settings={"required": [], **settings}, store=store)


def convert(work: Path, tasks: str, language: str = "en") -> None:
    """The records in the splits that they name, as corpora."""
    [annotations] = (work / "store").glob("*/annotations.jsonl")
    lines = annotations.read_text(encoding="utf-8").splitlines()
    for split in SPLITS:
        mine = [line for line in lines if json.loads(line)["split"] == split]
        (work / f"{split}_set").write_text("\n".join(mine) + "\n", encoding="utf-8")
    sets = {f"{split}_set": work / f"{split}_set" for split in SPLITS}
    run("convert", work, tasks, **sets, settings={"language": language})


def train(work: Path, tasks: str, config: str, overrides: Mapping[str, Any]) -> float:
    """Train by a config that is shipped; the processor seconds of that."""
    text = (CONFIGS / f"{config}.cfg").read_text(encoding="utf-8")
    started = time.process_time()
    run(
        "train",
        work,
        tasks,
        **learnt_from(work),
        config=text,
        overrides=overrides,
        settings={"device": "cpu"},
    )
    return time.process_time() - started


def retrain(
    work: Path, tasks: str, language: str, arm: Mapping[str, Any], seed: int
) -> tuple[Path, int, float]:
    """Train by a config of ours: what the stage does once it has proved config and corpora.

    Args:
        arm: `config`, its name; `sections`, dotted key -> what stands there instead; `set`, as in a
            phase; `champion`, a model to start from.

    Returns:
        the model, the steps, and its score on dev.
    """
    from thinc.api import Config

    from components.tasks import tasks_of
    from components.train.run import train_pipeline
    from components.train.settings import TrainSettings

    text = (CONFIGS / f"{arm['config']}.cfg").read_text(encoding="utf-8")
    config: Any = Config().from_str(text, interpolate=False)
    for key, section in arm.get("sections", {}).items():
        *above, last = key.split(".")
        place = config
        for name in above:
            place = place[name]
        place[last] = section
    state = train_pipeline(
        tasks=tasks_of(tasks),
        **learnt_from(work),
        config_text=config.to_str(interpolate=False),
        overrides={"nlp.lang": language, "system.seed": seed, **arm.get("set", {})},
        code="",
        settings=TrainSettings(device="cpu"),
        champion=arm.get("champion"),
        model=work / "model",
        log=work / "log",
        checkpoints=None,
    )
    return work / "model", state.step, state.best[0]


def stock(
    work: Path, _tasks: str, language: str, arm: Mapping[str, Any], seed: int
) -> tuple[Path, int, float]:
    """Train by spaCy's own config for a component (`pipeline`); otherwise as `retrain`."""
    from spacy.cli.init_config import init_config
    from spacy.cli.train import train

    pipeline = [arm["pipeline"]]
    config = init_config(lang=language, pipeline=pipeline, optimize="efficiency", gpu=False)
    config.to_disk(work / "stock.cfg")
    corpora = {f"paths.{split}": str(work / f"{split}_corpus") for split in ("train", "dev")}
    printed = StringIO()
    with redirect_stdout(printed):
        changes = {**corpora, "system.seed": seed, **arm.get("set", {})}
        train(work / "stock.cfg", work / "stock", overrides=changes)
    table = [line.split() for line in printed.getvalue().splitlines()]
    table = [row for row in table if len(row) > 4 and row[0].isdigit() and row[1].isdigit()]
    return work / "stock" / "model-best", int(table[-1][1]), max(float(row[-1]) for row in table)


def labels_in(folder: Path) -> list[str]:
    """The labels of spans that occur in training."""
    spans = [span for row in rows(folder, "train") for span in row.get("spans", ())]
    return sorted({span["label"] for span in spans})


def evaluate(work: Path, tasks: str, model: Path) -> dict[str, Any]:
    """The scores of a model on the test corpus, by task."""
    corpora = {**learnt_from(work), "test_corpus": work / "test_corpus"}
    run("evaluate", work, tasks, model=model, **corpora, init="base", settings={})
    blocks: dict[str, Any] = json.loads((work / "scores").read_text(encoding="utf-8"))["tasks"]
    return blocks


def learnt_from(work: Path) -> dict[str, Any]:
    """The corpora of training."""
    return {f"{split}_corpus": work / f"{split}_corpus" for split in ("train", "dev")}


def run(stage: str, work: Path, tasks: str, **inputs: Any) -> None:
    """Run a stage; its outputs lie in the folder under their names."""
    import importlib

    from components.__main__ import STAGES, main
    from components.interface import Output

    values = {name: str(one) if isinstance(one, Path) else one for name, one in inputs.items()}
    command = importlib.import_module(STAGES[stage])
    outputs = [port.name for port in command.INTERFACE if isinstance(port, Output)]
    options = {"tasks": tasks, **values, **{name: str(work / name) for name in outputs}}
    words = [
        f"--{name.replace('_', '-')}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in options.items()
    ]
    if main([stage, *words]):
        raise SystemExit(f"{stage} failed")
