"""A head of statuses on spaCy's own update: what it is asked of, and batches that say nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spacy.language import Language
from spacy.tokens import Span
from spacy.training import Example

from components.errors import ConfigError
from components.tasks import Task, tasks_of
from components.train.config import read_config
from components.train.run import initialise
from tests.components.train.conftest import CONFIGS

TASKS = [
    {"name": "entities", "kind": "ner", "labels": ["DATE", "MONEY"]},
    {"name": "status", "kind": "assertion", "of": "entities", "labels": ["past", "due"]},
]
SMALL = {
    "components.tok2vec.model.encode.width": 16,
    "components.tok2vec.model.encode.depth": 1,
    "components.tok2vec.model.embed.rows": [50, 50, 50, 50],
    "training.optimizer.learn_rate.warmup": 0,
}


@pytest.fixture
def prepared(corpora: tuple[Path, Path]) -> tuple[Language, list[Example], Task]:
    tasks = tasks_of(json.dumps(TASKS))
    text = (CONFIGS / "cnn-tasks.cfg").read_text(encoding="utf-8")
    nlp, training = initialise(read_config(text, SMALL, tasks), *corpora, use_gpu=-1)
    for task in tasks:
        assert task.check_pipeline(nlp) == []
        task.before_training(nlp, {})
    return nlp, list(training.train(nlp))[:8], tasks[1]


def gradient(nlp: Language) -> float:
    """How much the shared network is told to change."""
    model: Any = nlp.get_pipe("tok2vec").model  # type: ignore[attr-defined]
    return float(
        sum(np.abs(node.get_grad(name)).sum() for node in model.walk() for name in node.grad_names)
    )


def update(nlp: Language, batch: list[Example]) -> dict[str, float]:
    losses: dict[str, float] = {}
    nlp.update(batch, sgd=False, losses=losses)  # type: ignore[arg-type]
    return losses


def test_a_batch_without_a_status_teaches_the_entities_all_the_same(
    prepared: tuple[Language, list[Example], Task],
) -> None:
    nlp, batch, _ = prepared
    nlp.update(batch, sgd=nlp.create_optimizer())  # the parser's last layer is zero before
    losses = update(nlp, batch)
    assert losses["status"] == 0
    assert losses["entities"] > 0
    assert gradient(nlp) > 0


def test_what_is_asked_is_what_annotators_marked(
    prepared: tuple[Language, list[Example], Task],
) -> None:
    nlp, batch, task = prepared
    for example in batch[:3]:
        [entity] = example.reference.ents
        example.reference.spans["status"] = [
            Span(example.reference, entity.start, entity.end, "due")
        ]
    losses = update(nlp, batch)
    # Three entities, of which each status has a half: nothing is lost to spaCy's label of no span.
    assert losses["status"] == pytest.approx(3 * 2 * 0.5**2, abs=1e-3)
    [doc] = nlp.pipe([batch[0].predicted.copy()])
    assert {span.label_ for span in doc.spans["status"]} <= {"past", "due"}
    assert len(doc.spans["status"]) == len(doc.ents)
    task.ask(nlp, [Example(doc, batch[0].reference)])
    assert len(doc.spans["status_of_annotated"]) == 1
    assert len(doc.spans["status"]) == len(doc.ents)  # what it said by itself is as it was


def test_a_pipeline_that_says_no_status_is_refused(
    prepared: tuple[Language, list[Example], Task],
) -> None:
    nlp, _, _ = prepared
    nlp.remove_pipe("status")
    task = tasks_of(json.dumps(TASKS))[1]
    with pytest.raises(ConfigError, match="no component spancat_singlelabel with spans_key"):
        task.check_pipeline(nlp)
