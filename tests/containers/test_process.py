"""The server as a process: it starts, is asked by many at once, and stops without losing a text."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from components.answers.models import Source, sources_in
from components.errors import ConfigError, DataError
from containers.serve.__main__ import main
from containers.serve.options import Options, from_environment
from tests.containers.conftest import Running, predict

Start = Callable[..., Running]
PLACES = ["London", "nowhere", "form P60", "£5"]


def text_number(number: int) -> str:
    return f"Letter {number} about {PLACES[number % len(PLACES)]}"


def right(number: int, prediction: dict[str, object]) -> bool:
    place = PLACES[number % len(PLACES)]
    texts = [entity["text"] for entity in prediction["entities"]]  # type: ignore[index,attr-defined]
    return texts == ([] if place == "nowhere" else [place])


def test_batch_prediction_of_a_file_of_10_000_lines(start: Start, tmp_path: Path) -> None:
    """As Vertex AI does it: JSON Lines in, requests of a few instances, JSON Lines out."""
    url = start().until_ready().url
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines = [json.dumps({"text": text_number(n), "meta": {"n": n}}) for n in range(10_000)]
    source.write_text("\n".join(lines), encoding="utf-8")

    instances = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    chunks = [instances[start : start + 64] for start in range(0, len(instances), 64)]
    with httpx2.Client(timeout=60) as client, ThreadPoolExecutor(4) as pool:

        def ask(chunk: list[dict[str, object]]) -> list[dict[str, object]]:
            answer = client.post(f"{url}/predict", json={"instances": chunk})
            answer.raise_for_status()
            predictions: list[dict[str, object]] = answer.json()["predictions"]
            return predictions

        with target.open("w", encoding="utf-8") as out:
            for chunk, predictions in zip(chunks, pool.map(ask, chunks), strict=True):
                for instance, prediction in zip(chunk, predictions, strict=True):
                    line = {"instance": instance, "prediction": prediction}
                    print(json.dumps(line), file=out)

    written = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [line["prediction"]["meta"]["n"] for line in written] == list(range(10_000))
    assert all(right(n, line["prediction"]) for n, line in enumerate(written))


def test_nothing_is_lost_or_wrong_while_a_server_stops_and_another_takes_over(
    start: Start,
) -> None:
    """Clients go where the load balancer sends them: away from a server that is not ready."""
    servers = [start(RETRAIN_SERVE_DRAIN="0.5").until_ready()]
    answered: dict[int, bool] = {}
    numbers = iter(range(10**9))
    lock, stop = threading.Condition(), threading.Event()

    def client() -> None:
        with httpx2.Client(timeout=60) as session:
            while not stop.is_set():
                with lock:
                    number = next(numbers)
                url = servers[-1].url
                answer = session.post(f"{url}/predict", json={"instances": [text_number(number)]})
                ok = answer.status_code == 200 and right(number, answer.json()["predictions"][0])
                with lock:
                    answered[number] = ok
                    lock.notify_all()

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        following = start(RETRAIN_SERVE_DRAIN="0.5").until_ready()
        leaving, before = servers[-1], len(answered)
        with lock:
            assert lock.wait_for(lambda more=before + 50: len(answered) >= more, timeout=600)
        leaving.terminate()
        leaving.wait_for("draining")
        servers.append(following)
        assert leaving.wait() == 0
    stop.set()
    for thread in threads:
        thread.join()
    assert len(answered) > 100
    assert sorted(answered) == list(range(len(answered)))
    assert [number for number, ok in answered.items() if not ok] == []


def test_a_draining_server_says_so_and_finishes_what_it_holds(start: Start) -> None:
    server = start(RETRAIN_SERVE_DRAIN="3600", RETRAIN_SERVE_BATCH_WAIT="1").until_ready()
    with httpx2.Client() as client, ThreadPoolExecutor() as pool:
        held = pool.submit(predict, server.url, "London")  # waits for company
        server.terminate()
        server.wait_for("draining")
        health = client.get(f"{server.url}/health")
        assert (health.status_code, health.json()) == (503, {"status": "draining"})
        late = client.post(f"{server.url}/predict", json={"instances": ["London"]})
        assert (late.status_code, late.headers["Connection"]) == (200, "close")
        server.terminate()  # do not wait for the rest of the hour
        assert [e["text"] for e in held.result()[0]["entities"]] == ["London"]  # type: ignore[attr-defined]
    assert server.wait() == 0


def test_it_serves_what_vertex_names(start: Start, folders: list[Source], tmp_path: Path) -> None:
    """AIP_STORAGE_URI holds one pipeline, or several under a serve.json that gives their order."""
    assert start_and_ask(start, AIP_STORAGE_URI=str(folders[0].folder)) == ["HM Revenue"]
    for source in folders:
        shutil.copytree(source.folder, tmp_path / source.phase)
    write_bundle(tmp_path, ["phase-2", "phase-1"])
    assert start_and_ask(start, AIP_STORAGE_URI=str(tmp_path)) == ["Revenue"]


def test_a_bundle_may_not_reach_out_of_its_folder(tmp_path: Path) -> None:
    write_bundle(tmp_path, ["../elsewhere"])
    with pytest.raises(DataError, match=r"is not below the folder of serve\.json"):
        sources_in(tmp_path)


def write_bundle(folder: Path, phases: list[str]) -> None:
    listed = {"phases": [{"phase": name, "folder": name} for name in phases]}
    (folder / "serve.json").write_text(json.dumps(listed), encoding="utf-8")


def start_and_ask(start: Start, **environment: str) -> list[object]:
    server = start("--host=127.0.0.1", **environment).until_ready()
    [prediction] = predict(server.url, "HM Revenue")
    return [entity["text"] for entity in prediction["entities"]]  # type: ignore[index,attr-defined]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "set AIP_STORAGE_URI"),
        (["--model=phase-1"], 2, "expected PHASE=FOLDER"),
        (["--model=phase-1=/nowhere"], 3, "/nowhere: there is no spaCy pipeline here"),
    ],
)
def test_what_cannot_be_served_is_one_message_and_a_code(
    arguments: list[str],
    code: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIP_HTTP_PORT", "0")
    assert main(["--host=127.0.0.1", *arguments]) == code
    assert message in capsys.readouterr().err


def test_a_disk_that_does_not_give_back_a_model_is_one_message(
    folders: list[Source],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As this one, whose first byte is an error."""
    folder = tmp_path / "model"
    shutil.copytree(folders[0].folder, folder)
    (folder / "vocab/strings.json").unlink()
    (folder / "vocab/strings.json").symlink_to("/proc/self/mem")
    monkeypatch.setenv("AIP_HTTP_PORT", "0")
    assert main(["--host=127.0.0.1", f"--model=phase-1={folder}"]) == 1
    assert f"serve: {folder}: Input/output error" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("RETRAIN_SERVE_MAX_TEXTS", "many"),
        ("RETRAIN_SERVE_MAX_TEXT", "5"),
        ("AIP_HTTP_PORT", "http"),
        ("AIP_HTTP_PORT", "99999"),
        ("AIP_HEALTH_ROUTE", ""),
        ("AIP_PREDICT_ROUTE", "predict"),
        ("RETRAIN_SERVE_MAX_QUEUE", "1"),
    ],
)
def test_a_wrong_option_is_named(
    variable: str, value: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    assert main(["--model=phase-1=/nowhere"]) == 2
    named = "MAX_TEXTS" if variable.endswith("QUEUE") else variable
    assert named in capsys.readouterr().err


def test_the_variables_of_a_service_called_like_the_image_change_nothing() -> None:
    """Kubernetes sets them in every pod beside such a service."""
    links = {
        "RETRAIN_SERVE_SERVICE_HOST": "10.0.0.7",
        "RETRAIN_SERVE_SERVICE_PORT": "8080",
        "RETRAIN_SERVE_SERVICE_PORT_HTTP": "8080",
        "RETRAIN_SERVE_PORT": "tcp://10.0.0.7:8080",
        "RETRAIN_SERVE_PORT_8080_TCP": "tcp://10.0.0.7:8080",
        "RETRAIN_SERVE_PORT_8080_TCP_ADDR": "10.0.0.7",
        "RETRAIN_SERVE_CANARY_PORT": "udp://10.0.0.8:53",
    }
    assert from_environment(links) == Options()
    with pytest.raises(ConfigError, match="RETRAIN_SERVE_PORT: "):
        from_environment({"RETRAIN_SERVE_PORT": "8080"})


def test_a_port_that_is_taken_is_one_message(
    folders: list[Source], start: Start, tmp_path: Path
) -> None:
    port = start().until_ready().url.rpartition(":")[2]
    command = [sys.executable, "-m", "pipelines", "serve", str(folders[0].folder)]
    done = subprocess.run(
        [*command, "--port", port], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"retrain: cannot listen on 127.0.0.1, port {port}: Address already in use. Choose another "
        "port, or end what listens there.\n"
    )
    done = subprocess.run(
        [*command, "--port", "70000"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "65535" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_says_that_it_is_ready_once_it_is(folders: list[Source], tmp_path: Path) -> None:
    command = (sys.executable, "-m", "pipelines", "serve")
    running = Running(str(folders[0].folder), "--port", "0", program=command, cwd=tmp_path)
    running.until_ready()
    predict(running.url, "nowhere")
    running.terminate()
    assert running.wait() == 0
    assert running.noise[0] == "Loading phase-1\n"
    assert running.noise[1] == f"Ready: open {running.url} and paste a text; Ctrl-C ends it.\n"
