"""The server's HTTP contract, against the app itself."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from components.answers.models import Models, Question, Source, load
from containers.serve.app import Server, build
from containers.serve.options import Options
from tests.support.tiny_ner import make_docs, train_tiny

TEXT = "Send form P60 to HM Revenue in London 🎉 with £5"


def client_of(models: Models, **options: object) -> TestClient:
    server = Server(Options.model_validate(options), lambda: models)
    return TestClient(build(server))


def until_ready(client: TestClient) -> None:
    while client.get("/health").status_code != 200:
        pass


@pytest.fixture
def client(models: Models) -> Iterator[TestClient]:
    with client_of(models) as client:
        until_ready(client)
        yield client


def entities(prediction: dict[str, list[dict[str, object]]]) -> list[tuple[object, ...]]:
    return [(e["text"], e["label"], e["start"], e["end"]) for e in prediction["entities"]]


def test_both_phases_answer_and_the_first_wins_an_overlap(client: TestClient) -> None:
    answer = client.post("/predict", json={"instances": [TEXT], "parameters": None})
    assert answer.status_code == 200
    [prediction] = answer.json()["predictions"]
    assert entities(prediction) == [
        ("form P60", "FORM", 5, 13),
        ("HM Revenue", "ORG", 17, 27),
        ("London", "GPE", 31, 37),
        ("🎉", "EVENT", 38, 39),
        ("£5", "MONEY", 45, 47),
    ]
    for entity in prediction["entities"]:
        assert TEXT[entity["start"] : entity["end"]] == entity["text"]
    assert set(prediction["versions"]) == {"phase-1", "phase-2"}
    assert prediction["versions"]["phase-2"] == "7"


def test_an_instance_may_bring_its_meta(client: TestClient) -> None:
    body = {"instances": ["London", {"text": "£5", "meta": {"page": 3}}]}
    first, second = client.post("/predict", json=body).json()["predictions"]
    assert "meta" not in first
    assert second["meta"] == {"page": 3}
    assert entities(second) == [("£5", "MONEY", 0, 2)]


def test_a_recogniser_says_how_sure_it_is_when_asked(tmp_path: Path, folders: list[Source]) -> None:
    learnt = train_tiny(tmp_path / "learnt", make_docs(60))
    texts = ["The Treasury will pay £50 on Monday.", "Ofsted charges £9 in London.", "", " "]
    with client_of(load([Source("learnt", learnt), *folders])) as client:
        until_ready(client)
        plain = client.post("/predict", json={"instances": texts}).json()["predictions"]
        body = {"instances": texts, "parameters": {"confidence": True}}
        sure = client.post("/predict", json=body).json()["predictions"]
        one = client.post("/phases/learnt/predict", json=body).json()["predictions"]
    assert [entities(prediction) for prediction in sure] == [entities(one) for one in plain]
    assert not any(
        "confidence" in entity for prediction in plain for entity in prediction["entities"]
    )
    entity = [entity for prediction in [*sure, *one] for entity in prediction["entities"]]
    shares = [entity["confidence"] for entity in entity if entity["phase"] == "learnt"]
    assert len(shares) > 3
    assert all(0 < share <= 1 for share in shares)
    # A list of patterns has no doubts to tell of.
    by_pattern = [entity for entity in entity if entity["phase"] != "learnt"]
    assert by_pattern
    assert not any("confidence" in entity for entity in by_pattern)


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u200b", "a" * 5000])
def test_a_text_without_entities_has_none(client: TestClient, text: str) -> None:
    [prediction] = client.post("/predict", json={"instances": [text]}).json()["predictions"]
    assert prediction["entities"] == []


def test_no_instances_give_no_predictions(client: TestClient) -> None:
    assert client.post("/predict", json={"instances": []}).json() == {"predictions": []}


def test_one_phase_alone_by_its_route_or_by_a_parameter(client: TestClient) -> None:
    by_route = client.post("/phases/phase-2/predict", json={"instances": [TEXT]}).json()
    named = {"instances": [TEXT], "parameters": {"phases": ["phase-2"]}}
    assert by_route == client.post("/predict", json=named).json()
    [prediction] = by_route["predictions"]
    assert ("Revenue", "TITLE", 20, 27) in entities(prediction)
    assert set(prediction["versions"]) == {"phase-2"}


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({"instances": "London"}, "instances"),
        ({"instances": [3]}, "instances.0"),
        ({"instances": [{"txt": "London"}]}, "instances.0"),
        ({}, "instances"),
        ({"instances": ["x"], "model": "/etc/passwd"}, "model"),
        ({"instances": ["x"], "parameters": {"phases": ["phase-9"]}}, "phase-9"),
        ({"instances": ["x"], "parameters": {"phases": []}}, "parameters.phases"),
    ],
)
def test_a_wrong_body_gets_422_that_says_where(client: TestClient, body: object, part: str) -> None:
    answer = client.post("/predict", json=body)
    assert answer.status_code == 422
    assert part in answer.json()["detail"]


@pytest.mark.parametrize(
    ("instance", "detail"),
    [
        (3, "instances.1: expected a text, or {text, meta}, not a number."),
        (None, "instances.1: expected a text, or {text, meta}, not null."),
        (
            {"text": "a", "id": 7},
            "instances.1: expected a text, or {text, meta}; unknown key 'id'.",
        ),
        ({"content": "a"}, "unknown key 'content'"),
        ({"meta": {}}, "there is no key 'text'"),
        ({"text": None}, "'text' must be a string, not null"),
        ({"text": "a", "meta": 5}, "'meta' must be an object, not a number"),
        (["a"], "not a list. Batch prediction from CSV or BigQuery sends each row as a list: set "),
    ],
)
def test_an_instance_of_another_shape_gets_what_is_expected(
    client: TestClient, instance: object, detail: str
) -> None:
    answer = client.post("/predict", json={"instances": ["London", instance]})
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]


DEEP = b"[" * 600 + b"]" * 600


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{", "body: not JSON: Expecting property name"),
        (b'{"instances": ["a"]}\n{"instances": ["b"]}', "not JSON: Extra data (character 22)."),
        (b"", "body: it is empty"),
        (b"\xff\xfe", "byte 1 is not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"instances": [{"text": "a", "meta": {"x": %s}}]}' % DEEP, "nested too deeply"),
        (b'{"instances": [{"text": "a", "meta": {"x": NaN}}]}', "NaN is not JSON"),
        (b'{"instances": [{"text": "a", "meta": {"x": 1e999}}]}', "too large"),
        (b'{"instances": [{"text": "a", "meta": {"x": %s}}]}' % (b"9" * 5000), "too many digits"),
        (b'{"instances": ["\\ud800"]}', "surrogate"),
        (b'{"instances": [{"text": "a", "meta": {"x": "\\udfff"}}]}', "surrogate"),
        (b'{"instances": ["a"], "parameters": {"phases": ["\\ud800"]}}', "surrogate"),
        (b'{"instances": [{"text": "a", "meta": {"\\uDC00": 1}}]}', "surrogate"),
        (b'{"instances": ["a"], "instances": ["b"]}', "the same key twice"),
        (b'{"instances": [{"text": "a", "meta": {"x": 1, "x": 2}}]}', "the same key twice"),
        (b"[]", "body: expected an object"),
    ],
)
def test_what_is_not_json_or_no_answer_could_repeat_is_refused_with_the_reason(
    client: TestClient, body: bytes, detail: str
) -> None:
    answer = client.post("/predict", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]


def test_json_without_its_header_gets_the_header_named(client: TestClient) -> None:
    answer = client.post("/predict", content=b'{"instances": ["a"]}')
    assert answer.status_code == 422
    assert "Content-Type: application/json" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("options", "instances", "status", "limit"),
    [
        ({"max_texts": 2}, ["a", "b", "c"], 422, "max_texts = 2"),
        ({"max_characters": 10}, ["a", "b" * 11], 422, "max_characters = 10"),
        ({"max_body": 100}, ["a" * 200], 413, "max_body = 100"),
    ],
)
def test_what_is_over_a_limit_is_refused_by_its_name(
    models: Models, options: dict[str, int], instances: list[str], status: int, limit: str
) -> None:
    with client_of(models, **options) as client:
        until_ready(client)
        answer = client.post("/predict", json={"instances": instances})
        assert (answer.status_code, limit in answer.text) == (status, True)


def test_a_body_without_a_declared_length_is_limited_too(models: Models) -> None:
    with client_of(models, max_body=100) as client:
        until_ready(client)
        parts = (b" " * 60 for _ in range(5))
        assert client.post("/predict", content=parts).status_code == 413


class Slow:
    """Models that answer when they are let."""

    def __init__(self, models: Models) -> None:
        self.phases, self.versions = models.phases, models.versions
        self.vocabulary = models.vocabulary
        self._models = models
        self.started, self.go = threading.Semaphore(0), threading.Event()

    def analyse(self, texts: list[str], question: Question) -> object:
        self.started.release()
        self.go.wait()
        return self._models.analyse(texts, question)


def test_a_full_queue_answers_429_and_when_to_come_back(models: Models) -> None:
    slow = Slow(models)
    slow.go.set()
    with client_of(slow, max_queue=2, max_texts=2, batch_texts=1, threads=1) as client:  # type: ignore[arg-type]
        until_ready(client)
        for _ in range(3):  # the warm-up
            slow.started.acquire()
        slow.go.clear()
        answers: list[int] = []
        body = {"instances": ["London"]}

        def ask() -> None:
            answers.append(client.post("/predict", json=body).status_code)

        clients = [threading.Thread(target=ask)]
        clients[0].start()
        slow.started.acquire()  # one is predicted; now fill the queue
        for _ in range(2):
            clients.append(threading.Thread(target=ask))
            clients[-1].start()
        while "retrain_queue_texts 2.0" not in client.get("/metrics").text:
            pass
        refused = client.post("/predict", json=body)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        assert "max_queue = 2" in refused.json()["detail"]
        slow.go.set()
        for each in clients:
            each.join()
        assert answers == [200, 200, 200]


def test_a_text_that_waits_for_too_long_answers_429_and_when_to_come_back(models: Models) -> None:
    slow = Slow(models)
    slow.go.set()
    with client_of(slow, max_seconds=0.5, threads=1) as client:  # type: ignore[arg-type]
        until_ready(client)
        for _ in range(3):  # the warm-up
            slow.started.acquire()
        slow.go.clear()
        begun = threading.Thread(
            target=client.post, args=["/predict"], kwargs={"json": {"instances": ["London"]}}
        )
        begun.start()
        slow.started.acquire()
        refused = client.post("/predict", json={"instances": ["London"]})
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        assert "max_seconds = 0.5" in refused.json()["detail"]
        slow.go.set()
        begun.join()


class Fragile:
    """Models that cannot bear one text."""

    def __init__(self, models: Models) -> None:
        self.phases, self.versions = models.phases, models.versions
        self.vocabulary = models.vocabulary
        self._models = models

    def analyse(self, texts: list[str], question: Question) -> object:
        if any("poison" in text for text in texts):
            raise ValueError(f"bad text: {texts}")
        return self._models.analyse(texts, question)


def test_a_text_that_a_model_cannot_bear_fails_alone_and_unquoted(
    models: Models, capsys: pytest.CaptureFixture[str]
) -> None:
    fragile = Fragile(models)
    with client_of(fragile, batch_wait=0.5) as client:  # type: ignore[arg-type]
        until_ready(client)
        answers: dict[str, int] = {}

        def ask(text: str) -> None:
            answers[text] = client.post("/predict", json={"instances": [text]}).status_code

        clients = [threading.Thread(target=ask, args=(t,)) for t in ("London", "poison", "£5")]
        for each in clients:
            each.start()
        for each in clients:
            each.join()
        assert answers == {"London": 200, "poison": 500, "£5": 200}
    output = capsys.readouterr()
    assert "ValueError" in output.out
    assert "poison" not in output.out + output.err


def test_it_is_not_ready_before_the_models_have_answered(models: Models) -> None:
    slow = Slow(models)
    with client_of(slow) as client:  # type: ignore[arg-type]
        slow.started.acquire()
        health, early = client.get("/health"), client.post("/predict", json={"instances": ["a"]})
        assert (health.status_code, health.json()) == (503, {"status": "loading"})
        assert (early.status_code, early.headers["Retry-After"]) == (503, "5")
        slow.go.set()
        until_ready(client)


def test_vertex_chooses_the_routes(models: Models) -> None:
    route = "/v1/endpoints/5/deployedModels/6:predict"
    with client_of(models, AIP_PREDICT_ROUTE=route, AIP_HEALTH_ROUTE="/v1/endpoints/5") as client:
        while client.get("/v1/endpoints/5").status_code != 200:
            pass
        assert client.post(route, json={"instances": ["London"]}).status_code == 200
        assert client.post("/predict", json={"instances": ["London"]}).status_code == 404


def test_metrics_and_logs_count_and_never_hold_a_text(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client.post("/predict", json={"instances": [TEXT, "secretive"]})
    client.post("/predict", json={"instances": [{"txt": "secretive"}]})
    client.post("/secretive")
    metrics = client.get("/metrics").text
    assert 'retrain_requests_total{route="/predict",status="200"} 1.0' in metrics
    assert 'retrain_requests_total{route="/predict",status="422"} 1.0' in metrics
    assert 'retrain_requests_total{route="other",status="404"} 1.0' in metrics
    assert "retrain_texts_total 2.0" in metrics
    out = capsys.readouterr().out
    assert {"texts": 2, "characters": len(TEXT) + 9}.items() <= json.loads(
        next(line for line in out.splitlines() if '"texts"' in line)
    ).items()
    for text in ("secretive", "P60"):
        assert text not in out + metrics


def test_the_page_is_there_when_asked_for(models: Models) -> None:
    with client_of(models, page=True) as client:
        until_ready(client)
        assert "default-src 'self'" in client.get("/").headers["Content-Security-Policy"]
        assert client.get("/page/page.js").status_code == 200
        assert client.get("/page/..%2fapp.py").status_code == 404
        assert client.get("/models").json()["predict"] == "/predict"
    with client_of(models) as client:
        assert client.get("/").status_code == 404
