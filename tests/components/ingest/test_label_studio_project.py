"""Projects of Label Studio are read over its API, and come to what their export comes to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from components.errors import ConfigError, RemoteError, RetrainError
from components.records import label_studio as module
from components.records.sources import Source, copy_files, identity, list_files
from tests.components.ingest.exports import ENOUGH, Ingested
from tests.support.label_studio import LEGACY, PERSONAL, LabelStudio, label_studio

Ingest = Callable[..., Ingested]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LabelStudio]:
    """A project with two annotated tasks, one that was skipped and one that nobody did."""
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", PERSONAL)
    with label_studio() as state:
        for number, (text, spans) in enumerate(ENOUGH, start=1):
            state.annotate(number, text, *(result(*span, text=text) for span in spans))
        state.annotate(7, "Somebody skipped this one", was_cancelled=True)
        state.tasks[9] = {"id": 9, "data": {"text": "Nobody did this one"}, "annotations": []}
        yield state


def result(start: int, end: int, label: str, *, text: str) -> dict[str, Any]:
    value = {"start": start, "end": end, "text": text[start:end], "labels": [label]}
    return {
        "id": f"{start}-{end}",
        "type": "labels",
        "from_name": "entities",
        "to_name": "text",
        "value": value,
    }


def said(ingested: Ingested) -> list[tuple[Any, ...]]:
    """What came of the records, but for the names of their files."""
    return [(one.id, one.text, one.answers, one.meta) for one in ingested.records]


def exported(server: LabelStudio) -> list[dict[str, Any]]:
    status, tasks = server.answer(f"/api/projects/{server.number}/export", {})
    assert status == 200
    return tasks


def test_a_project_is_its_export(
    server: LabelStudio, ingest: Ingest, write: Callable[..., str]
) -> None:
    read = ingest(server.path)
    assert read.code == 0
    counts = read.report["records"]
    file = ingest(write(json.dumps(exported(server)).encode(), "export.json"))
    assert (said(read), counts) == (said(file), file.report["records"])
    assert counts["kept"] == 2 and "answer: ignore" in read.summary


def test_only_what_is_new_is_asked_for_again(
    server: LabelStudio, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    monkeypatch.setattr(module, "BATCH", 1)
    export = f"/api/projects/{server.number}/export"
    first = ingest(server.path)
    assert (server.asked.count("/api/tasks"), server.asked.count(export)) == (2, 3)

    def again() -> tuple[Ingested, int]:
        server.asked.clear()
        return ingest(server.path), server.asked.count(export)

    read, asked = again()
    assert (read.report["digest"], asked) == (first.report["digest"], 0)
    text = "Ask Grace Hopper of HMRC"
    spans = [result(4, 16, "PERSON", text=text), result(20, 24, "ORG", text=text)]
    server.annotate(12, text, *spans)
    del server.tasks[1]
    read, asked = again()
    assert ([one.text for one in read.records], asked) == ([ENOUGH[1][0], text], 1)
    # A prediction or a comment is no annotation, and another way to the same is the same.
    server.clock += 5
    (source,) = list_files([Source(path=server.path)])
    whole = copy_files([source], read.folder / "other")[0]
    assert identity(source) == whole.identity
    remembered = next(read.folder.glob("store/label-studio/*.jsonl"))
    remembered.write_text("damaged", encoding="utf-8")
    again_, asked = again()
    assert (again_.report["digest"], asked) == (read.report["digest"], 3)


def test_reviewed_annotations_alone(server: LabelStudio, ingest: Ingest) -> None:
    server.annotate(1, "", result(0, 4, "ORG", text=ENOUGH[0][0]), ground_truth=True)
    read = ingest(server.path, select={"reviewed": True}, required=[])
    assert [one.text for one in read.records] == [ENOUGH[0][0]]


@pytest.mark.parametrize("token", [PERSONAL, LEGACY])
def test_either_kind_of_token_and_faults_that_pass(
    server: LabelStudio, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    server.legacy = token == LEGACY
    monkeypatch.setenv("OTHER", token)
    project = module.Project(server.path, "env:OTHER")
    project.check()
    server.faults = [503, 429, 502]
    server.access = "access-2"  # the first has run out meanwhile
    assert len([*project.read()]) == 3


def refusal(server: LabelStudio, path: str = "") -> RetrainError:
    with pytest.raises(RetrainError) as refused:
        list_files([Source(path=path or server.path)])
    return refused.value


def test_a_refusal_says_what_to_do(server: LabelStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = refusal(server, server.path[:-1] + "44")
    assert isinstance(gone, ConfigError) and "has no project 44 that the token's user" in str(gone)
    server.faults = [403]
    assert "is not Label Studio" in str(refusal(server))
    server.faults = [500] * 9
    monkeypatch.setattr(module, "RETRIES", 1)
    failing = refusal(server)
    assert isinstance(failing, RemoteError) and "answers 500" in str(failing)
    server.faults = []
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "a.b.c")
    wrong = str(refusal(server))
    assert "refuses the token in env:LABEL_STUDIO_API_KEY (401: Token is invalid)" in wrong
    assert "a.b.c" not in wrong
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "")
    assert "no token in LABEL_STUDIO_API_KEY. Make a personal" in str(refusal(server))
    assert "expected labelstudio://HOST/PROJECT" in str(refusal(server, "labelstudio://host/news"))
    nobody = refusal(server, "labelstudio://127.0.0.1:9/3")
    assert isinstance(nobody, ConfigError)  # no token is said first
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", PERSONAL)
    nobody = refusal(server, "labelstudio://127.0.0.1:9/3")
    assert isinstance(nobody, RemoteError) and "does not answer (ConnectionError)" in str(nobody)


def test_a_project_that_changes_while_it_is_listed_is_listed_again(
    server: LabelStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 1)
    answer, deleted = server.answer, False

    def deleting(route: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        nonlocal deleted
        said = answer(route, query)
        if query.get("page") == ["1"] and not deleted:
            deleted = bool(server.tasks.pop(1))
        return said

    monkeypatch.setattr(server, "answer", deleting)
    assert [*module.Project(server.path).states()] == [2, 7]


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("labelstudio://label.example.org/3", "https://label.example.org"),
        ("labelstudio+http://label.intranet/tools/3/", "http://label.intranet/tools"),
        ("labelstudio://localhost:8080/3", "http://localhost:8080"),
        ("labelstudio+https://127.0.0.1:8080/3", "https://127.0.0.1:8080"),
    ],
)
def test_the_address_says_how_to_reach_it(path: str, address: str) -> None:
    project = module.Project(path)
    assert (project.address, project.number, module.file_name(path)) == (
        address,
        3,
        "project-3.jsonl",
    )


def test_a_token_in_a_config_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="this is a secret, so name where it stands") as refused:
        Source.model_validate({"path": "labelstudio://a/3", "token": PERSONAL})
    assert not re.search(PERSONAL, refused.value.errors()[0]["msg"])


def test_what_is_kept_is_not_the_token(server: LabelStudio, ingest: Ingest) -> None:
    folder: Path = ingest(server.path).folder
    written = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert len(written) > 5
    assert not any(PERSONAL.encode() in content for content in written)
