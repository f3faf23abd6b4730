"""A model of assertion status that is used for entities is refused wherever it is opened."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy

from components.answers.models import Source, load
from components.errors import ConfigError
from components.tasks import task_of
from components.tasks.base import Task, TaskSettings
from components.tasks.ner.training import check_labels
from components.train.warm_start import warm_start
from tests.support.all_kinds import write_all_kinds

NONE = "is one of assertion status: Absent are what it says of entities, and it finds none"


def entities(*labels: str) -> Task:
    return task_of(TaskSettings(name="ner", kind="ner", labels=[*labels]))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that says the status of entities which others have to find."""
    folder = tmp_path_factory.mktemp("alone")
    nlp = spacy.load(write_all_kinds(folder / "all", {"fever": "FINDING"}))
    nlp.remove_pipe("entity_ruler")
    nlp.to_disk(folder / "model")
    return folder / "model"


def test_it_is_refused_wherever_it_is_opened(alone: Path) -> None:
    nlp = spacy.load(alone)
    with pytest.raises(ConfigError, match=f"the training config {NONE}"):
        check_labels(nlp, ["FINDING"])
    with pytest.raises(ConfigError, match=f"the model in production {NONE}"):
        warm_start(alone, lambda _: pytest.fail("trained"), [entities("FINDING")])
    with pytest.raises(ConfigError, match=f"the model in production {NONE}"):
        entities("FINDING").refuse(nlp, "the model in production")  # as `evaluate` does
    with pytest.raises(ConfigError, match=f"notes: its model {NONE}"):
        load([Source("notes", alone)])


def test_its_statuses_are_no_labels_of_entities(tmp_path: Path) -> None:
    nlp = spacy.load(write_all_kinds(tmp_path / "all", {"fever": "FINDING"}))
    with pytest.raises(ConfigError, match="Absent are what it says of entities, and not entities"):
        entities("Absent", "Present").refuse(nlp, "the model in production")
    entities("FINDING").refuse(nlp, "the model in production")
    task_of(TaskSettings(name="topic", kind="textcat", labels=["a", "b"])).refuse(nlp, "it")
