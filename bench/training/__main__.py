"""How fast training is, beside stock `spacy train`: same documents, same weights, same machine.

    python -m bench.train [SEED …]          # default: seed 0

The model is MiniLM cut to its first two layers, trained with the shape of roberta.cfg, so that a
run takes minutes on one core. The documents are of mixed lengths: re3d and wnut17 where they lie
beside the project, otherwise the sample and pages made of its sentences. Each row is a process of
its own, timed in processor seconds from the first step on, evaluation included:

- *spacy train, as written by init config*: the published recipe, which discards full batches.
- *spacy train, nothing discarded*: the recipe with discard_oversize = false.
- *retrain, same config*: our loop on that config (fused Adam, kept memory, dev sorted by length).
- *retrain, batches by pieces*: and the batcher of roberta-fast.cfg.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.run import alone, timed

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
STEPS = 45
SHAPE = {
    "training.max_steps": STEPS,
    "training.eval_frequency": 15,
    "training.patience": 0,
    "training.batcher.size": 1000,
    "training.optimizer.learn_rate.total_steps": STEPS,
    "training.optimizer.learn_rate.warmup_steps": 15,
    "components.transformer.model.transformer_config": {"num_hidden_layers": 2},
    "training.logger": {"@loggers": "bench.clock.v1"},
}
BY_PIECES: dict[str, Any] = {
    "training.batcher": {
        "@batchers": "retrain.batch_by_pieces.v1",
        "size": 1200,
        "buffer": 2048,
    },
    "training.accumulate_gradient": 1,
}


@dataclass(frozen=True)
class Contender:
    """A way to train: whose loop, and what is changed in the config."""

    name: str
    loop: str
    changes: dict[str, Any]


CONTENDERS = (
    Contender(
        "spacy train, as written by init config",
        "stock",
        {"training.batcher.discard_oversize": True},
    ),
    Contender("spacy train, nothing discarded", "stock", {}),
    Contender("retrain, same config", "ours", {}),
    Contender("retrain, batches by pieces", "ours", BY_PIECES),
)


def main() -> None:
    """Run the contenders in turn, seed by seed, and print the table."""
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(one(CONTENDERS[int(sys.argv[2])], int(sys.argv[3]), Path(sys.argv[4]))))
        return
    os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    with TemporaryDirectory() as folder:
        corpora = Path(folder)
        sizes = write_corpora(corpora)
        for seed in map(int, sys.argv[1:] or ["0"]):
            results = []
            for index, contender in enumerate(CONTENDERS):
                results.append(alone("bench.train", index, seed, corpora))
                print(contender.name, json.dumps(results[-1]), file=sys.stderr, flush=True)
            Console().print(table(f"{sizes}; seed {seed}", results))


def table(title: str, results: list[dict[str, Any]]) -> Table:
    """Words per processor second, best F on dev, time to the stock's best F, and peak memory."""
    goal = max(entry["score"] for entry in results[0]["curve"])
    shown = Table(title=title)
    for column in ("", "words/s", "best dev F", f"s to F {100 * goal:.1f}", "s in all", "MiB"):
        shown.add_column(column, justify="left" if not column else "right")
    for contender, result in zip(CONTENDERS, results, strict=True):
        curve = result["curve"]
        reached = [entry["seconds"] for entry in curve if entry["score"] >= goal]
        shown.add_row(
            contender.name,
            f"{curve[-1]['words'] / curve[-1]['seconds']:,.0f}",
            f"{100 * max(entry['score'] for entry in curve):.1f}",
            f"{reached[0]:.0f}" if reached else "never",
            f"{curve[-1]['seconds']:.0f}",
            f"{result['peak']:,.0f}",
        )
    return shown


def one(contender: Contender, seed: int, corpora: Path) -> dict[str, Any]:
    """Train once; return the curve (step, words, score, processor seconds) and the peak memory."""
    from spacy.util import registry

    curve: list[dict[str, float]] = []
    registry.loggers.register("bench.clock.v1", func=lambda: clock(curve))
    text = (ROOT / "configs/training/minilm.cfg").read_text(encoding="utf-8")
    overrides = {**SHAPE, "system.seed": seed, **contender.changes}
    with TemporaryDirectory() as out:
        train = stock if contender.loop == "stock" else ours
        _, figures = timed(lambda: train(text, overrides, corpora, Path(out)))
    return {"curve": curve, "peak": figures["peak"]}


def clock(curve: list[dict[str, float]]) -> Callable[..., Any]:
    """A spaCy logger that notes processor seconds at each evaluation and prints nothing."""

    def setup(*_: object) -> tuple[Callable[[dict[str, Any] | None], None], Callable[[], None]]:
        started = time.process_time()

        def log(info: dict[str, Any] | None) -> None:
            if info:
                entry = {name: info[name] for name in ("step", "words", "score")}
                curve.append({**entry, "seconds": time.process_time() - started})

        return log, lambda: None

    return setup


def stock(text: str, overrides: dict[str, Any], corpora: Path, out: Path) -> None:
    """What `python -m spacy train` does after it has read its arguments."""
    from spacy.training.initialize import init_nlp
    from spacy.training.loop import train
    from thinc.api import Config

    from components.train.base_weights import find_all, localised

    config = nested(Config().from_str(text, interpolate=False), overrides)
    config = localised(config, find_all(config))
    config["paths"].update(train=str(corpora / "train"), dev=str(corpora / "dev"))
    with (out / "stdout").open("w", encoding="utf-8") as stdout:
        train(init_nlp(config), out, stdout=stdout)


def ours(text: str, overrides: dict[str, Any], corpora: Path, out: Path) -> None:
    """What the train stage does."""
    from thinc.api import Config

    from components.train.run import train_pipeline
    from components.train.settings import TrainSettings

    labels = json.loads((corpora / "labels.json").read_text(encoding="utf-8"))
    train_pipeline(
        task="ner",
        train_corpus=corpora / "train",
        dev_corpus=corpora / "dev",
        labels=labels,
        config_text=nested(Config().from_str(text, interpolate=False), overrides).to_str(
            interpolate=False
        ),
        overrides={},
        code="",
        champion=None,
        settings=TrainSettings(),
        model=out / "model",
        log=out / "log",
        checkpoints=None,
    )


def nested(config: Any, overrides: dict[str, Any]) -> Any:
    """Set dotted keys, whole sections too, which spaCy's own overrides can't."""
    for key, value in overrides.items():
        *sections, last = key.split(".")
        place = config
        for section in sections:
            place = place[section]
        place[last] = value
    return config


def write_corpora(folder: Path) -> str:
    """Write train and dev corpora with their manifests; return a line that says what they are."""
    from spacy.tokens import DocBin

    from components.train.checkpoint import sha256

    sides = dict(zip(("train", "dev"), documents(), strict=True))
    labels = {ent.label_ for docs in sides.values() for doc in docs for ent in doc.ents}
    (folder / "labels.json").write_text(json.dumps(sorted(labels)), encoding="utf-8")
    for side, docs in sides.items():
        shard = folder / side / "000000.spacy"
        shard.parent.mkdir()
        DocBin(docs=docs).to_disk(shard)
        entry = {"file": shard.name, "sha256": sha256(shard), "documents": len(docs)}
        (shard.parent / "manifest.json").write_text(json.dumps({"shards": [entry]}), "utf-8")
    words = {side: sum(map(len, docs)) for side, docs in sides.items()}
    origin = "re3d and wnut17" if DATA.is_dir() else "the sample, and pages made of it"
    return f"{len(sides['train']):,} documents ({words['train']:,} words) of {origin}"


def documents() -> tuple[list[Any], list[Any]]:
    """Documents of mixed lengths for train and dev."""
    import spacy

    nlp = spacy.blank("en")
    if DATA.is_dir():
        train = [*read(nlp, DATA / "re3d/train.jsonl"), *read(nlp, DATA / "wnut17/train.jsonl")]
        dev = [*read(nlp, DATA / "re3d/dev.jsonl"), *read(nlp, DATA / "wnut17/dev.jsonl")]
        return train[:1200], dev[:150]
    from spacy.tokens import Doc

    docs = [doc for n in (1, 2) for doc in read(nlp, ROOT / f"configs/sample/phase{n}.jsonl")]
    pages = [Doc.from_docs(docs[start : start + 12]) for start in range(0, len(docs), 24)]
    docs = [doc for doc in [*docs, *pages] if doc is not None]
    return docs[::2] + docs[1::4], docs[3::4]


def read(nlp: Any, path: Path) -> Iterator[Any]:
    """The accepted rows of a Prodigy export, as far as their spans lie on tokens."""
    from spacy.util import filter_spans

    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        if "text" in row and row.get("answer", "accept") == "accept":
            doc = nlp.make_doc(row["text"])
            spans = [doc.char_span(s["start"], s["end"], s["label"]) for s in row.get("spans", [])]
            doc.set_ents(filter_spans(span for span in spans if span is not None))
            if len(doc):
                yield doc


if __name__ == "__main__":
    main()
