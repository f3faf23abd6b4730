"""`retrain predict` beside `nlp.pipe` on texts sorted by length, each in a process of its own.

    python -m bench.predict MODEL [--words 200000] [--rounds 1] [--large 10000000]

MODEL is a folder with a spaCy pipeline, such as models/ner-letters/1/model. The texts are those of
bench/documents.py (or of --texts FILE.jsonl, repeated), so many words. Both get the same texts in
the same order and load the model; `nlp.pipe` sorts them all, in batches of 128, and throws away
what it finds.
Processor seconds and the clock are printed, and peak memory. With --large, `retrain predict` alone
predicts so many words more, to show that its memory stays flat.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

PLAIN = "nlp.pipe, sorted"
ARMS = ("retrain predict", "retrain predict --no-confidence", PLAIN)


def main() -> None:
    """Measure each arm and print a table."""
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(one(*sys.argv[2:])))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--words", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--large", type=int, default=0)
    parser.add_argument("--texts", type=Path)
    args = parser.parse_args()
    with TemporaryDirectory() as folder:
        pool = Path(folder) / "pool.jsonl"
        words = write(pool, args.words, args.texts)
        best: dict[str, dict[str, float]] = {}
        for _ in range(args.rounds):
            for arm in ARMS:
                measured = process(arm, args.model, pool)
                if arm not in best or measured["cpu"] < best[arm]["cpu"]:
                    best[arm] = measured
        for arm, measured in best.items():
            print_row(arm, words, measured, best[PLAIN])
        if args.large:
            words = write(pool, args.large, args.texts)
            print_row("the large one", words, process(ARMS[1], args.model, pool), None)


def write(pool: Path, words: int, texts: Path | None) -> int:
    """Write texts with at least so many words between spaces; return how many."""
    count = 0
    with pool.open("w", encoding="utf-8") as lines:
        for text in texts_of(texts):
            lines.write(json.dumps({"text": text}) + "\n")
            count += len(text.split())
            if count >= words:
                break
    return count


def texts_of(path: Path | None) -> Iterator[str]:
    """Texts without end."""
    if path:
        rows = path.read_text(encoding="utf-8").splitlines()
        yield from cycle([str(json.loads(row)["text"]) for row in rows])
    from bench.documents import records

    yield from (record.text for record in records(10**7))


def process(arm: str, model: Path, pool: Path) -> dict[str, float]:
    """Run one arm in a process of its own."""
    command = [sys.executable, "-m", "bench.predict", "--one", arm, str(model), str(pool)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return measured


def one(arm: str, model: str, pool: str) -> dict[str, float]:
    """Predict in this process; imports are before the clock, the loading of the model is not."""
    from components.answers.models import Source, load
    from components.custom_code import load_model

    load([Source("warm", Path(model))]).analyse(["Warm."], _question())
    started, cpu = time.perf_counter(), time.process_time()
    if arm == PLAIN:
        plain(load_model(Path(model)), pool)
    else:
        ours(model, pool, confidence=arm == ARMS[0])
    return {
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - cpu,
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _question() -> Any:
    from components.answers.models import Question

    return Question(("warm",), confidence=True)


def plain(nlp: Any, pool: str) -> None:
    """What one would write: all texts, sorted, through the pipeline."""
    rows = Path(pool).read_text(encoding="utf-8").splitlines()
    texts = sorted((json.loads(row)["text"] for row in rows), key=len)
    for _ in nlp.pipe(texts, batch_size=128):
        pass


def ours(model: str, pool: str, *, confidence: bool) -> None:
    """The command's own work, written to the disk."""
    import retrain

    output = Path(pool).with_name(f"out-{os.getpid()}.jsonl")
    retrain.predict_files(model, [pool], output, confidence=confidence)
    output.unlink()


def print_row(
    arm: str, words: int, measured: dict[str, float], beside: dict[str, float] | None
) -> None:
    """Say what an arm took, and how many times as fast as the other it is."""
    ratio = f", {beside['cpu'] / measured['cpu']:.2f} times {PLAIN}" if beside else ""
    print(
        f"{arm:32} {words:>12,} words, {measured['cpu']:8.1f} processor s, "
        f"{words / measured['cpu']:8,.0f} words per processor s{ratio}, "
        f"{measured['seconds']:.1f} s, peak {measured['mib']:,.0f} MiB",
        flush=True,
    )


if __name__ == "__main__":
    main()
