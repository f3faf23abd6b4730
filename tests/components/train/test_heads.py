"""Several tasks on one network: a head each, and nothing is learnt of what nobody said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from confection import Config
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.training import Example
from thinc.api import Model

from components.errors import ConfigError
from components.tasks import tasks_of
from components.tasks.base import Task
from components.train.adam import finish_update
from components.train.config import read_config
from components.train.heads import with_heads
from components.train.rates import create_adam
from components.train.run import initialise
from tests.components.train.conftest import CONFIGS, write_shard

TASKS = [
    {"name": "entities", "kind": "ner", "labels": ["ORG"]},
    {"name": "topic", "kind": "textcat", "labels": ["tax", "visa"]},
    {"name": "flags", "kind": "textcat", "exclusive": False, "labels": ["urgent"], "weight": 2.0},
]
TINY = {
    "components.tok2vec.model.encode.width": 16,
    "components.tok2vec.model.encode.depth": 1,
    "components.tok2vec.model.embed.rows": [50, 50, 50, 50],
}


def tasks(chosen: list[dict[str, Any]] = TASKS) -> tuple[Task, ...]:
    return tasks_of(json.dumps(chosen))


def text_of(name: str) -> str:
    return (CONFIGS / f"{name}.cfg").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["minilm-tasks", "cnn-tasks", "roberta-tasks"])
def test_each_task_gets_a_head_of_its_kind(name: str) -> None:
    config = read_config(text_of(name), {"components.topic.model.use_reduce_max": True}, tasks())
    shared, *heads = config["nlp"]["pipeline"]
    tagger = ["entities_tags"] if shared == "transformer" else []
    assert heads == [*tagger, "entities", "topic", "flags"]
    parts = config["components"]
    assert parts["topic"]["factory"] == "textcat"
    assert parts["flags"]["factory"] == "textcat_multilabel"
    assert parts["topic"]["model"]["use_reduce_max"] is True  # an override reaches a head
    weights = {key: weight for key, weight in config["training"]["score_weights"].items() if weight}
    assert weights == {"ents_f": 1.0, "topic_score": 1.0, "flags_score": 2.0}


def test_classifiers_come_last_whatever_the_order_of_tasks() -> None:
    """A parser says nothing to its network where nothing is to learn; the last listener must."""
    config = read_config(text_of("cnn-tasks"), {}, tasks(TASKS[::-1]))
    assert config["nlp"]["pipeline"] == ["tok2vec", "entities", "flags", "topic"]


def test_a_config_with_a_head_stays_as_it_is() -> None:
    given = Config().from_str(text_of("cnn"), interpolate=False)
    assert with_heads(given, tasks()) is given


def test_a_name_or_a_function_that_is_taken_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"tasks.tok2vec: .* component tok2vec of its own"):
        read_config(text_of("cnn-tasks"), {}, tasks([{**TASKS[0], "name": "tok2vec"}]))
    own = text_of("minilm-tasks").replace(
        "after_init = null\n", '\n[initialize.after_init]\n@callbacks = "mine.v1"\n\n', 1
    )
    with pytest.raises(ConfigError, match=r"initialize.after_init is taken: .* retrain.entities"):
        with_heads(Config().from_str(own, interpolate=False), tasks())


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_classifier_of_the_other_kind_is_refused_before_anything_runs(exclusive: bool) -> None:
    """So that `retrain check` says it."""
    task = tasks([{**TASKS[1], "exclusive": exclusive}])
    kinds = {True: "textcat", False: "textcat_multilabel"}

    def read(factory: str, classes: bool) -> None:
        changes = {
            "components.classes.factory": factory,
            "components.classes.model.exclusive_classes": classes,
        }
        read_config(text_of("cnn-classes"), changes, task)

    read(kinds[exclusive], exclusive)
    for wrong in ((kinds[not exclusive], not exclusive), (kinds[exclusive], not exclusive)):
        with pytest.raises(ConfigError, match=f"exclusive_classes to {str(exclusive).lower()};"):
            read(*wrong)


def test_a_kind_without_a_head_says_so() -> None:
    foreign = {"name": "own", "kind": "tests.support.topics", "labels": ["x"]}
    with pytest.raises(ConfigError, match=r"the task own, and its kind, tests\.support\.topics"):
        read_config(text_of("cnn-tasks"), {}, tasks([foreign]))


@pytest.fixture
def nlp(tmp_path: Path) -> Language:
    """A pipeline with three heads, initialised on a few letters."""
    made = Language()
    docs = []
    for number in range(12):
        doc = made.make_doc("HMRC wants tax" if number % 2 else "HMRC gives visas")
        doc.set_ents([doc.char_span(0, 4, "ORG")])
        doc.cats = {"tax": float(number % 2), "visa": float(1 - number % 2), "urgent": 1.0}
        docs.append(doc)
    for split in ("train", "dev"):
        (tmp_path / split).mkdir()
        write_shard(tmp_path / split, DocBin(docs=docs, store_user_data=True))
    config = read_config(text_of("cnn-tasks").replace('lang = "en"', 'lang = "xx"'), TINY, tasks())
    nlp, _ = initialise(config, tmp_path / "train", tmp_path / "dev", use_gpu=-1)
    for task in tasks():
        task.check_pipeline(nlp)
        task.before_training(nlp, {})
    return nlp


def test_a_head_knows_the_labels_of_its_own_task(nlp: Language) -> None:
    assert nlp.pipe_labels["topic"] == ["tax", "visa"]
    assert nlp.pipe_labels["flags"] == ["urgent"]
    assert [task.model_labels(nlp) for task in tasks()] == [("ORG",), ("tax", "visa"), ("urgent",)]


SAID = {
    "entities": {"entities": [(0, 4, "ORG")]},
    "topic": {"cats": {"tax": 1.0, "visa": 0.0}},
    "flags": {"cats": {"urgent": 0.0}},
}


ALL = {"entities": [(0, 4, "ORG")], "cats": {"tax": 0.0, "visa": 1.0, "urgent": 1.0}}


@pytest.mark.parametrize("task", SAID)
def test_only_the_head_of_a_task_that_is_annotated_learns(nlp: Language, task: str) -> None:
    whole = Example.from_dict(nlp.make_doc("HMRC gives visas"), ALL)
    nlp.update([whole], sgd=False)  # type: ignore[arg-type]
    optimizer = create_adam(0.01, 1.0)
    for _, pipe in nlp.pipeline:  # heads begin at zero, and send nothing down
        finish_update(pipe.model, optimizer)  # type: ignore[attr-defined]
    example = Example.from_dict(nlp.make_doc("HMRC wants tax"), SAID[task])
    assert not any(gradients(nlp).values())
    losses = nlp.update([example], sgd=False, losses={})  # type: ignore[arg-type]
    learnt = {name for name, gradient in gradients(nlp).items() if gradient}
    assert learnt == {"tok2vec", task}
    assert {name for name, loss in losses.items() if loss} == {"tok2vec", task}


def gradients(nlp: Language) -> dict[str, bool]:
    """Component -> whether it has a gradient other than zero."""
    return {
        name: any(
            bool(np.any(node.get_grad(key)))
            for node in pipe.model.walk()
            for key in node.param_names
            if node.has_grad(key)
        )
        for name, pipe in nlp.pipeline
        if isinstance(getattr(pipe, "model", None), Model)
    }


def test_each_head_has_a_learning_rate_of_its_own(nlp: Language) -> None:
    optimizer = create_adam(0.001, 10.0, use_averages=False, head_rates={"topic": 3.0})
    optimizer.learn(nlp)
    moved = {}
    for name in ("topic", "flags"):
        layer = nlp.get_pipe(name).model.get_ref("output_layer")  # type: ignore[attr-defined]
        before = layer.get_param("b").copy()
        after, _ = optimizer((layer.id, "b"), layer.get_param("b"), np.ones_like(before))
        moved[name] = float(np.abs(after - before).max())
    assert moved == pytest.approx({"topic": 0.003, "flags": 0.01}, rel=1e-2)
    with pytest.raises(ConfigError, match="head_rates names gone; the pipeline has tok2vec, "):
        create_adam(0.001, 10.0, head_rates={"gone": 3.0}).learn(nlp)
