"""When a retrain is due: the stage as the pipeline runs it, against a real registry."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from components.__main__ import main
from components.records.record import Record, Span, write_records
from components.registry.base import Artefact
from components.registry.documents import EXAMPLES
from components.registry.examples import keys_of, write_keys
from components.registry.local import LocalRegistry
from components.registry.model_metadata import flat, with_teacher
from components.registry.promotion import add_and_promote
from tests.support.records import ner_record

MakeArtefact = Callable[..., Artefact]
CONTEXT = {"phase": "phase-1", "train": {"config": "cnn.cfg"}}


def records(number: int, label: str = "MONEY") -> list[Record]:
    return [ner_record(f"id-{n}", f"text {n}", [Span(0, 4, label)]) for n in range(number)]


class Stage:
    """Runs `due` on annotations of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registry = LocalRegistry(folder / "models")

    def annotations(self, annotated: list[Record]) -> Path:
        path = self.folder / "annotations.jsonl"
        write_records(path, annotated)
        return path

    def promote(
        self, artefact: Artefact, annotated: list[Record], context: Any = None, days: int = 0
    ) -> None:
        """Put a model that was made from these annotations in production."""
        kept = {EXAMPLES: self.folder / "kept.json", "facts.json": self.folder / "facts.json"}
        write_keys(kept[EXAMPLES], keys_of(self.annotations(annotated)))
        kept["facts.json"].write_text(json.dumps({"config": flat(context or CONTEXT)}))
        created = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
        lineage = artefact.lineage.model_copy(update={"created": created})
        documents = {**artefact.documents, **kept}
        add_and_promote(
            self.registry,
            "ner",
            "champion",
            replace(artefact, lineage=lineage, documents=documents),
        )

    def run(
        self,
        annotated: list[Record],
        *,
        digest: str = "new",
        when: str = "due",
        context: Any = None,
        **settings: int,
    ) -> tuple[str, str]:
        """The decision and why."""
        outputs = self.folder / "executor.json"
        arguments = {
            "executor-input": json.dumps({"outputs": {"outputFile": str(outputs)}}),
            "annotations": self.annotations(annotated),
            "registry": self.registry.folder,
            "model": "ner",
            "alias": "champion",
            "digest": digest,
            "context": json.dumps(context or CONTEXT),
            "when": when,
            "settings": json.dumps(settings),
            "examples": self.folder / "examples.json",
            "summary": self.folder / "summary.md",
        }
        words = [word for name, value in arguments.items() for word in (f"--{name}", str(value))]
        assert main(["due", *words]) == 0
        parameters = json.loads(outputs.read_text(encoding="utf-8"))["parameterValues"]
        assert parameters["why"] in (self.folder / "summary.md").read_text(encoding="utf-8")
        return parameters["decision"], parameters["why"]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_a_run_that_was_asked_for_always_trains(stage: Stage, artefact: MakeArtefact) -> None:
    stage.promote(artefact("pound", digest="same"), records(3))
    decision, why = stage.run(records(3), digest="same", when="always")
    assert (decision, why) == ("train", "asked for, whatever is new.")


def test_nothing_in_production_trains(stage: Stage) -> None:
    decision, why = stage.run(records(3))
    assert (decision, why) == ("train", "no version of ner is in production yet.")


def test_the_same_input_waits_however_old_the_model_is(
    stage: Stage, artefact: MakeArtefact
) -> None:
    stage.promote(artefact("pound", digest="same"), records(3), days=400)
    decision, why = stage.run(records(3), digest="same", max_age_days=30)
    assert decision == "wait"
    assert why.startswith("data and config are those of version 1 of ner: ")


def test_an_input_whose_model_was_held_back_waits(stage: Stage, artefact: MakeArtefact) -> None:
    stage.promote(artefact("pound"), records(3))
    add_and_promote(
        stage.registry, "ner", "champion", artefact("euro", digest="held", decision="hold")
    )
    decision, why = stage.run(records(9), digest="held")
    assert decision == "wait"
    assert "version 2 of ner, which the gate held back" in why


def test_enough_new_annotations_train_and_fewer_wait(stage: Stage, artefact: MakeArtefact) -> None:
    stage.promote(artefact("pound"), records(3))
    assert stage.run(records(5), min_new_examples=2)[0] == "train"
    decision, why = stage.run(records(4), min_new_examples=2)
    assert decision == "wait"
    assert why == "1 new or corrected annotation since version 1 of ner; a retrain needs 2."


def test_a_corrected_annotation_is_new_and_a_removed_one_is_not(
    stage: Stage, artefact: MakeArtefact
) -> None:
    stage.promote(artefact("pound"), records(3))
    corrected = [*records(2), *records(3, "DATE")[2:]]
    assert stage.run(corrected)[0] == "train"
    assert stage.run(records(2))[0] == "wait"


def test_an_old_model_is_trained_again_with_little_new(
    stage: Stage, artefact: MakeArtefact
) -> None:
    stage.promote(artefact("pound"), records(3), days=31)
    decision, why = stage.run(records(4), min_new_examples=50, max_age_days=31)
    assert (decision, why) == ("train", "version 1 is 31 days old, and 31 is the limit.")
    decision, why = stage.run(records(4), min_new_examples=50, max_age_days=32)
    assert decision == "wait"
    assert why.endswith("; a retrain needs 50, or an age of 32 days (it is 31).")


def test_a_changed_config_trains(stage: Stage, artefact: MakeArtefact) -> None:
    stage.promote(artefact("pound"), records(3), context={"phase": "phase-1"})
    assert stage.run(records(3)) == ("train", "the config has changed since version 1 of ner.")


def test_a_model_that_kept_no_list_is_trained_again(stage: Stage, artefact: MakeArtefact) -> None:
    add_and_promote(stage.registry, "ner", "champion", artefact("pound"))
    decision, why = stage.run(records(3))
    assert (decision, why) == (
        "train",
        "version 1 kept no list of its annotations to compare.",
    )


@pytest.mark.parametrize("content", ["{", '{"version": 2, "keys": []}'])
def test_a_damaged_list_is_reported(
    stage: Stage,
    artefact: MakeArtefact,
    content: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stage.promote(artefact("pound"), records(3))
    (stage.registry.folder / "ner" / "1" / EXAMPLES).write_text(content, encoding="utf-8")
    with pytest.raises(AssertionError):
        stage.run(records(3))
    assert f"due: {EXAMPLES} of " in capsys.readouterr().err


def test_another_teacher_trains_and_other_texts_for_it_do_not(
    stage: Stage, artefact: MakeArtefact
) -> None:
    taught = {**CONTEXT, "teacher": {"phase": "big"}}
    stage.promote(artefact("pound"), records(3), with_teacher(taught, "one", "texts"))
    now = with_teacher(taught, "one", "more texts")
    assert stage.run(records(3), context=now)[0] == "wait"
    decision, why = stage.run(records(3), context=with_teacher(taught, "two", "more texts"))
    assert decision == "train"
    assert why == "the teacher is another than that of version 1 of ner."
