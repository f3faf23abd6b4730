"""Prove training on this machine's GPU in one call: speed, memory, checkpoint and resume.

    python scripts/gpu_check.py [--steps 300] [--memory-gb 16] [--tiny]

Trains a transformer of roberta-base's shape with random weights on the sample, with the settings
of roberta-fast.cfg, in a process that may use no more GPU memory than a T4 has: once in one go, and
once killed at a checkpoint and resumed. Then it loads the model and evaluates it, and trains MiniLM
with its real weights in mixed precision, which must learn the sample. Under eight minutes on a GPU.
Prints a table; exits with 1 if a check fails. `--tiny` makes the transformers small and learns
nothing, for a try without a GPU.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
import spacy
import torch
from rich.console import Console
from rich.table import Table
from spacy.tokens import DocBin
from spacy.training import Corpus
from thinc.api import prefer_gpu

from components.__main__ import main as run_stage
from components.train.snapshot import nodes, weights
from pipelines.config.shipped import shipped_config

ROOT = Path(__file__).parents[1]
NAME = "random/roberta"
SHAPES = {
    False: {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12},
    True: {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2},
}
# What a resumed run may differ by on a GPU, whose sums depend on the order of threads.
WEIGHT_TOLERANCE, SCORE_TOLERANCE = 1e-3, 0.001
MINILM = {
    "components.transformer.model.mixed_precision": True,
    "components.transformer.model.grad_scaler_config": {"init_scale": 32768.0},
}
TINY_MINILM = {"components.transformer.model.name": NAME, "training.max_steps": 10}
LEARNT = 0.95  # F on dev that MiniLM reaches on the sample in 120 steps
LONGEST = 480.0  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--memory-gb", type=float, default=16.0)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--worker", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        sys.exit(worker(args.memory_gb, args.worker))
    started = time.monotonic()
    with TemporaryDirectory() as folder:
        rows = check(Path(folder), args.steps, args.memory_gb, args.tiny)
    passed = time.monotonic() - started
    rows.append(("all of it", f"{passed:.0f} s", passed < LONGEST or not torch.cuda.is_available()))
    table = Table("check", "result", "", title=device())
    for name, result, passed in rows:
        table.add_row(name, result, "ok" if passed else "FAILED")
    Console().print(table)
    sys.exit(0 if all(passed for _, _, passed in rows) else 1)


def device() -> str:
    """The accelerator and the versions that meet on it."""
    where = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU: CPU path"
    return f"{where}; torch {torch.__version__}, CUDA {torch.version.cuda}"


def worker(memory_gb: float, arguments: list[str]) -> int:
    """Run the train stage with a limit on GPU memory; say at the end how much it used."""
    if torch.cuda.is_available():
        whole = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, memory_gb * 2**30 / whole))
    code = run_stage(arguments)
    if torch.cuda.is_available():
        print(f"peak GPU memory: {torch.cuda.max_memory_reserved() / 2**30:.1f} GiB")
    return code


def check(folder: Path, steps: int, memory_gb: float, tiny: bool) -> list[tuple[str, str, bool]]:
    """Run everything; return (check, result, passed)."""
    write_weights(folder / "base" / NAME.replace("/", "--"), tiny)
    labels = write_corpora(folder)
    run = Run(folder, labels, steps, memory_gb)
    whole = run.start("whole", roberta(steps))
    output = whole.communicate()[0]
    rows = [("trains", tail(output), whole.returncode == 0)]
    if whole.returncode:
        return rows
    killed = run.start("resumed", roberta(steps))
    wait_for_checkpoint(killed, folder / "resumed-checkpoints")
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    resumed = run.start("resumed", roberta(steps))
    output = resumed.communicate()[0]
    rows.append(("resumes after SIGKILL", tail(output), "Resumed after step" in output))
    if resumed.returncode:
        return rows
    last = [json.loads(lines(folder / f"{name}-log")[-1]) for name in ("whole", "resumed")]
    apart = abs(last[0]["f"] - last[1]["f"])
    rows.append(
        ("score of both", f"{last[0]['f']:.4f}, {apart:.4f} apart", apart <= SCORE_TOLERANCE)
    )
    apart = distance(folder / "whole", folder / "resumed")
    rows.append(("weights of both", f"at most {apart:.1e} apart", apart <= WEIGHT_TOLERANCE))
    rows.append(("training", f"{last[0]['words_per_second']:,} words/s", True))
    fraction = last[0]["evaluation_seconds"] / last[0]["seconds"]
    rows.append(("share of evaluation", f"{fraction:.1%}", True))
    rows.append(("evaluation of the saved model", f"{evaluate(folder):,.0f} words/s", True))
    small = run.start("minilm", MINILM | (TINY_MINILM if tiny else {}), config="minilm")
    output = small.communicate()[0]
    if small.returncode:
        return [*rows, ("MiniLM in mixed precision", tail(output), False)]
    last = [json.loads(line) for line in lines(folder / "minilm-log")]
    best = max(entry["f"] for entry in last)
    result = f"F {best:.4f}, {last[-1]['words_per_second']:,} words/s, {mixed(output)}"
    return [*rows, ("MiniLM in mixed precision", result, tiny or best >= LEARNT)]


def roberta(steps: int) -> dict[str, Any]:
    """What a run changes in roberta-fast.cfg."""
    return {
        "components.transformer.model.name": NAME,
        "components.transformer.model.mixed_precision": torch.cuda.is_available(),
        "training.max_steps": steps,
        "training.eval_frequency": max(1, steps // 5),
    }


def mixed(output: str) -> str:
    """The number format that training says it took."""
    said = [line for line in output.splitlines() if line.startswith("Mixed precision: ")]
    return said[0].partition(": ")[2] if said else "no mixed precision"


@dataclass(frozen=True)
class Run:
    """Runs of the train stage on the same corpora."""

    folder: Path
    labels: list[str]
    steps: int
    memory_gb: float

    def start(
        self, name: str, overrides: dict[str, Any], config: str = "roberta-fast"
    ) -> subprocess.Popen[str]:
        """Start one with checkpoints."""
        folder = self.folder
        every = max(1, self.steps // 10)
        options = {
            "train-corpus": folder / "train",
            "dev-corpus": folder / "dev",
            "tasks": json.dumps([{"name": "ner", "labels": self.labels}]),
            "config": shipped_config(config).read_text(encoding="utf-8"),
            "overrides": json.dumps(overrides),
            "settings": json.dumps({"checkpoint_every": every, "checkpoint_share": 1}),
            "checkpoints": folder / f"{name}-checkpoints",
            "model": folder / name,
            "log": folder / f"{name}-log",
        }
        stage = ["train", *(f"--{option}={value}" for option, value in options.items())]
        limit = ["--memory-gb", str(self.memory_gb)]
        return subprocess.Popen(
            [sys.executable, "-m", "scripts.gpu_check", *limit, "--worker", *stage],
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "RETRAIN_BASE_MODELS": str(folder / "base"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )


def wait_for_checkpoint(process: subprocess.Popen[str], checkpoints: Path) -> None:
    """Wait until a run has written a checkpoint, or has ended."""
    while process.poll() is None and not list(checkpoints.glob("*/LATEST")):
        time.sleep(0.05)


def write_weights(folder: Path, tiny: bool) -> None:
    """A random transformer of roberta-base's shape, with a tokeniser learnt from the sample."""
    import tokenizers  # type: ignore[import-untyped]
    import transformers

    hf: Any = transformers

    folder.mkdir(parents=True)
    tokenizer = cast(Any, tokenizers).ByteLevelBPETokenizer(add_prefix_space=True)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    texts = [doc.text for doc in documents()]
    tokenizer.train_from_iterator(texts, vocab_size=50265, special_tokens=special)
    tokenizer.save_model(str(folder))
    hf.RobertaTokenizerFast.from_pretrained(folder, model_max_length=512).save_pretrained(folder)
    shape: dict[str, Any] = dict(SHAPES[tiny])
    config = hf.RobertaConfig(
        vocab_size=tokenizer.get_vocab_size() if tiny else 50265,
        intermediate_size=4 * shape["hidden_size"],
        max_position_embeddings=514,
        type_vocab_size=1,
        **shape,
    )
    hf.RobertaModel(config).save_pretrained(folder)


def documents() -> list[Any]:
    """The accepted documents of the first phase of the sample."""
    nlp = spacy.blank("en")
    docs = []
    for line in lines(ROOT / "configs/sample", "phase1.jsonl"):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        if row["answer"] == "accept" and "_task_hash" in row:
            doc = nlp.make_doc(row["text"])
            spans = [doc.char_span(s["start"], s["end"], s["label"]) for s in row.get("spans", [])]
            doc.set_ents(cast(Any, spans))
            docs.append(doc)
    return docs


def write_corpora(folder: Path) -> list[str]:
    """Write a train and a dev corpus as `convert` does; return their labels."""
    docs = documents()
    for split, part in (("train", docs[100:]), ("dev", docs[:100])):
        data = DocBin(docs=part).to_bytes()
        (folder / split).mkdir()
        (folder / split / "000000.spacy").write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        shard = {"file": "000000.spacy", "sha256": digest, "documents": len(part)}
        (folder / split / "manifest.json").write_text(json.dumps({"shards": [shard]}), "utf-8")
    return sorted({ent.label_ for doc in docs for ent in doc.ents})


def distance(one: Path, other: Path) -> float:
    """Largest difference between the weights of two saved pipelines."""
    pipelines = [
        [value for _, node in nodes(spacy.load(model)) for _, value in weights(node)]
        for model in (one, other)
    ]
    return max(float(np.abs(a - b).max(initial=0)) for a, b in zip(*pipelines, strict=True))


def evaluate(folder: Path) -> float:
    """Words per second of spaCy's own evaluation of the saved model."""
    prefer_gpu()
    nlp = spacy.load(folder / "whole")
    examples = list(Corpus(folder / "dev")(nlp))
    started = time.perf_counter()
    nlp.evaluate(examples)
    return sum(len(example.predicted) for example in examples) / (time.perf_counter() - started)


def lines(folder: Path, name: str = "history.jsonl") -> list[str]:
    """The lines of a file."""
    return (folder / name).read_text(encoding="utf-8").splitlines()


def tail(output: str) -> str:
    """The last line of what a process printed."""
    return (output.strip().splitlines() or ["nothing printed"])[-1].strip()


if __name__ == "__main__":
    main()
