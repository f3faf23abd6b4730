"""The server of models that classify texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import spacy
from fastapi.testclient import TestClient

from components.answers.models import Source, load
from tests.containers.conftest import Running, predict
from tests.containers.test_contract import client_of, entities, until_ready
from tests.support.tiny_textcat import train_tiny

CALIBRATED = {"topic": {"component": "classes", "calibration": {"temperature": 1.0}}}
# Of a label that training never saw on dev, spaCy's own threshold is kept.
THRESHOLDS = {
    "flags": {
        "component": "classes",
        "calibration": {"not_calibrated": "dev holds 4 documents"},
        "thresholds": {"TAX": 0.0, "VISA": 1.0},
    }
}
TEXT = "the tax on a visa for London"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Source]:
    root = tmp_path_factory.mktemp("classes")
    london = [{"label": "GPE", "pattern": "London"}]
    return {
        "topic": Source(
            "topic", train_tiny(root / "topic", exclusive=True, remembered=CALIBRATED), "1"
        ),
        "letters": Source(
            "letters",
            train_tiny(root / "letters", exclusive=False, remembered=THRESHOLDS, entities=london),
            "2",
        ),
        "stock": Source("stock", train_tiny(root / "stock", exclusive=False), "3"),
    }


@pytest.fixture
def client(sources: dict[str, Source]) -> Iterator[TestClient]:
    with client_of(load([*sources.values()])) as client:
        until_ready(client)
        yield client


def test_every_phase_says_its_classes_as_spacy_does(
    client: TestClient, sources: dict[str, Source]
) -> None:
    [prediction] = client.post("/predict", json={"instances": [TEXT]}).json()["predictions"]
    by_phase = {one["phase"]: one for one in prediction["classes"]}
    assert [*by_phase] == [*sources]
    for phase, source in sources.items():
        assert by_phase[phase]["scores"] == pytest.approx(
            spacy.load(source.folder)(TEXT).cats, abs=1e-4
        )
    assert entities(prediction) == [("London", "GPE", 22, 28)]
    assert prediction["versions"] == {"topic": "1", "letters": "2", "stock": "3"}


def test_one_of_several_is_always_said(client: TestClient) -> None:
    texts = ["pay the tax", "a visa"]
    answer = client.post("/phases/topic/predict", json={"instances": texts}).json()
    classes = [prediction["classes"] for prediction in answer["predictions"]]
    assert [(one["task"], one["labels"], one["calibrated"]) for [one] in classes] == [
        ("topic", ["TAX"], True),
        ("topic", ["VISA"], True),
    ]


def test_any_of_several_go_by_the_thresholds_of_training(client: TestClient) -> None:
    body = {"instances": ["a visa and a passport"]}
    [answer] = client.post("/phases/letters/predict", json=body).json()["predictions"]
    [stock] = client.post("/phases/stock/predict", json=body).json()["predictions"]
    # The same scores, and other thresholds.
    assert answer["classes"][0]["scores"] == stock["classes"][0]["scores"]
    assert answer["classes"][0]["labels"] == ["TAX"]
    assert answer["classes"][0]["calibrated"] is False
    assert stock["classes"][0]["labels"] == ["VISA"]
    # Nobody knows under which task a model of others was trained, nor whether it is calibrated.
    assert {*stock["classes"][0]} == {"phase", "labels", "scores"}


def test_a_text_without_a_word_has_no_class_whatever_its_company(client: TestClient) -> None:
    for texts in ([""], ["", "pay the tax"]):
        body = {"instances": texts}
        first = client.post("/phases/topic/predict", json=body).json()["predictions"][0]
        assert (first["classes"][0]["labels"], first["classes"][0]["scores"]) == ([], {})


def test_models_that_do_not_classify_say_nothing_of_classes(folders: list[Source]) -> None:
    with client_of(load(folders)) as client:
        until_ready(client)
        [prediction] = client.post("/predict", json={"instances": [TEXT]}).json()["predictions"]
    assert "classes" not in prediction


def test_batches_of_many_clients_get_the_answers_of_single_texts(
    sources: dict[str, Source], start: Callable[..., Running]
) -> None:
    """As Vertex AI's batch prediction asks: requests of a few instances, several at once."""
    letters = sources["letters"]
    server = start(f"--model=letters={letters.folder}@2", RETRAIN_SERVE_THREADS="2").until_ready()
    texts = [f"{'a tax' if n % 3 else 'a visa'} on wages {n} in London" for n in range(160)]
    chunks = [texts[first : first + 20] for first in range(0, len(texts), 20)]
    with ThreadPoolExecutor(4) as pool:
        answers = [
            one for chunk in pool.map(lambda c: predict(server.url, *c), chunks) for one in chunk
        ]
    nlp = spacy.load(letters.folder)
    for text, answer in zip(texts, answers, strict=True):
        classes = answer["classes"][0]  # type: ignore[index]
        assert classes["scores"] == pytest.approx(nlp(text).cats, abs=1e-4)
