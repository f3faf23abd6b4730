"""Run each contender in a process of its own, and write down what it took."""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.stages import CONFIGS
from components.base_models import KNOWN
from pipelines.config.languages import HEAD_RATE, NAME

KIBIBYTES = 1024  # in a mebibyte; ru_maxrss is in KiB
ONE_THREAD = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
Figures = dict[str, Any]
Arm = dict[str, Any]


def every_seed(
    module: str,
    description: str | None,
    arms: Iterable[str],
    measured: Callable[[Path, str, int], Figures],
) -> dict[str, list[Figures]]:
    """What `python -m MODULE FOLDER [--seeds 3]` does: every arm with every seed.

    Args:
        measured: the figures of an arm and a seed, on the data of a folder; called in a process
            of its own.

    Returns:
        by arm, the figures of each seed.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("ARM", "SEED"))
    args = parser.parse_args()
    if args.one:
        arm, number = args.one
        print(json.dumps(measured(args.folder, arm, int(number))))
        sys.exit()
    os.environ |= ONE_THREAD
    figures: dict[str, list[Figures]] = {arm: [] for arm in arms}
    for seed in range(args.seeds):
        for arm, collected in figures.items():
            collected.append(one := alone(module, arm, seed, args.folder))
            shown = "  ".join(f"{name} {value:.4g}" for name, value in one.items())
            print(f"seed {seed}  {arm:10}{shown}", flush=True)
    return figures


def every_arm(
    module: str,
    description: str | None,
    arms: Mapping[str, Arm],
    measured: Callable[[Path, str, Arm, int], Figures],
    *,
    language: str,
    kept: Path | None = None,
) -> None:
    """What `python -m MODULE FOLDER [--language L] [--base B] [--seeds 3] [--arms ARM …]` does.

    Base weights, by their name on the hub, take the place of those that an arm's config names.
    `--documents N` is for the modules that read it of an arm: so many to learn from.

    Args:
        measured: the figures of a language's data, an arm and a seed: `seconds`, `steps`, `f`, `p`,
            `r` and perhaps `dev`; called in a process of its own.
        kept: where figures are kept; what is there is not measured again.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--language", default=language)
    parser.add_argument("--base", default="")
    parser.add_argument("--documents", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--arms", nargs="+", default=list(arms), choices=list(arms))
    parser.add_argument("--one", nargs=2, metavar=("ARM", "SEED"))
    args = parser.parse_args()
    if args.one:
        arm, number = args.one
        chosen = {**with_base(arms[arm], args.base), "documents": args.documents}
        print(json.dumps(measured(args.folder, args.language, chosen, int(number))))
        return
    os.environ |= ONE_THREAD
    for arm in args.arms:
        figures = []
        for seed in range(args.seeds):
            base = f"{args.base.replace('/', '--')} " if args.base else ""
            size = f"{args.documents} " if args.documents else ""
            name = f"{args.folder.name} {arm} {base}{size}{seed}.json".replace(" ", "-")
            file = kept / name if kept else None
            words = [module, arm, seed, args.folder, "--language", args.language]
            words += ["--base", args.base] if args.base else []
            words += ["--documents", args.documents] if args.documents else []
            figures.append(one := kept_or_new(file, *words))
            scores = "  ".join(
                f"{n.upper()} {one[n]:.4f}"
                for n in ("f", "p", "r", "dev", "by the book f", "mean f", "mean dev", "last f")
                if n in one
            )
            print(
                f"{arm:40} seed {seed}  {one['seconds']:6.0f} s  {one['steps']:6} steps  {scores}",
                flush=True,
            )
        each = [100 * one["f"] for one in figures]
        spread = statistics.stdev(each) if len(each) > 1 else 0.0
        seconds = statistics.mean(one["seconds"] for one in figures)
        print(
            f"{arm:40} mean  {seconds:8.0f} s  F {statistics.mean(each):.1f} ± {spread:.1f}",
            flush=True,
        )


def with_base(arm: Arm, base: str) -> Arm:
    """An arm that begins on other weights, as `language` takes them; spaCy's own has none."""
    if not base or "config" not in arm:
        return arm
    text = (CONFIGS / f"{arm['config']}.cfg").read_text(encoding="utf-8")
    known = KNOWN.get(base)
    fitting = known and known.head_rate and "\nhead_rate = " in text
    rate = {HEAD_RATE: known.head_rate} if known and fitting else {}
    return {**arm, "set": {NAME: base, **rate, **arm.get("set", {})}}


def kept_or_new(file: Path | None, module: str, *arguments: object) -> Figures:
    """The figures that a file keeps, or those of a process of its own, which it then keeps."""
    if file and file.is_file():
        kept: Figures = json.loads(file.read_text(encoding="utf-8"))
        return kept
    made = alone(module, *arguments)
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(made), encoding="utf-8")
    return made


def alone(module: str, *arguments: object) -> dict[str, Any]:
    """Run `python -m MODULE --one ARGUMENTS` and return the figures that it prints."""
    command = [sys.executable, "-m", module, "--one", *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Do the work; return its result, processor seconds, wall seconds and peak memory in MiB."""
    before = time.process_time()
    started = time.perf_counter()
    result = work()
    return result, {
        "seconds": time.process_time() - before,
        "wall": time.perf_counter() - started,
        "peak": peak_memory(),
    }


def peak_memory() -> float:
    """The most memory that this process has had so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIBIBYTES
