"""Every mistake in a config gives one line: the file, the line, the key, what was expected."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.errors import ConfigError
from components.tasks import refuse_clashes, task_of
from components.tasks.base import TaskSettings
from pipelines.config.load import load

ROOT = Path(__file__).parents[3]
TINY = """\
name: tiny
defaults:
  train: {config: tiny.cfg}
phases:
  phase-1:
    labels: [ORG, EVENT]
    annotations: [a.jsonl]
    model: {name: one}
"""


def write(folder: Path, text: str, name: str = "tiny.yaml") -> Path:
    (folder / "tiny.cfg").write_text("[nlp]\n", encoding="utf-8")
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def message(folder: Path, text: str, *overrides: str) -> str:
    with pytest.raises(ConfigError) as error:
        load(write(folder, text), overrides)
    assert error.value.exit_code == 2
    return str(error.value).replace(f"{folder}/", "")


def test_the_production_config_says_what_the_team_runs() -> None:
    pipeline = load(ROOT / "configs/govuk.yaml").pipeline
    assert {name: phase.labels for name, phase in pipeline.phases.items()} == {
        "phase-1": ["MONEY", "FORM", "PERSON", "DATE", "POSTCODE", "EMAIL", "PHONE"],
        "phase-2": ["OCCUPATION", "ROLE", "TITLE", "GPE", "LOC", "FAC", "ORG", "EVENT"],
    }
    assert pipeline.vertex is not None
    assert pipeline.vertex.location == "europe-west2"
    for phase in pipeline.phases.values():
        train = phase.compute.train
        assert (train.machine, train.accelerator, train.count) == (
            "n1-standard-8",
            "NVIDIA_TESLA_T4",
            1,
        )
        assert phase.train.config == "roberta"
        assert all(source.path.startswith("gs://") for source in phase.annotations)


def test_defaults_reach_every_phase_and_a_phase_wins(tmp_path: Path) -> None:
    text = TINY.replace("defaults:", "defaults:\n  split: {seed: 3, test: 0.3}")
    text += "    split: {seed: 4}\n"
    split = load(write(tmp_path, text)).pipeline.phases["phase-1"].split
    assert (split.seed, split.test) == (4, 0.3)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("labels:", "lables:", "tiny.yaml:6: phases.phase-1.lables: unknown key. Did you mean 'l"),
        ("name: tiny", "nam: tiny", "tiny.yaml:1: nam: unknown key. Did you mean 'name'?"),
        ("[ORG, EVENT]", "ORG", "tiny.yaml:6: phases.phase-1.labels: Input should be a valid list"),
        ("[ORG, EVENT]", "[ORG, O]", "tiny.yaml:6: phases.phase-1.labels[1]: 'O' can't be a label"),
        ("[ORG, EVENT]", "[B-ORG]", "write the label alone, 'ORG', not 'B-ORG'"),
        ("[ORG, EVENT]", "[ORG, ORG]", "tiny.yaml:5: phases.phase-1: labels: listed twice: ORG"),
        ("model: {name: one}", "split: {}", "tiny.yaml:5: phases.phase-1.model: missing"),
        ("tiny.cfg", "gone.cfg", "tiny.yaml:3: phases.phase-1.train.config: can't read gone.cfg"),
        ("tiny.cfg", "tiny", "tiny.yaml:3: phases.phase-1.train.config: no training config named"),
        ("tiny.cfg", "tiny.cfg, sett: {}", "tiny.yaml:3: phases.phase-1.train.sett: unknown key"),
        (
            "name: tiny",
            "name: tiny\nname: two",
            "tiny.yaml:2:1: name: written twice, first on line",
        ),
        ("name: tiny", "name: [", "tiny.yaml:3:8: not valid YAML"),
        ("name: tiny", "name: tiny\ntarget: vertex", "add a `vertex` section"),
        ("name: tiny", "name: Tiny!", "tiny.yaml:1: name: String should match pattern"),
        (TINY, "- 1", "tiny.yaml:1: expected a YAML mapping"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert expected in message(tmp_path, TINY.replace(old, new))


TASKS = """\
name: tiny
phases:
  letters:
    tasks:
      entities: {kind: ner, labels: [ORG]}
      topic: {kind: textcat, labels: [tax, visa]}
      flags:
        kind: textcat
        exclusive: false
        labels: [urgent]
    gate: {tasks: {topic: {min_f: 0.9}}}
    annotations: [a.jsonl]
    train: {config: tiny.cfg}
    model: {name: one}
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("labels: [urgent]", "labels: []", "10: phases.letters.tasks.flags.labels: List should"),
        ("flags:", "topic:", "7:7: phases.letters.tasks.topic: written twice, first on line 6"),
        ("flags:", "a_b:", "7: phases.letters.tasks.a_b.[key]: String should match pattern"),
        ("[urgent]", "[tax]", "10: phases.letters.tasks.flags.labels: tax: topic has it, too"),
        ("[urgent]", "[ORG]", "10: phases.letters.tasks.flags.labels: ORG: entities has it, too"),
        ("[urgent]", "[a, a]", "7: phases.letters.tasks.flags: labels: listed twice: a"),
        ("[tax, visa]", "[tax]", "6: phases.letters.tasks.topic: one label alone, 'tax'"),
        ("[ORG]", "[ORG], exclusive: true", "5: phases.letters.tasks.entities.exclusive: unknown"),
        ("kind: ner", "kind: nerr", "5: phases.letters.tasks.entities.kind: no such kind 'nerr'"),
        (
            "{kind: textcat, labels: [tax, visa]}",
            "{kind: ner, labels: [GPE]}",
            "6: phases.letters.tasks.topic.kind: entities finds entities, too",
        ),
        (
            "{kind: textcat, labels: [tax, visa]}",
            "{kind: tests.support.topics, labels: [tax], weight: -1}",
            "6: phases.letters.tasks.topic.weight: Input should be greater than or equal to 0",
        ),
        (
            "topic: {kind: textcat, labels: [tax, visa]}",
            "topic: {kind: assertion, of: entities, labels: [ORG, tax]}",
            "6: phases.letters.tasks.topic.labels: ORG: both an entity of entities and a status of "
            "topic, so that nobody knows",
        ),
        (
            "topic: {kind: textcat, labels: [tax, visa]}",
            "topic: {kind: assertion, of: topic, labels: [tax, visa]}",
            "6: phases.letters.tasks.topic.of: topic is a task of assertion status and finds no "
            "entities, which topic speaks of: name one that does (entities)",
        ),
        (
            "topic: {kind: textcat, labels: [tax, visa]}",
            "topic: {kind: assertion, of: entitys, labels: [tax, visa]}",
            "6: phases.letters.tasks.topic.of: there is no task 'entitys' beside topic; there is "
            "entities",
        ),
        (
            "topic: {kind: textcat, labels: [tax, visa]}",
            "topic: {kind: assertion, of: entities, labels: [tax, visa], default: rent}",
            "6: phases.letters.tasks.topic: default: 'rent' is none of the labels",
        ),
        ("{topic:", "{topik:", "11: phases.letters.gate.tasks.topik: there is no such task; there"),
        ("min_f: 0.9", "min_f: 9", "11: phases.letters.gate.tasks.topic: min_f: Input should be"),
    ],
)
def test_a_mistake_in_tasks_is_named_where_it_is(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert f"tiny.yaml:{expected}" in message(tmp_path, TASKS.replace(old, new))


def test_a_task_of_another_that_is_not_there_is_named() -> None:
    settings = {"kind": "tests.support.topics", "labels": ["x"], "of": "gone"}
    task = task_of(TaskSettings.model_validate({"name": "status", **settings}))
    with pytest.raises(ConfigError, match=r"tasks\.status\.of: there is no task 'gone' beside"):
        refuse_clashes([task])


def test_every_mistake_is_reported_at_once(tmp_path: Path) -> None:
    text = TINY.replace("labels:", "lables:").replace("model: {", "model: {alias: candidate, ")
    lines = message(tmp_path, text).splitlines()
    assert [line.split(": ")[1] for line in lines] == [
        "phases.phase-1.labels",
        "phases.phase-1.model.alias",
        "phases.phase-1.lables",
    ]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml: no such file"):
        load(tmp_path / "gone.yaml")


def test_code_is_read_and_a_missing_or_long_one_is_named(tmp_path: Path) -> None:
    text = TINY.replace("tiny.cfg}", "tiny.cfg, code: mine.py}")
    assert "tiny.yaml:3: phases.phase-1.train.code: can't read mine.py" in message(tmp_path, text)
    (tmp_path / "mine.py").write_text("x = 1\n", encoding="utf-8")
    assert load(write(tmp_path, text)).training_code == {"phase-1": "x = 1\n"}
    (tmp_path / "mine.py").write_text("x = '{{$}}'", encoding="utf-8")
    assert "mine.py holds '{{$', and KFP would" in message(tmp_path, text)
    (tmp_path / "mine.py").write_text("#" * 100_001, encoding="utf-8")
    assert "mine.py has more than 100,000 bytes" in message(tmp_path, text)


def test_two_phases_may_not_write_one_model(tmp_path: Path) -> None:
    text = TINY + TINY[TINY.index("  phase-1") :].replace("phase-1", "phase-2")
    assert "two phases write the model one" in message(tmp_path, text)


def test_an_overlay_changes_a_few_values(tmp_path: Path) -> None:
    write(tmp_path, TINY)
    overlay = write(tmp_path, "extends: tiny.yaml\nregistry: elsewhere\n", "dev.yaml")
    pipeline = load(overlay).pipeline
    assert (pipeline.name, pipeline.registry) == ("tiny", "elsewhere")


def test_a_mistake_below_an_overlay_names_the_file_that_has_it(tmp_path: Path) -> None:
    write(tmp_path, TINY.replace("name: tiny", "name: 7"))
    overlay = write(tmp_path, "extends: tiny.yaml\nregistry: elsewhere\n", "dev.yaml")
    with pytest.raises(ConfigError, match=r"tiny\.yaml:1: name: Input should be a valid string"):
        load(overlay)


def test_set_changes_the_config_and_the_training_config(tmp_path: Path) -> None:
    text = TINY.replace("defaults:", "defaults:\n  split: {seed: 3}")
    text += text[text.index("  phase-1") :].replace("phase-1", "phase-2").replace("one", "two")
    phases = load(
        write(tmp_path, text),
        ["phases.phase-1.split.seed=5", "phases.phase-1.training.optimizer.learn_rate=1e-4"],
    ).pipeline.phases
    assert [phase.split.seed for phase in phases.values()] == [5, 3]
    assert [phase.train.set for phase in phases.values()] == [
        {"training.optimizer.learn_rate": 1e-4},
        {},
    ]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        (
            "phases.phase-9.split.seed=1",
            "no phase 'phase-9'. Did you mean 'phase-1'? The phases are phase-1",
        ),
        ("split.seed", "expected KEY=VALUE"),
        ("phases.phase-1.split.sed=1", "phases.phase-1.split.sed: unknown key. Did you mean 'see"),
        ("name.x=1", "--set name.x=1: name is not a section"),
        ("phases.phase-1.training.logger=null", "train.set: training.logger is null, which"),
        ("phases.phase-1.train.set={a.b: [1, {c: }]}", "train.set: a.b is null, which"),
        ("phases.phase-1.trian.config=cnn", "its spaCy config. Did you mean 'train'?"),
        ("phases.phase-1.trainnig.max_steps=1", "its spaCy config. Did you mean 'training'?"),
        ("phases.phas-1.split.seed=1", "no phase 'phas-1'. Did you mean 'phase-1'?"),
    ],
)
def test_a_wrong_override_is_named(tmp_path: Path, override: str, expected: str) -> None:
    assert expected in message(tmp_path, TINY, override)


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("99 77 45 13 9", "minute: expected numbers from 0 to 59"),
        ("0 24 * * *", "hour: expected numbers from 0 to 23"),
        ("0 3 0 * *", "day: expected numbers from 1 to 31"),
        ("0 3 * 13 *", "month: expected numbers from 1 to 12"),
        ("0 3 * * 7", "weekday: expected numbers from 0 to 6"),
        ("0 3 * * 5-1", "weekday: expected numbers from 0 to 6, rising"),
        ("*/0 3 * * *", "minute: expected numbers from 0 to 59"),
        ("0 3 * * MON", "weekday: expected *, numbers, ranges, lists or steps"),
        ("0 3 * *", "expected five fields"),
        ("0 3 30 2 *", "it would never run, not '0 3 30 2 *'"),
        ("0 3 31 4,6 */1", "it would never run"),
        ("0 3 30 2 1,*", "it would never run"),
    ],
)
def test_cron_that_no_clock_meets_is_refused(tmp_path: Path, cron: str, expected: str) -> None:
    text = message(tmp_path, f"{TINY}schedule: {{cron: '{cron}'}}\n")
    assert "schedule.cron" in text and expected in text
    assert text.count(", not ") <= 1


@pytest.mark.parametrize(
    "cron", ["0 3 * * 1", "*/15 8-18/2 1,15 * 1-5", "5/10 0 31 1,2 *", "0 0 29 2 *", "0 3 30 2 1"]
)
def test_cron_of_both_services_is_taken(tmp_path: Path, cron: str) -> None:
    loaded = load(write(tmp_path, f"{TINY}schedule: {{cron: '{cron}'}}\n"))
    assert loaded.pipeline.schedule and loaded.pipeline.schedule.cron == cron


def test_all_paths_of_a_linked_config_start_where_the_file_lies(tmp_path: Path) -> None:
    """`extends` and `train.config` as well as annotations; a file beside the link counts not."""
    (tmp_path / "there").mkdir()
    (tmp_path / "here").mkdir()
    write(tmp_path / "there", TINY, "base.yaml")
    write(tmp_path / "there", "extends: base.yaml\nname: mine\n")
    (tmp_path / "here/tiny.cfg").write_text("[wrong]\n", encoding="utf-8")
    link = tmp_path / "here/link.yaml"
    link.symlink_to("../there/tiny.yaml")
    loaded = load(link)
    assert loaded.folder == (tmp_path / "there").resolve()
    assert loaded.training_configs == {"phase-1": "[nlp]\n"}
    assert loaded.pipeline.name == "mine"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    for name in ("pipe.yaml", "."):
        with pytest.raises(ConfigError, match="is no file"):
            load(tmp_path / name)
    assert "extends: no file" in message(tmp_path, f"extends: {'x' * 5000}\n{TINY}")


def test_a_label_that_yaml_reads_as_something_else_is_to_be_quoted(tmp_path: Path) -> None:
    text = TINY.replace("[ORG, EVENT]", "[NULL, true]")
    said = message(tmp_path, text)
    assert "labels[0]: Input should be a valid string, not null. Quote it if it is a text" in said
    assert "labels[1]: Input should be a valid string, not true." in said


def test_a_day_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    text = TINY + "    ingest: {select: {since: 2025-02-30}}\n"
    assert "tiny.yaml:9: phases.phase-1.ingest.select.since: " in message(tmp_path, text)
    said = message(tmp_path, TINY, "phases.phase-1.ingest.select.since=2025-02-30")
    assert "not '2025-02-30'" in said


def test_cron_fields_may_be_any_space_apart(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, f"{TINY}schedule: {{cron: '0  3 * *\t1'}}\n"))
    assert loaded.pipeline.schedule
    assert loaded.pipeline.schedule.cron == "0 3 * * 1"


@pytest.mark.parametrize(
    "root",
    [
        "gs://",
        "gs:///runs",
        "gs://Bad Bucket/x",
        "s3://b",
        "gs://b'/x",
        "gs://bucket/../other",
        "gs://bucket//runs",
        "gs://bucket/*",
    ],
)
def test_a_pipeline_root_without_a_bucket_is_refused(tmp_path: Path, root: str) -> None:
    vertex = f'vertex: {{project: p, location: l, pipeline_root: "{root}"}}\n'
    said = message(tmp_path, TINY + vertex)
    assert "vertex.pipeline_root: expected gs://BUCKET/FOLDER" in said


TAUGHT = (
    TINY
    + """\
  small:
    labels: [ORG]
    annotations: [a.jsonl]
    model: {name: small}
    teacher: {phase: phase-1, texts: [pool.txt]}
"""
)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("phase: phase-1", "phase: big", "there is no phase 'big'; there is phase-1, small"),
        ("phase: phase-1", "phase: small", "small is taught by small: nobody begins"),
        ("phase: phase-1", "model: x, phase: phase-1", "give `phase`, or `model`, and not both"),
        ("phase: phase-1, ", "", "give `phase`, or `model`, and not both"),
        ("phase: phase-1, texts: [pool.txt]", "phase: phase-1", "teacher.texts: missing"),
        ("[pool.txt]", "[pool.txt], skip: 0.5", "need `accept`"),
        ("[pool.txt]", "[pool.txt], accept: 0.4, skip: 0.5", "must not be above accept"),
        ("labels: [ORG]\n", "labels: [DATE]\n", "phase-1 has no label of the task ner: DATE"),
        (
            "labels: [ORG]\n",
            "task: textcat\n    labels: [A, B]\n",
            "phase-1 has no task textcat of kind textcat",
        ),
        (
            "teacher: {phase: phase-1, texts: [pool.txt]}",
            "gate: {min_teacher_precision: 0.9}",
            "gate.min_teacher_precision needs a `teacher`",
        ),
    ],
)
def test_a_teacher_that_cannot_teach_is_named(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert expected in message(tmp_path, TAUGHT.replace(old, new))


def test_teachers_come_first_and_one_that_is_left_out_is_the_one_in_production(
    tmp_path: Path,
) -> None:
    text = TAUGHT.replace("texts: [pool.txt]}", "texts: [pool.txt]}\n  other:\n    labels: [ORG]\n"
        "    annotations: [a.jsonl]\n    model: {name: other}")  # fmt: skip
    pipeline = load(write(tmp_path, text)).pipeline
    reverse = pipeline.model_copy(update={"phases": dict([*pipeline.phases.items()][::-1])})
    assert reverse.in_order == ["other", "phase-1", "small"]
    assert pipeline.teacher_of("small") == "one@champion"
    alone = pipeline.only(["small"])
    assert [*alone.phases] == ["small"]
    assert alone.teacher_of("small") == "one@champion"
    assert alone.phases["small"].teacher.phase == ""  # type: ignore[union-attr]
    assert pipeline.phases["small"].stages[1:4] == ["split", "label", "convert"]
    assert "label" not in pipeline.phases["phase-1"].stages
