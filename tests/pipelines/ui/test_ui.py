"""What `retrain ui` answers: to browsers, to others, and to what is no request."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import socket
from io import BytesIO
from pathlib import Path
from urllib.parse import quote
from zipfile import ZipFile

import httpx2
import pytest

from components.report.build import Material
from components.report.build import html as report_page
from pipelines.local.runs import read_record, write_record
from pipelines.ui.writing import FORM
from tests.pipelines.ui.conftest import OLD, RUN
from tests.support.site import Ui, going_on, model_of, scores, signed_in, text_of, write_run

pytestmark = pytest.mark.xdist_group("ui")


def test_home_says_what_is_in_production_and_who_put_it_there(ui: Ui) -> None:
    said = text_of(httpx2.get(ui.url).text)
    assert "ner-phase-1 phase phase-1 version 2 since 20" in said
    assert f"by run {RUN} 90.0 promoted 2 promoted to version 2 {RUN}" in said


def test_a_report_and_the_page_of_its_run_have_one_table_of_scores(ui: Ui) -> None:
    material = Material(
        title="", kicker="", name="", other="", blocks={"ner": scores("GPE", 8)}, headline="",
        mood="", predictions=[],
    )  # fmt: skip
    [of_report, of_run] = [
        re.findall(r"<thead>.*?</table>", page, flags=re.S)[0]
        for page in (report_page(material), httpx2.get(f"{ui.url}/runs/{RUN}").text)
    ]
    assert of_report == of_run


def test_scores_are_listed_by_label_and_run(ui: Ui) -> None:
    said = text_of(httpx2.get(f"{ui.url}/scores").text)
    first, second = (scores("GPE", right)["overall"]["f"] for right in (8, 6))
    assert f"GPE {100 * first:.1f} {100 * second:.1f} overall" in said
    assert "F on test went from 75.0 to 88.9 in 2 runs." in said


def test_two_runs_that_cannot_be_compared_say_why(ui: Ui) -> None:
    page = httpx2.get(f"{ui.url}/compare", params={"old": OLD, "new": RUN})
    assert page.status_code == 200
    assert "has left no" in text_of(page.text)


def test_a_log_is_read_and_downloaded(ui: Ui) -> None:
    path = f"{ui.url}/runs/{RUN}/logs/phase-1/train"
    assert "train done" in text_of(httpx2.get(path).text)
    whole = httpx2.get(path, params={"download": "1"})
    assert whole.text == "--- attempt 1\nall is well\ntrain done\n"
    assert whole.headers["content-disposition"].startswith("attachment")
    review = httpx2.get(f"{ui.url}/runs/{RUN}/phase-1/review")
    assert review.text == '{"text": "London"}\n'


def test_all_of_a_run_is_one_download(ui: Ui) -> None:
    page = httpx2.get(f"{ui.url}/runs/{RUN}").text
    assert f'href="/runs/{RUN}/all.zip"' in page
    packed = httpx2.get(f"{ui.url}/runs/{RUN}/all.zip")
    kept = f"attachment; filename*=utf-8''{RUN}.zip"
    assert packed.headers["content-disposition"] == kept
    with ZipFile(BytesIO(packed.content)) as archive:
        log = archive.read(f"{RUN}/logs/phase-1.train.log")
        names = archive.namelist()
    assert log == b"--- attempt 1\nall is well\ntrain done\n"
    assert f"{RUN}/phase-1/evaluate/scores.json" in names
    assert f"{RUN}/phase-1/train/log/history.jsonl" in names
    assert len(names) == len({*names})


def test_a_download_of_a_run_that_goes_on_says_what_is_in_it(tmp_path: Path) -> None:
    """Its curves so far; what was deleted, is old, of strange name or a pipe spoils nothing."""
    run = "20260102-000000-合同"
    with going_on(tmp_path / "runs", run) as going, Ui(tmp_path) as ui:
        log = going.folder / "phase-1" / "train" / "log"
        os.utime(log / "history.jsonl", (0, 0))
        (log / "tensorboard").mkdir()
        (log / "tensorboard" / "events").write_bytes(bytes(3 << 20))
        (log / "a\\b").write_text("strange", encoding="utf-8")
        os.mkfifo(log / "pipe")
        (going.folder / "logs" / "phase-1.ingest.log").unlink()
        path = f"{ui.url}/runs/{quote(run)}"
        packed = httpx2.get(f"{path}/phase-1/all.zip")
        whole = httpx2.get(f"{path}/all.zip")
        assert httpx2.get(f"{path}/phase-2/all.zip").status_code == 404
        going.fail("the machine was too small")
        failed = httpx2.get(f"{path}/all.zip")
    assert packed.headers["content-disposition"].endswith(f"{quote(run)}.phase-1.zip")
    with ZipFile(BytesIO(failed.content)) as archive:
        assert "phase-1/train: failed" in archive.read(f"{run}/contents.txt").decode()
        assert f"{run}/phase-1/train/log/history.jsonl" in archive.namelist()
    with ZipFile(BytesIO(packed.content)) as archive, ZipFile(BytesIO(whole.content)) as of_run:
        assert archive.testzip() is None
        assert archive.namelist() == of_run.namelist()
        said = archive.read(f"{run}/contents.txt").decode()
        history = archive.read(f"{run}/phase-1/train/log/history.jsonl")
        assert len(archive.read(f"{run}/phase-1/train/log/tensorboard/events")) == 3 << 20
        names = [name.removeprefix(f"{run}/") for name in archive.namelist()]
    assert history == (log / "history.jsonl").read_bytes()
    files, absent = said.split("Not in here:")
    assert f"Run {run}: running." in files
    assert "phase-1/train: running" in files
    assert "phase-1/evaluate: pending" in files
    assert f"{len(history):,}  phase-1/train/log/history.jsonl" in files
    assert all(f"  {name}\n" in files for name in names[:-1])
    assert "logs/phase-1.ingest.log: it is not there" in absent
    assert "log/pipe: it is no file" in absent
    assert "not a name that every system can unpack" in absent
    assert not any("\\" in name or "pipe" in name for name in names)


def test_a_report_has_no_part_in_the_app(ui: Ui) -> None:
    """Whatever a report holds, it runs in an origin of its own."""
    report = httpx2.get(f"{ui.url}/runs/{RUN}/phase-1/report")
    kept = httpx2.get(f"{ui.url}/runs/{RUN}/phase-1/report?download=1")
    assert (
        kept.headers["content-disposition"] == f'attachment; filename="{RUN}.phase-1.report.html"'
    )
    assert httpx2.get(f"{ui.url}/index.html").headers["location"] == "/runs"
    policy = report.headers["content-security-policy"]
    assert "sandbox allow-scripts" in policy
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy


def test_what_lies_outside_the_runs_is_not_shown(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not for you", encoding="utf-8")
    record = write_run(tmp_path / "runs", RUN)
    record.tasks["phase-1/train"].log = "../secret"
    artifacts = record.tasks["phase-1/upload"].artifacts
    artifacts["report"] = type(artifacts["report"])("report", str(secret), "", "")
    (tmp_path / "runs" / RUN / "phase-1" / "upload" / "review").unlink()
    (tmp_path / "runs" / RUN / "phase-1" / "upload" / "review").symlink_to(secret)
    write_record(tmp_path / "runs" / RUN, record)
    with Ui(tmp_path) as ui:
        for path in ("logs/phase-1/train", "phase-1/report", "phase-1/review"):
            answer = httpx2.get(f"{ui.url}/runs/{RUN}/{path}")
            assert answer.status_code == 404
            assert "not for you" not in answer.text
        assert "not for you" not in httpx2.get(f"{ui.url}/runs/{RUN}").text
        packed = httpx2.get(f"{ui.url}/runs/{RUN}/all.zip").content
        with ZipFile(BytesIO(packed)) as archive:
            assert b"not for you" not in b"".join(map(archive.read, archive.namelist()))
            said = archive.read(f"{RUN}/contents.txt").decode()
        assert f"report.html: it does not lie in {tmp_path / 'runs'}" in said


def test_a_spoilt_run_and_missing_files_are_named_and_hide_nothing(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", OLD)
    write_run(tmp_path / "runs", RUN)
    (tmp_path / "runs" / OLD / "run.json").write_text("{}", encoding="utf-8")
    shutil.rmtree(tmp_path / "runs" / RUN / "phase-1")
    with Ui(tmp_path) as ui:
        said = text_of(httpx2.get(f"{ui.url}/runs").text)
        assert f"{OLD}/run.json: not readable as a run" in said
        assert "the scores of phase-1/evaluate, is gone" in said
        assert httpx2.get(f"{ui.url}/runs/{RUN}").status_code == 200
        gone = httpx2.get(f"{ui.url}/runs/{RUN}/phase-1/report")
        assert gone.status_code == 404
        assert "is gone" in gone.text


def test_nothing_is_written_without_the_token(ui: Ui, writable: Ui) -> None:
    fields = {"version": "1", "present": "2"}
    for server in (ui, writable):
        page = model_of(server)
        assert "<form" not in httpx2.get(server.url + page).text
        wrong = {"Cookie": f"retrain-ui-{server.url.rpartition(':')[2]}=guessed"}
        for action in ("promote", "rollback"):
            for headers in ({}, wrong, {"Authorization": "Bearer x"}):
                refused = httpx2.post(
                    f"{server.url}{page}/{action}",
                    data=fields,
                    headers={"Origin": server.url, **headers},
                )
                assert refused.status_code == 403
        token = httpx2.get(f"{server.url}/token", params={"token": "guessed"})
        assert token.status_code == 403
        assert "set-cookie" not in token.headers
        assert "version 2</span> In production" in httpx2.get(server.url + page).text


def test_another_site_cannot_use_the_token_of_a_browser(writable: Ui) -> None:
    page = model_of(writable)
    port = int(writable.url.rpartition(":")[2])
    with signed_in(writable) as browser:
        others = [f"http://127.0.0.1:{port + 1}", "null", "https://evil.example", ""]
        for origin in (*others, f"http://localhost:{port}", writable.url.replace("http", "https")):
            sent = browser.post(
                f"{page}/rollback", data={"present": "2"}, headers={"Origin": origin}
            )
            assert sent.status_code == 403
        evil = browser.get("/", headers={"Host": "evil.example"})
        assert evil.status_code == 421
        cookie = browser.get("/").request.headers["cookie"]
    assert cookie.startswith(f"retrain-ui-{port}=")


def test_promote_and_roll_back(writable: Ui) -> None:
    page = model_of(writable)
    with signed_in(writable) as browser:
        said = text_of(browser.get(page).text)
        assert "Put version 1 back in place of 2" in said
        back = browser.post(f"{page}/rollback", data={"present": "2"})
        assert back.status_code == 200
        said = text_of(back.text)
        assert said.count("Done: rolled back.") == 1
        assert "version 1 In production as champion" in said
        assert "2 : download or deploy withdrawn candidate" in said
        late = browser.post(f"{page}/rollback", data={"present": "2"})
        assert late.status_code == 409
        assert "version 1 of ner-phase-1 is in production now" in text_of(late.text)
        nothing = browser.post(f"{page}/rollback", data={"present": "1"})
        assert nothing.status_code == 409
        again = browser.post(f"{page}/promote", data={"version": "2", "present": "1"})
        assert "version 2 In production as champion" in text_of(again.text)
        assert (
            browser.post(f"{page}/promote", data={"version": "9", "present": "2"}).status_code
            == 404
        )
        assert browser.post(f"{page}/promote", data={"version": "1"}).status_code == 422
        assert browser.post(f"{page}/promote", json={"version": "1"}).status_code == 415


def test_what_was_promoted_outlives_a_kill(writable: Ui, tmp_path: Path) -> None:
    page = model_of(writable)
    with signed_in(writable) as browser:
        browser.post(f"{page}/rollback", data={"present": "2"})
    writable.stop(signal.SIGKILL)
    with Ui(tmp_path / "project") as again:
        said = text_of(httpx2.get(again.url + page).text)
        assert "version 1 In production as champion" in said
        assert "rolled back to version 1, in place of version 2" in said


def test_a_text_is_tried_on_the_model_in_production(ui: Ui) -> None:
    form = httpx2.get(f"{ui.url}/try").text
    key = re.search(r'value="(\w+/ner-phase-1)"', form)
    assert key
    fields = {"model": key[1], "text": "From London\r\nto <b> Leeds"}
    found = httpx2.post(f"{ui.url}/try", data=fields, headers={"Origin": ui.url}, timeout=120)
    assert found.status_code == 200
    assert "1 found. Entities From London to <b> Leeds" in text_of(found.text).replace(
        "&lt;b&gt;", "<b>"
    )
    assert httpx2.post(f"{ui.url}/try", data=fields).status_code == 403
    for wrong in ({"text": " "}, {"text": "a" * 20_001}, {"model": "none"}):
        sent = httpx2.post(f"{ui.url}/try", data={**fields, **wrong}, headers={"Origin": ui.url})
        assert sent.status_code in (404, 422)


def test_a_port_that_is_taken_is_one_message(ui: Ui, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"retrain: Port \d+: Address already in use"):
        Ui(tmp_path, "--port", ui.url.rpartition(":")[2])


NOISE = [*"%/\\.?&=#;:<>\"'{}[]|^`~ ", "\0", "..", "%2e%2e", "%00", "%ff", "%2F", "é", "🎉", "\r\n"]


def noise(chance: random.Random, length: int = 12) -> str:
    return "".join(chance.choice(NOISE) for _ in range(chance.randint(1, length)))


def raw(ui: Ui, request: bytes) -> int:
    """The status of the answer to some bytes."""
    port = int(ui.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        answer = connection.makefile("rb").readline().split()
    return int(answer[1])


KINDS = {
    "path": lambda c: f"GET /runs/{quote(noise(c))}/{c.choice(['', 'events', 'logs/x', 'a/b'])}",
    "raw path": lambda c: f"GET /nothing/{noise(c)}",
    "query": lambda c: f"GET /runs?start={c.choice(['-1', 'x', '1e9', '9' * 30, '%00', ''])}",
    "method": lambda c: f"{c.choice(['PUT', 'DELETE', 'PATCH', 'TRACE', 'FOO'])} /",
    "run": lambda c: f"GET /runs/{c.choice(['..', '%2e%2e', '.', 'cache', '%00', RUN + '%0a'])}x",
    "document": lambda c: f"GET /runs/{RUN}/{quote(noise(c), safe='')}/{c.choice(['report', 'x'])}",
    "log": lambda c: f"GET /runs/{RUN}/logs/{quote(noise(c))}",
    "model": lambda c: f"GET /models/{quote(noise(c), safe='')}/{quote(noise(c), safe='')}",
    "compare": lambda c: f"GET /compare/{quote(noise(c), safe='')}/x/{quote(noise(c))}",
    "token": lambda c: f"GET /token?token={quote(noise(c))}",
    "version": lambda c: (
        f"GET /models/a/b/{quote(noise(c), safe='')}{c.choice(['', '/model.zip'])}"
    ),
    "job": lambda c: (
        f"GET /jobs/{c.choice(['0', '-1', 'x', '9' * 30, '1', '%00', quote(noise(c))])}"
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_malformed_requests_end_in_a_refusal(ui: Ui, kind: str) -> None:
    chance = random.Random(kind)
    for _ in range(50):
        line = KINDS[kind](chance).encode("utf-8", "surrogateescape")
        request = line + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        assert 400 <= raw(ui, request) < 500, request


BODIES = {
    "no form": lambda c: (FORM, noise(c).encode()),
    "json": lambda c: ("application/json", noise(c).encode()),
    "no type": lambda c: ("", noise(c).encode()),
    "bytes": lambda c: (
        "application/x-www-form-urlencoded",
        b"text=%ff%fe&model=" + c.randbytes(9),
    ),
    "many": lambda c: ("application/x-www-form-urlencoded", b"&".join([b"a=1"] * c.randint(9, 99))),
    "large": lambda c: (
        "application/x-www-form-urlencoded",
        b"text=" + b"a" * c.randint(300_001, 310_000),
    ),
    "twice": lambda c: ("application/x-www-form-urlencoded", b"text=a&text=b&model=c"),
}


WRITES = [
    *(f"/models/a/b/{act}" for act in ("promote", "rollback", "serve", "1/wheel")),
    *("/deploy", f"/runs/{RUN}/again", "/jobs/1/stop"),
]


@pytest.mark.parametrize("kind", BODIES)
def test_malformed_bodies_end_in_a_refusal(ui: Ui, kind: str) -> None:
    chance = random.Random(kind)
    with httpx2.Client(base_url=ui.url, headers={"Origin": ui.url}, timeout=60) as client:
        for _ in range(50):
            content_type, body = BODIES[kind](chance)
            headers = {"Content-Type": content_type} if content_type else {}
            for path in ("/try", *WRITES):
                sent = client.post(path, content=body, headers=headers)
                assert 400 <= sent.status_code < 500, body[:100]


def test_what_is_no_http_is_refused(ui: Ui) -> None:
    chance = random.Random(0)
    for _ in range(50):
        assert raw(ui, chance.randbytes(chance.randint(4, 200)) + b"\r\n\r\n") == 400


def test_runs_that_vanish_under_a_page_end_in_404(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", RUN)
    with Ui(tmp_path) as ui:
        assert httpx2.get(f"{ui.url}/runs/{RUN}").status_code == 200
        assert read_record(tmp_path / "runs" / RUN).id == RUN
        shutil.rmtree(tmp_path / "runs" / RUN)
        for path in ("", "/events", "/phase-1/report", "/logs/phase-1/train"):
            assert httpx2.get(f"{ui.url}/runs/{RUN}{path}").status_code == 404
        assert httpx2.get(ui.url).status_code == 200
