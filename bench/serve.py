"""Load test of the model server against the plainest server of the same model, in one run.

    .venv/bin/python bench/serve.py MODEL [--clients 8 32 128] [--seconds 20] [--rounds 1]
        [--texts FILE.jsonl] [--beside CHECKOUT]

MODEL is a folder with a spaCy pipeline. The other server is uvicorn calling nlp(text) for each
request, or this server as another checkout has it. They answer the same texts, in turns, with the
same clients; a request fails the run when its answer differs from what nlp(text) says. Linux only:
a server's processor time is read from /proc, from when it is ready until its last answer.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import aiohttp
import spacy

ROOT = Path(__file__).parents[1]
PLAIN = """
import sys, fastapi, spacy, uvicorn
nlp, app = spacy.load(sys.argv[1]), fastapi.FastAPI()

@app.get("/health")
async def health(): return {}

@app.post("/predict")
async def predict(body: dict):
    docs = [nlp(text) for text in body["instances"]]
    return {"predictions": [{"entities": [
        {"text": e.text, "label": e.label_, "start": e.start_char, "end": e.end_char}
        for e in doc.ents]} for doc in docs]}

uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), access_log=False, log_level="warning")
"""


def main() -> None:
    """Measure both servers and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--clients", type=int, nargs="+", default=[32])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--texts", type=Path, default=ROOT / "configs/sample/phase1.jsonl")
    parser.add_argument("--beside", type=Path, help="another checkout, in place of the plain one")
    args = parser.parse_args()
    texts = read_texts(args.texts)
    expected = [entities(doc) for doc in spacy.load(args.model).pipe(texts)]
    print(f"{len(texts)} texts of {statistics.mean(map(len, texts)):.0f} characters, ", end="")
    print(f"{args.rounds} x {args.seconds:g} s each, {os.cpu_count()} cores")
    port = free_port()
    server = [sys.executable, "-m", "containers.serve", f"--model=model={args.model}"]
    plain = [sys.executable, "-c", PLAIN, str(args.model), str(port)]
    other = ("beside", server, args.beside) if args.beside else ("plain uvicorn", plain, ROOT)
    for clients in args.clients:
        took: dict[str, list[float]] = {}
        worked: dict[str, float] = defaultdict(float)
        for _ in range(args.rounds):
            for name, command, folder in (other, ("retrain", server, ROOT)):
                answers, busy = measure(
                    command, folder, port, clients, args.seconds, texts, expected
                )
                took.setdefault(name, []).extend(answers)
                worked[name] += busy
        for name, answers in took.items():
            speed = len(answers) / args.seconds / args.rounds
            each = f"{worked[name] / len(answers) * 1000:.1f} ms of processor time each"
            print(f"{clients:4} clients, {name:>14}: {speed:7.1f} texts/s, {each}, {line(answers)}")
        ratio = len(took["retrain"]) / len(took[other[0]])
        print(f"{clients:4} clients: {ratio:.2f} times as many as {other[0]}", flush=True)


def line(took: list[float]) -> str:
    """How long answers took."""
    percentiles = statistics.quantiles(took, n=100)
    return (
        f"p50 {percentiles[49] * 1000:6.0f} ms, p99 {percentiles[98] * 1000:6.0f} ms, "
        f"{len(took)} answers, all right"
    )


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def read_texts(path: Path) -> list[str]:
    """The texts of a JSON Lines file; lines that are no JSON are left out."""
    texts = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            texts.append(str(json.loads(line)["text"]))
        except (ValueError, KeyError, TypeError):
            continue
    return [text for text in texts if text.strip()]


def entities(doc: Any) -> list[tuple[str, int, int]]:
    """What an answer must say about a text."""
    return [(span.label_, span.start_char, span.end_char) for span in doc.ents]


def measure(
    command: list[str],
    folder: Path,
    port: int,
    clients: int,
    seconds: float,
    texts: list[str],
    expected: list[list[tuple[str, int, int]]],
) -> tuple[list[float], float]:
    """Start a server in a checkout, load it, stop it.

    Returns:
        how long each answer took, and the server's processor time for all, in seconds.
    """
    environment = {
        **os.environ,
        "AIP_HTTP_PORT": str(port),
        "RETRAIN_SERVE_DRAIN": "0",
        "PYTHONPATH": str(folder),
    }
    server = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        asyncio.run(until_ready(url))
        before = processor_seconds(server.pid)
        took = asyncio.run(load(url, clients, seconds, texts, expected))
        return took, processor_seconds(server.pid) - before
    finally:
        server.terminate()
        server.wait()


async def load(
    url: str,
    clients: int,
    seconds: float,
    texts: list[str],
    expected: list[list[tuple[str, int, int]]],
) -> list[float]:
    """Ask from many clients at once, each a text at a time; return how long each answer took."""
    took: list[float] = []
    numbers = itertools.count()
    connections = aiohttp.TCPConnector(limit=clients)
    async with aiohttp.ClientSession(connector=connections) as session:

        async def client(until: float) -> None:
            while (started := time.perf_counter()) < until:
                number = next(numbers) % len(texts)
                body = {"instances": [texts[number]]}
                async with session.post(f"{url}/predict", json=body) as answer:
                    [prediction] = (await answer.json())["predictions"]
                took.append(time.perf_counter() - started)
                said = [(e["label"], e["start"], e["end"]) for e in prediction["entities"]]
                assert said == expected[number], texts[number]

        until = time.perf_counter() + seconds
        await asyncio.gather(*(client(until) for _ in range(clients)))
    return took


async def until_ready(url: str) -> None:
    """Wait until a server answers its health check."""
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"{url}/health") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.1)


def processor_seconds(process: int) -> float:
    """What a process has worked, in its own code and in the kernel's."""
    status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    ticks = status.rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
