"""What `retrain ui` lets one download and, with the token, start."""

from __future__ import annotations

import re
import shutil
import signal
import socket
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import httpx2
import pytest

from pipelines.local.runs import read_record, write_record
from tests.pipelines.ui.conftest import OLD, RUN
from tests.support.site import Ui, model_of, signed_in, text_of, until

pytestmark = pytest.mark.xdist_group("ui")


def test_a_model_is_downloaded_as_it_lies_in_the_registry(ui: Ui, project: Path) -> None:
    folder = project / "models" / "ner-phase-1" / "1" / "model"
    page = f"{ui.url}{model_of(ui)}/1"
    assert "version 1 of" not in httpx2.get(page).text
    assert 'nlp = spacy.load("ner-phase-1-1")' in httpx2.get(page).text.replace("&#34;", '"')
    packed = httpx2.get(f"{page}/model.zip")
    assert packed.headers["content-disposition"].endswith("ner-phase-1-1.zip")
    with ZipFile(BytesIO(packed.content)) as archive:
        assert archive.testzip() is None
        there = {name: archive.read(name) for name in archive.namelist()}
    assert there == {
        f"ner-phase-1-1/{path.relative_to(folder)}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert httpx2.get(f"{ui.url}{model_of(ui)}/9").status_code == 404


def test_a_damaged_model_is_not_sent(writable: Ui, tmp_path: Path) -> None:
    config = tmp_path / "project" / "models" / "ner-phase-1" / "1" / "model" / "config.cfg"
    config.chmod(0o644)
    config.write_text("damaged", encoding="utf-8")
    refused = httpx2.get(f"{writable.url}{model_of(writable)}/1/model.zip")
    assert refused.status_code == 404
    assert "config.cfg" in text_of(refused.text)


def test_a_model_is_downloaded_as_a_wheel(ui: Ui) -> None:
    path = f"{ui.url}{model_of(ui)}/2/wheel"
    assert httpx2.post(path, data={}).status_code == 403
    made = httpx2.post(path, headers={"Origin": ui.url}, timeout=120)
    assert made.status_code == 200
    assert '"en_ner_phase_1-2.0.0-py3-none-any.whl"' in made.headers["content-disposition"]
    with ZipFile(BytesIO(made.content)) as wheel:
        assert any(name.endswith("config.cfg") for name in wheel.namelist())


def test_nothing_is_started_without_the_token(ui: Ui, writable: Ui) -> None:
    for server in (ui, writable):
        for path in (f"{model_of(server)}/serve", "/deploy", f"/runs/{RUN}/again", "/jobs/1/stop"):
            form = {"version": "1", "port": "0"}
            sent = httpx2.post(server.url + path, data=form, headers={"Origin": server.url})
            assert sent.status_code == 403
        assert httpx2.get(f"{server.url}/jobs/1").status_code == 404
        for path in ("/deploy", f"/runs/{RUN}", f"{model_of(server)}/1"):
            assert 'action="/deploy"' not in (page := httpx2.get(server.url + path).text)
            assert "/serve" not in page
            assert "/again" not in page


def test_a_version_is_served_until_it_is_stopped(writable: Ui) -> None:
    with signed_in(writable) as browser:
        for port in ("x", "-1", "65536", ""):
            wrong = browser.post(f"{model_of(writable)}/serve", data={"version": "1", "port": port})
            assert wrong.status_code == 422
        wrong = browser.post(f"{model_of(writable)}/serve", data={"version": "9", "port": "0"})
        assert wrong.status_code == 404
        address = served(browser, model_of(writable), "1")
        asked = httpx2.post(f"{address}/predict", json={"instances": ["London calls Leeds"]})
        assert [one["text"] for one in asked.json()["predictions"][0]["entities"]] == ["London"]
        home = text_of(browser.get("/").text)
        assert f"Started from here ready Serving ner-phase-1, version 1 , at {address}" in home
        stopped = browser.post("/jobs/1/stop", data={})
        assert stopped.status_code == 200
        until(lambda: "ended What it" in text_of(browser.get("/jobs/1").text))
        assert closed(address)


def test_a_server_ends_with_the_app_however_that_ends(writable: Ui) -> None:
    with signed_in(writable) as browser:
        address = served(browser, model_of(writable), "")
    writable.stop(signal.SIGKILL)
    until(lambda: closed(address))


def served(browser: httpx2.Client, model: str, version: str) -> str:
    """The address of a server that was started on a model's page."""
    started = browser.post(f"{model}/serve", data={"version": version, "port": "0"})
    assert started.status_code == 200
    page = started.url.path
    until(lambda: "ready http" in text_of(browser.get(page).text))
    address = re.search(r'href="(http://127[^"]+)"', browser.get(page).text)
    assert address
    return address[1]


def closed(address: str) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", int(address.rpartition(":")[2]))) != 0


def test_a_run_is_started_again_by_its_own_command(writable: Ui, tmp_path: Path) -> None:
    runs = tmp_path / "project" / "runs"
    (tmp_path / "project" / "small.yaml").write_text("name: small\n", encoding="utf-8")
    record = read_record(runs / RUN)
    record.command = "retrain run small.yaml --phase 'a b'"
    write_record(runs / RUN, record)
    record.command = "rm -r /"
    write_record(runs / OLD, record)
    with signed_in(writable) as browser:
        command = f"retrain run small.yaml --phase 'a b' --out={runs}"
        said = text_of(browser.get(f"/runs/{RUN}").text).replace("&#39;", "'")
        assert command in said
        page = browser.post(f"/runs/{RUN}/again", data={}).url.path
        until(lambda: "Exit code 2" in text_of(browser.get(page).text))
        said = text_of(browser.get(page).text).replace("&#39;", "'")
        assert "small.yaml:1: phases" in said
        assert f"Command {command}" in said
        stream = browser.get(f"{page}/events").text
        assert "event: over" in stream
        other = browser.post(f"/runs/{OLD}/again", data={})
        assert other.status_code == 404
        assert "not started by `retrain run`" in text_of(other.text)
        shutil.move(tmp_path / "project" / "small.yaml", tmp_path)
        assert "There is no config small.yaml" in text_of(browser.get(f"/runs/{RUN}").text)
