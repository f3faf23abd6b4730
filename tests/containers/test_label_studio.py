"""The contract of Label Studio's ML backends, as its version 1.23.2 asks for it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from components.answers.findings import Classes, Entity, Findings, LabelledSpan, Status
from components.answers.formats import Asked
from components.answers.models import Models
from components.registry.base import Artefact
from components.registry.lineage import Lineage
from components.registry.open import open_registry
from components.registry.promotion import promote
from components.tasks.base import TaskSettings
from containers.serve.app import Server, build
from containers.serve.label_studio import prediction, project_of
from containers.serve.options import Options
from pipelines.labelling.writing import labelling_config
from tests.containers.conftest import Running, write_model

# Somebody's own project: no name in it is one of ours.
CONFIG = """<View>
  <Header value="Mark"/><Text name="body" value="$letter"/>
  <Labels name="things" toName="body"><Label value="FORM"/><Label value="ORG"/></Labels>
  <Labels name="places" toName="body"><Label value="GPE"/></Labels>
  <TextArea name="note" toName="body"/>
</View>"""
LETTER = {"letter": "Send form P60 to HM Revenue in London"}


def ask(*data: dict[str, Any], config: str = CONFIG) -> dict[str, Any]:
    """A request as Label Studio sends it."""
    tasks = [
        {"id": n, "data": each, "meta": {}, "project": 1, "created_at": "2026-11-30T04:19:43Z"}
        for n, each in enumerate(data)
    ]
    params = {"login": None, "password": None, "context": None}
    return {"tasks": tasks, "project": "1.1796", "label_config": config, "params": params}


SETUP = {
    "project": "1.1796",
    "schema": CONFIG,
    "hostname": "http://localhost:8080",
    "access_token": "a token of somebody's",
    "extra_params": None,
}


@pytest.fixture
def client(models: Models) -> Iterator[TestClient]:
    server = Server(Options(label_studio=True, max_characters=60), lambda: models)
    with TestClient(build(server)) as client:
        assert client.get("/label-studio/health").status_code in (200, 503)
        while client.get("/label-studio/health").status_code != 200:
            pass
        yield client


def found(prediction: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (one["from_name"], one["to_name"], one["value"]["labels"], one["value"]["text"])
        for one in prediction["result"]
    ]


def test_each_label_goes_to_the_control_that_has_it(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    version = client.post("/label-studio/setup", json=SETUP).json()["model_version"]
    assert version.startswith("phase-1@") and version.endswith(" phase-2@7")
    assert client.get("/label-studio/versions").json() == {"versions": [version]}
    answer = client.post("/label-studio/predict", json=ask(LETTER, {"letter": "Nothing"}))
    first, second = answer.json()["results"]
    assert found(first) == [
        ("things", "body", ["FORM"], "form P60"),
        ("things", "body", ["ORG"], "HM Revenue"),
        ("places", "body", ["GPE"], "London"),
    ]
    assert first["model_version"] == second["model_version"] == version
    assert second["result"] == []
    assert "token of somebody" not in capsys.readouterr().out


def test_a_task_without_a_text_to_predict_has_no_prediction(client: TestClient) -> None:
    tasks = ask({"other": "London"}, {"letter": None}, {"letter": "London " * 20}, LETTER)
    results = client.post("/label-studio/predict", json=tasks).json()["results"]
    assert results[:3] == [[], [], []] and len(results[3]["result"]) == 3


def test_all_tasks_of_a_project_may_come_at_once(client: TestClient) -> None:
    many = [{"letter": f"London {n}"} for n in range(300)]  # more than max_texts
    results = client.post("/label-studio/predict", json=ask(*many)).json()["results"]
    assert [len(one["result"]) for one in results] == [1] * 300


def test_one_model_alone(client: TestClient) -> None:
    assert client.get("/label-studio/phase-2/health").json() == {"status": "UP"}
    answer = client.post("/label-studio/phase-2/predict", json=ask(LETTER))
    [only] = answer.json()["results"]
    assert [one[2] for one in found(only)] == [["GPE"]]
    assert only["model_version"] == "phase-2@7"
    missing = client.post("/label-studio/phase-3/setup", json=SETUP)
    assert missing.status_code == 404 and "only: phase-1, phase-2" in missing.json()["detail"]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('<View><Image name="i" value="$i"/></View>', "no <Labels> or <Choices> about a <Text>"),
        ("<View>", "no XML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><View/>', "a document type"),
    ],
)
def test_a_project_that_cannot_be_answered_is_refused(
    client: TestClient, config: str, said: str
) -> None:
    for answer in (
        client.post("/label-studio/setup", json={**SETUP, "schema": config}),
        client.post("/label-studio/predict", json=ask(LETTER, config=config)),
    ):
        assert (answer.status_code, said in answer.json()["detail"]) == (422, True)


def test_vertex_is_answered_as_before_and_without_the_option_nothing_is_there(
    client: TestClient, models: Models
) -> None:
    assert client.post("/predict", json={"instances": ["London"]}).status_code == 200
    with TestClient(build(Server(Options(), lambda: models))) as plain:
        assert plain.get("/label-studio/health").status_code == 404


def test_every_kind_of_task_in_the_project_that_retrain_labelling_writes() -> None:
    tasks = [
        TaskSettings(name="entities", kind="ner", labels=["FINDING"]),
        TaskSettings(name="cues", kind="spans", labels=["NEG"]),
        TaskSettings(name="topic", kind="textcat", labels=["TAX", "VISA"], exclusive=True),
        TaskSettings(name="flags", kind="textcat", labels=["URGENT", "TAX"], exclusive=False),
        TaskSettings(
            name="status", kind="assertion", labels=["Absent"], of="entities", key="assertion"
        ),
    ]
    place = {"text": "fever", "start": 3, "end": 8, "phase": "notes"}
    said = Findings(
        entities=[
            Entity(
                **place,
                label="FINDING",
                confidence=0.9,
                statuses={"status": Status(label="Absent", confidence=0.7)},
            )
        ],
        spans=[LabelledSpan(**place, label="NEG", task="cues", confidence=0.8)],
        classes=[
            Classes(phase="notes", task="topic", labels=["TAX"], scores={"TAX": 0.9, "VISA": 0.1}),
            Classes(phase="notes", task="flags", labels=["TAX", "URGENT"], scores={"TAX": 0.6}),
            Classes(phase="notes", task="gone", labels=["ELSE"], scores={"ELSE": 0.95}),
        ],
    )
    said.classes[1].scores["URGENT"] = 0.75  # type: ignore[index]
    asked = Asked(
        entities="entities",
        spans=("cues",),
        classes={
            "topic": (("TAX", "VISA"), True),
            "flags": (("URGENT", "TAX"), False),
            "gone": (("ELSE",), True),
        },
        names={"status": "assertion"},
    )
    project = project_of(labelling_config(tasks))
    made = prediction(project, said, asked, {"notes": "4"})
    values = [(one["from_name"], one["type"], one["value"]) for one in made["result"]]
    where = {"start": 3, "end": 8, "text": "fever"}
    assert values == [
        ("entities", "labels", {**where, "labels": ["FINDING"]}),
        ("assertion", "choices", {**where, "choices": ["Absent"]}),
        ("cues", "labels", {**where, "labels": ["NEG"]}),
        ("topic", "choices", {"choices": ["TAX"]}),
        ("flags", "choices", {"choices": ["TAX", "URGENT"]}),
    ]
    ids = [one["id"] for one in made["result"]]
    assert ids[0] == ids[1] and len({*ids}) == 4
    assert (made["score"], made["model_version"]) == (0.6, "notes@4")


def register(models: Path, model: Path) -> str:
    registry = open_registry(str(models))
    lineage = Lineage(digest=model.name, run="r", created="now", decision="promote", scores={})
    return registry.add("letters", Artefact(model, {}, lineage)).number


def test_a_promotion_is_served_without_a_restart(tmp_path: Path) -> None:
    places, forms = {"London": "GPE"}, {"form P60": "FORM"}
    one = register(tmp_path / "models", write_model(tmp_path / "one", places))
    promote(open_registry(str(tmp_path / "models")), "letters", one, "champion")
    command = (sys.executable, "-m", "pipelines", "serve")
    running = Running(
        *("letters", "--label-studio", "--port", "0"), program=command, cwd=tmp_path
    ).until_ready()
    try:
        url = f"{running.url}/label-studio"

        def version() -> str:
            answer = httpx2.post(f"{url}/setup", json=SETUP, timeout=60)
            return str(answer.json()["model_version"])

        def labels() -> tuple[str, list[str]]:
            answer = httpx2.post(f"{url}/predict", json=ask(LETTER), timeout=60).json()
            [only] = answer["results"]
            return only["model_version"], [each[2][0] for each in found(only)]

        assert (version(), labels()) == ("letters@1", ("letters@1", ["GPE"]))
        two = register(tmp_path / "models", write_model(tmp_path / "two", {**places, **forms}))
        subprocess.run(
            [sys.executable, "-m", "pipelines", "models", "promote", "letters", two],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )
        seen = {labels()[0]}
        while version() != "letters@2":
            seen.add(labels()[0])
            time.sleep(0.1)
        assert (seen <= {"letters@1", "letters@2"}, labels()) == (
            True,
            ("letters@2", ["FORM", "GPE"]),
        )
    finally:
        running.terminate()
        assert running.wait() == 0
        assert any(line.endswith(f"Backend URL {url}\n") for line in running.noise)
