"""How fast training is, beside `spacy train` and transformers' Trainer: same documents, weights.

    python -m bench.train [--seeds N] [--steps N] [--arms NAME …]
    python -m bench.train --speed        # what each part of our loop buys, in words per second

The model is MiniLM cut to its first two layers, so that a run takes minutes on one core. Each run
is a process of its own, timed in processor seconds from the initialised pipeline on, evaluation
included. What has run is kept in build/bench/train/ and is not run again: remove it to start anew.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.run import alone
from bench.train.ablation import PARTS
from bench.train.arms import ARMS, EXACT, PADDED, STEPS, Arm, run
from bench.train.data import ROOT, write_corpora

KEPT = ROOT / "build" / "bench" / "train"
SECTIONS = ("tokenisation", "forward", "backward", "head", "optimiser", "evaluation", "rest")
FASTEST = ARMS["retrain, minilm-tokens"]
ABLATION = [
    FASTEST,
    *(replace(FASTEST, name=f"without {part}", without=(part,)) for part in PARTS),
    replace(FASTEST, name="without bfloat16", changes={**FASTEST.changes, **EXACT}),
    replace(FASTEST, name="without batches by pieces", changes={**FASTEST.changes, **PADDED}),
    replace(FASTEST, name="without both", changes={**FASTEST.changes, **EXACT, **PADDED}),
    ARMS["retrain, minilm-fast"],
]


def main() -> None:
    """Run what is wanted and has not been run yet, and print the tables."""
    if sys.argv[1:2] == ["--one"]:
        wanted = json.loads(sys.argv[2])
        arm = Arm(**{**wanted["arm"], "without": tuple(wanted["arm"]["without"])})
        print(json.dumps(run(arm, wanted["seed"], KEPT, wanted["changes"])))
        return
    parser = argparse.ArgumentParser(prog="bench.train")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--arms", nargs="*", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--speed", action="store_true", help="the ablation, in 40 steps")
    args = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    arms = ABLATION if args.speed else [ARMS[name] for name in args.arms]
    steps = 40 if args.speed else args.steps
    title = corpora()
    results: dict[str, list[dict[str, Any]]] = {arm.name: [] for arm in arms}
    for seed in range(args.seeds):
        for arm in arms:
            results[arm.name].append(figures(arm, seed, steps))
    console = Console(width=160)
    console.print(comparison(f"{title}; {steps} steps, {args.seeds} seeds", results))
    console.print(fractions(results))


def corpora() -> str:
    """Write the corpora unless they are there; return what they are."""
    about = KEPT / "about.txt"
    if not about.is_file():
        KEPT.mkdir(parents=True, exist_ok=True)
        about.write_text(write_corpora(KEPT), encoding="utf-8")
    return about.read_text(encoding="utf-8")


def figures(arm: Arm, seed: int, steps: int) -> dict[str, Any]:
    """The figures of one run: those that are kept, or new ones."""
    path = KEPT / f"{arm.name} {steps} {seed}.json".replace(" ", "-")
    if not path.is_file():
        changes = {
            "training.max_steps": steps,
            "training.optimizer.learn_rate.total_steps": steps,
        }
        wanted = {"arm": vars(arm), "seed": seed, "changes": changes}
        made = alone("bench.train", json.dumps(wanted))
        path.write_text(json.dumps(made), encoding="utf-8")
        print(path.name, summary(made), file=sys.stderr, flush=True)
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return result


def summary(result: dict[str, Any]) -> str:
    """One run in a line."""
    last = result["curve"][-1]
    best = max(entry["score"] for entry in result["curve"])
    return f"{last['words'] / last['seconds']:,.0f} words/s, F {best:.3f}, {result['peak']:.0f} MiB"


def comparison(title: str, results: dict[str, list[dict[str, Any]]]) -> Table:
    """Speed, quality and memory of each arm; the first is what the others are compared with."""
    first = next(iter(results.values()))
    goals = [max(entry["score"] for entry in run["curve"]) for run in first]
    shown = Table(title=title)
    columns = ("words/s", "times", "best dev F", "s to the first's best F", "s", "MiB", "at start")
    for column in ("", *columns):
        shown.add_column(column, justify="left" if not column else "right")
    base = statistics.mean(map(speed, first))
    for name, runs in results.items():
        best = [100 * max(entry["score"] for entry in run["curve"]) for run in runs]
        reached = [seconds_to(run, goal) for run, goal in zip(runs, goals, strict=True)]
        shown.add_row(
            name,
            f"{statistics.mean(map(speed, runs)):,.0f}",
            f"{statistics.mean(map(speed, runs)) / base:.2f}",
            f"{statistics.mean(best):.1f} ± {statistics.pstdev(best):.1f}",
            "never" if None in reached else f"{statistics.mean(filter(None, reached)):.0f}",
            f"{statistics.mean(run['seconds'] for run in runs):.0f}",
            f"{max(run['peak'] for run in runs):,.0f}",
            f"{max(run['initial'] for run in runs):,.0f}",
        )
    return shown


def speed(result: dict[str, Any]) -> float:
    """Words trained on per processor second, evaluation included."""
    last = result["curve"][-1]
    return float(last["words"] / last["seconds"])


def seconds_to(result: dict[str, Any], goal: float) -> float | None:
    """Processor seconds until a score was reached."""
    return next((e["seconds"] for e in result["curve"] if e["score"] >= goal), None)


def fractions(results: dict[str, list[dict[str, Any]]]) -> Table:
    """What the time of the first seed went into, in microseconds a word."""
    shown = Table(title="Processor microseconds per word trained on")
    for column in ("", *SECTIONS):
        shown.add_column(column, justify="left" if not column else "right")
    for name, runs in results.items():
        words = runs[0]["curve"][-1]["words"]
        per_word = 1e6 * runs[0]["seconds"] / words
        shown.add_row(name, *(f"{per_word * runs[0]['fractions'].get(s, 0):.0f}" for s in SECTIONS))
    return shown


if __name__ == "__main__":
    main()
