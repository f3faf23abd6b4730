"""Load test of the model server against the plainest server of the same model, in one run.

    .venv/bin/python bench/serve.py MODEL [--clients 32] [--seconds 20] [--texts FILE.jsonl]

MODEL is a folder with a spaCy pipeline. The other server is uvicorn calling nlp(text) for each
request. Both answer the same texts, one after the other, with the same clients; a request fails
the run when its answer differs from what nlp(text) says.
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
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--texts", type=Path, default=ROOT / "configs/sample/phase1.jsonl")
    args = parser.parse_args()
    texts = read_texts(args.texts)
    expected = [entities(doc) for doc in spacy.load(args.model).pipe(texts)]
    print(f"{len(texts)} texts of {statistics.mean(map(len, texts)):.0f} characters, ", end="")
    print(f"{args.clients} clients, {args.seconds:g} s each, {os.cpu_count()} cores")
    port = free_port()
    plain = [sys.executable, "-c", PLAIN, str(args.model), str(port)]
    ours = [sys.executable, "-m", "containers.serve", f"--model=model={args.model}"]
    for name, command in (("plain uvicorn", plain), ("retrain", ours)):
        measured = measure(command, port, args.clients, args.seconds, texts, expected)
        print(f"{name:>14}: {measured}", flush=True)


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
    port: int,
    clients: int,
    seconds: float,
    texts: list[str],
    expected: list[list[tuple[str, int, int]]],
) -> str:
    """Start a server, load it, stop it; return throughput and latencies as a line."""
    environment = {**os.environ, "AIP_HTTP_PORT": str(port), "RETRAIN_SERVE_DRAIN": "0"}
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        took = asyncio.run(load(f"http://127.0.0.1:{port}", clients, seconds, texts, expected))
    finally:
        server.terminate()
        server.wait()
    percentiles = statistics.quantiles(took, n=100)
    return (
        f"{len(took) / seconds:7.1f} texts/s, p50 {percentiles[49] * 1000:6.0f} ms, "
        f"p99 {percentiles[98] * 1000:6.0f} ms, {len(took)} answers, all right"
    )


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
        await until_ready(session, url)

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


async def until_ready(session: aiohttp.ClientSession, url: str) -> None:
    """Wait until a server answers its health check."""
    while True:
        try:
            async with session.get(f"{url}/health") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientConnectionError:
            pass
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    main()
