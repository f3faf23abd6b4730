"""`retrain init` writes a config that `retrain check` accepts; both say what is wrong."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.config.languages import NAME
from pipelines.config.load import load
from pipelines.config.profile import profile_of
from pipelines.config.scaffold import first_config, scaffold
from pipelines.config.schema import Phase

ROOT = Path(__file__).parents[3]


def retrain(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelines", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "My export (2024).jsonl"
    path.write_bytes((ROOT / "configs/sample/phase1.jsonl").read_bytes())
    return path


def test_a_first_config_has_the_exports_labels_and_passes_its_check(export: Path) -> None:
    result = retrain(export.parent, "init", export.name, "-o", "conf/my.yaml")
    assert result.returncode == 0, result.stderr
    pipeline = load(export.parent / "conf/my.yaml").pipeline
    (phase,) = pipeline.phases.values()
    labels = ["MONEY", "FORM", "PERSON", "DATE", "POSTCODE", "EMAIL", "PHONE"]
    assert sorted(phase.labels) == sorted(labels)
    assert phase.split.group_by == "meta.base_path"
    checked = retrain(export.parent, "check", "conf/my.yaml", "--json")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    (phase,) = json.loads(checked.stdout).values()
    records = phase["data"]["records"]
    assert records["in"] == records["kept"] + records["skipped"] + records["quarantined"]
    assert records["in"] == len(export.read_bytes().splitlines())


def test_the_counts_in_a_first_config_are_those_of_the_export(export: Path) -> None:
    money = sum(
        span["label"] == "MONEY"
        for line in export.read_text(encoding="utf-8").splitlines()
        if line.startswith("{") and '"answer":"accept"' in line and line.endswith("}")
        for span in json.loads(line).get("spans", [])
    )
    assert (
        f"- MONEY  # {money} in " in retrain(export.parent, "init", export.name, "-o", "-").stdout
    )


def test_init_never_overwrites(export: Path) -> None:
    config = export.parent / "my.yaml"
    config.write_text("mine", encoding="utf-8")
    result = retrain(export.parent, "init", export.name, "-o", "my.yaml")
    assert result.returncode == 2
    assert "is already there" in result.stderr
    assert config.read_text(encoding="utf-8") == "mine"


def test_init_of_an_export_without_labels_is_bad_data(tmp_path: Path) -> None:
    row = {"text": "A bug", "answer": "accept"}
    (tmp_path / "plain.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    result = retrain(tmp_path, "init", "plain.jsonl", "-o", "my.yaml")
    assert result.returncode == 3
    assert "1 accepted, and nothing is marked or chosen" in result.stderr
    assert not (tmp_path / "my.yaml").exists()


@pytest.mark.parametrize(("answer", "said"), [("reject", "rejected"), ("ignore", "ignored")])
def test_init_of_rejections_alone_says_so(tmp_path: Path, answer: str, said: str) -> None:
    rows = [{"text": text, "label": "BUG", "answer": answer} for text in ("A bug", "A wish")]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "no.jsonl").write_text(lines, encoding="utf-8")
    result = retrain(tmp_path, "init", "no.jsonl", "-o", "my.yaml")
    assert result.returncode == 3
    assert f"nothing to learn from 2 records: 2 {said}." in result.stderr
    assert "--format" not in result.stderr


def test_init_of_classes_is_a_config_of_classes(tmp_path: Path) -> None:
    options = [{"id": "BUG", "text": "Bug"}, {"id": "WISH", "text": "Wish"}]
    choices = [
        {"text": "A", "options": options, "accept": ["BUG"], "answer": "accept"},
        {"text": "B", "options": options, "accept": ["WISH"], "answer": "accept"},
    ]
    asked = [
        {"text": "A", "label": "BUG", "answer": "reject"},
        {"text": "B", "label": "BUG", "answer": "accept"},
    ]
    for name, rows in (("choice", choices), ("binary", asked)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(lines, encoding="utf-8")
        assert retrain(tmp_path, "init", f"{name}.jsonl", "-o", f"{name}.yaml").returncode == 0
    phase = load(tmp_path / "choice.yaml").pipeline.phases["choice"]
    (task,) = phase.all_tasks
    assert (task.kind, task.labels) == ("textcat", ["BUG", "WISH"])
    assert task.model_dump()["exclusive"] is True
    phase = load(tmp_path / "binary.yaml").pipeline.phases["binary"]
    (task,) = phase.all_tasks
    assert (task.labels, task.model_dump()["exclusive"]) == (["BUG"], False)
    assert phase.train.set["components.classes.factory"] == "textcat_multilabel"


def test_init_tells_one_class_of_several_from_any_of_them(tmp_path: Path) -> None:
    """By what the tool let choose, whatever a few records lack; else by what was chosen."""

    def exclusive(name: str, content: str) -> bool:
        (tmp_path / name).write_text(content, encoding="utf-8")
        config = tmp_path / f"{name}.yaml"
        config.write_text(
            scaffold([tmp_path / name], tmp_path, profile_of(tmp_path / name)), "utf-8"
        )
        ((task,),) = (one.all_tasks for one in load(config).pipeline.phases.values())
        return bool(task.model_dump()["exclusive"])

    def choices(style: str, *more: list[str]) -> str:
        rows = [[label] for label in ("BUG", "WISH") for _ in range(4)] + [*more]
        return "".join(
            json.dumps(
                {
                    "text": f"text {number}",
                    "options": [{"id": "BUG"}, {"id": "WISH"}],
                    "accept": accept,
                    "answer": "accept",
                    "config": {"choice_style": style},
                }
            )
            + "\n"
            for number, accept in enumerate(rows)
        )

    assert exclusive("single.jsonl", choices("single", [], []))
    assert not exclusive("multiple.jsonl", choices("multiple"))
    assert exclusive("one.csv", "text,label\na,BUG\nb,WISH\n")
    assert not exclusive("several.csv", "text,label\na,BUG\nb,BUG|WISH\n")


def init_of_choices(folder: Path, *classes: str) -> tuple[Phase, str]:
    """The phase that `init` writes for a text with an entity and one without, each with a class."""
    label = {"type": "labels", "value": {"start": 0, "end": 3, "labels": ["PER"], "text": "Ada"}}
    choices = [{"type": "choices", "value": {"choices": [name]}} for name in classes]
    tasks = [
        {"data": {"text": text}, "annotations": [{"result": [*labels, choice]}]}
        for text, labels, choice in zip(
            ("Ada left", "Nobody left"), ([label], []), choices, strict=True
        )
    ]
    export, config = folder / "tasks.json", folder / "my.yaml"
    export.write_text(json.dumps(tasks), encoding="utf-8")
    config.write_text(scaffold([export], folder, profile_of(export)), encoding="utf-8")
    (phase,) = load(config).pipeline.phases.values()
    return phase, config.read_text(encoding="utf-8")


def test_init_of_labels_and_choices_is_a_config_of_both(tmp_path: Path) -> None:
    phase, _ = init_of_choices(tmp_path, "news", "mail")
    assert [(task.kind, task.labels) for task in phase.all_tasks] == [
        ("ner", ["PER"]),
        ("textcat", ["mail", "news"]),
    ]
    assert phase.train.config == "minilm-tasks"


def test_init_of_spans_that_overlap_is_a_config_of_them(tmp_path: Path) -> None:
    """By what Prodigy asked for, or by what is there; a stray overlap is a mistake."""
    cue, scope = {"start": 0, "end": 2, "label": "CUE"}, {"start": 0, "end": 8, "label": "SCOPE"}

    def kind_of(name: str, rows: list[dict[str, object]]) -> str:
        path = tmp_path / name
        path.write_text("".join(json.dumps({"answer": "accept", **row}) + "\n" for row in rows))
        (tmp_path / f"{name}.yaml").write_text(scaffold([path], tmp_path, profile_of(path)))
        (phase,) = load(tmp_path / f"{name}.yaml").pipeline.phases.values()
        assert phase.train.config == f"minilm-{'tokens' if phase.task == 'ner' else 'tasks'}"
        return phase.task

    both = {"text": "no fever", "spans": [cue, scope]}
    one = {"text": "no fever", "spans": [cue]}
    assert kind_of("asked", [{**one, "_view_id": "spans_manual"}]) == "spans"
    assert kind_of("there", [both, one]) == "spans"
    assert kind_of("stray", [both, *[one] * 30]) == "ner"


def test_init_leaves_out_a_class_that_is_every_answer(tmp_path: Path) -> None:
    phase, text = init_of_choices(tmp_path, "news", "news")
    assert [(task.kind, task.labels) for task in phase.all_tasks] == [("ner", ["PER"])]
    assert "# Left out: the class news, which is every answer: nothing to learn." in text


def test_what_rows_of_both_hold_is_counted_as_ingest_counts_it(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {
            "text": f"Letter {number} from HMRC",
            "spans": [{"start": 14 + (number > 9), "end": 18 + (number > 9), "label": "ORG"}],
            "accept": [["tax"], ["tax", "visa"]][number % 2],
            "_view_id": "blocks",
            "answer": "accept",
        }
        for number in range(30)
    ]
    # What a pattern highlights in a question about the text is no entity.
    highlight = {"start": 0, "end": 3, "label": "tax"}
    rows.append(
        {"text": "Pay tax", "spans": [highlight], "label": "tax", "_view_id": "classification",
         "answer": "accept"}
    )  # fmt: skip
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "letters.jsonl").write_text(lines, encoding="utf-8")
    made = retrain(tmp_path, "init", "letters.jsonl", "-o", "my.yaml")
    assert made.returncode == 0, made.stderr
    (phase,) = load(tmp_path / "my.yaml").pipeline.phases.values()
    assert [task.labels for task in phase.all_tasks] == [["ORG"], ["tax", "visa"]]
    checked = retrain(tmp_path, "check", "my.yaml", "--json")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tasks = json.loads(checked.stdout)["letters"]["data"]["tasks"]
    counts = {name: row["count"] for one in tasks.values() for name, row in one["labels"].items()}
    assert counts == {"ORG": 30, "tax": 31, "visa": 15}


def test_check_tells_every_problem_of_a_phase(export: Path) -> None:
    retrain(export.parent, "init", export.name, "-o", "my.yaml")
    config = export.parent / "my.yaml"
    text = config.read_text(encoding="utf-8").replace("- MONEY", "- MONIES")
    wrong = "config: minilm-tokens\n      set: {training.max_stepz: 9}"
    config.write_text(text.replace("config: minilm-tokens", wrong), encoding="utf-8")
    result = retrain(export.parent, "check", "my.yaml")
    assert result.returncode == 2
    assert "training.max_stepz" in result.stdout
    assert "MONEY" in result.stdout
    assert "Traceback" not in result.stderr


def test_check_tells_that_languages_differ(export: Path) -> None:
    retrain(export.parent, "init", export.name, "-o", "my.yaml")
    config = export.parent / "my.yaml"
    text = config.read_text(encoding="utf-8").replace("    language: en ", "    #")
    config.write_text(
        text.replace("    train:\n", "    convert: {language: fr}\n    train:\n"), encoding="utf-8"
    )
    result = retrain(export.parent, "check", "my.yaml")
    assert result.returncode == 2
    assert "convert.language is 'fr', nlp.lang of the training config 'en'" in result.stdout


def test_one_language_reaches_every_place(export: Path) -> None:
    retrain(export.parent, "init", export.name, "-o", "my.yaml")
    config = export.parent / "my.yaml"
    english = config.read_text(encoding="utf-8")
    assert "    language: en  # by letters and words\n" in english
    text = english.replace("language: en", "language: da")
    config.write_text(text, encoding="utf-8")
    (phase,) = load(config).pipeline.phases.values()
    assert phase.ingest.language == phase.convert.language == phase.train.set["nlp.lang"] == "da"
    assert phase.train.set[NAME] == "intfloat/multilingual-e5-small"
    assert phase.train.set["training.optimizer.head_rate"] == 80
    said = retrain(export.parent, "check", "my.yaml").stdout
    assert "intfloat/multilingual-e5-small, of about a hundred languages; not on" in said
    assert "look as if they were in 'en', by their letters and words, and the language is" in said
    assert "800 Danish sentences" not in said


def test_no_place_may_say_another_language(export: Path) -> None:
    retrain(export.parent, "init", export.name, "-o", "my.yaml")
    config = export.parent / "my.yaml"
    text = config.read_text(encoding="utf-8")
    clash = text.replace("    train:\n", "    convert: {language: fr}\n    train:\n")
    config.write_text(clash, encoding="utf-8")
    result = retrain(export.parent, "check", "my.yaml")
    assert result.returncode == 2
    line = clash.splitlines().index("    convert: {language: fr}") + 1
    assert f"my.yaml:{line}: phases.my-export-2024.convert.language: is 'fr', and `language`" in (
        result.stderr.replace("\n", " ")
    )
    own = text.replace(
        "config: minilm-tokens\n", "config: minilm-tokens\n      set: {nlp.lang: fr}\n"
    )
    config.write_text(own, encoding="utf-8")
    assert "nlp.lang: is 'fr', and" in retrain(export.parent, "check", "my.yaml").stderr


def test_check_warns_of_weights_of_another_language(export: Path) -> None:
    retrain(export.parent, "init", export.name, "-o", "my.yaml")
    config = export.parent / "my.yaml"
    text = config.read_text(encoding="utf-8").replace("language: en", "language: da")

    def notes(name: str) -> str:
        own = f'set: {{{NAME}: "{name}"}}'
        named = f"config: minilm-tokens\n      {own}\n"
        config.write_text(text.replace("config: minilm-tokens\n", named), encoding="utf-8")
        return retrain(export.parent, "check", "my.yaml").stdout

    said = notes("sentence-transformers/all-MiniLM-L6-v2")
    assert "of texts in 'en', uncased: Apple and apple are one word to it\n" in said
    assert "knows texts in 'en', and these are in 'da'" in said
    assert "800 Danish sentences came to F 46" in said
    assert "knows texts in 'de', and these are in 'da'" in notes("bert-base-german-cased")
    assert "knows texts" not in notes("Maltehb/danish-bert-botxo")
    assert "overflows in float16" in notes("microsoft/mdeberta-v3-base")


def test_init_says_which_language_and_weights(tmp_path: Path) -> None:
    def init(name: str, rows: list[tuple[str, str]]) -> tuple[str, Phase]:
        lines = [
            json.dumps({"text": text, "meta": {"lang": lang} if lang else {}, "answer": "accept",
                        "spans": [{"start": 0, "end": 4, "label": "PERSON"}]})
            for text, lang in rows
        ]  # fmt: skip
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
        made = retrain(tmp_path, "init", name, "-o", f"{name}.yaml")
        assert made.returncode == 0, made.stderr
        (phase,) = load(tmp_path / f"{name}.yaml").pipeline.phases.values()
        return (tmp_path / f"{name}.yaml").read_text(encoding="utf-8"), phase

    text, phase = init("a.jsonl", [("Jens blev på kontoret, og det er ikke sjovt.", "")])
    assert phase.language == "da"
    assert "weights of many languages, intfloat/multilingual-e5-small" in text
    text, phase = init("b.jsonl", [("Jens, Nykøbing", "")])
    assert "language: en  # neither letters nor words tell it" in text
    both = [("Jens blev på kontoret.", "da"), ("Jens kam nicht ins Büro.", "de")]
    text, phase = init("c.jsonl", both)
    assert "language: xx  # several, by the meta of the records or by the files\n" in text
    assert [source.language for source in phase.annotations] == [""]
    samples = [str(ROOT / f"configs/sample/letters-{code}.jsonl") for code in ("da", "de")]
    assert retrain(tmp_path, "init", *samples, "-o", "d.yaml").returncode == 0
    (phase,) = load(tmp_path / "d.yaml").pipeline.phases.values()
    assert phase.language == "xx"
    assert [source.language for source in phase.annotations] == ["da", "de"]
    assert phase.train.set[NAME] == "intfloat/multilingual-e5-small"


def test_check_says_once_that_a_language_has_no_tokeniser_here(tmp_path: Path) -> None:
    rows = [
        {"text": f"東京の田中さんは{n}回ここに行きました。", "spans": [], "answer": "accept"}
        for n in range(9)
    ]
    rows[0]["spans"] = [{"start": 3, "end": 5, "label": "PERSON"}]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "names.jsonl").write_text(lines, encoding="utf-8")
    retrain(tmp_path, "init", "names.jsonl", "-o", "my.yaml")
    result = retrain(tmp_path, "check", "my.yaml")
    assert result.returncode == 2
    assert result.stdout.count("spaCy has no tokeniser for 'ja' here") == 1
    assert ".." not in result.stdout


def test_check_runs_the_code_of_a_phase(export: Path) -> None:
    retrain(export.parent, "init", export.name, "-o", "my.yaml")
    config = export.parent / "my.yaml"
    text = config.read_text(encoding="utf-8").replace(
        "    train:\n", "    train:\n      code: mine.py\n"
    )
    config.write_text(text, encoding="utf-8")
    (export.parent / "mine.py").write_text("x = 1\nx.y\n", encoding="utf-8")
    result = retrain(export.parent, "check", "my.yaml")
    assert result.returncode == 2
    assert "train.code: mine.py:2: AttributeError: 'int' object" in result.stdout


def test_check_changes_nothing(export: Path) -> None:
    retrain(export.parent, "init", export.name, "-o", "my.yaml")
    before = sorted(export.parent.rglob("*"))
    retrain(export.parent, "check", "my.yaml")
    assert sorted(export.parent.rglob("*")) == before


def test_a_training_config_is_copied_out_to_be_edited(export: Path) -> None:
    retrain(export.parent, "init", export.name, "-o", "my.yaml")
    result = retrain(export.parent, "init", "--training-config", "minilm-tokens", "-o", "mine.cfg")
    assert result.returncode == 0, result.stderr
    config = export.parent / "my.yaml"
    shipped = load(config).training_configs
    text = config.read_text(encoding="utf-8").replace("config: minilm-tokens", "config: mine.cfg")
    config.write_text(text, encoding="utf-8")
    assert load(config).training_configs == shipped


def test_a_training_config_that_is_not_there_is_named_with_those_that_are(export: Path) -> None:
    result = retrain(export.parent, "init", "--training-config", "minilmm", "-o", "mine.cfg")
    assert result.returncode == 2
    assert (
        "'minilmm' comes with retrain; these do: bow-classes, cnn, cnn-classes, cnn-tasks, "
        in result.stderr
    )
    assert not (export.parent / "mine.cfg").exists()


@pytest.mark.parametrize("arguments", [(), ("a.jsonl", "--training-config", "minilm")])
def test_init_wants_an_export_or_a_name(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = retrain(tmp_path, "init", *arguments)
    assert result.returncode == 2
    assert "either an annotation export or --training-config" in result.stderr


def test_init_takes_several_exports_and_a_test_set(export: Path) -> None:
    folder = export.parent
    lines = export.read_bytes().splitlines(keepends=True)
    odd = {"text": "Pax", "spans": [{"start": 0, "end": 3, "label": "ODD"}], "answer": "accept"}
    for name, part in (("a", lines[:200]), ("b", lines[200:400]), ("held", lines[390:500])):
        (folder / f"{name}.jsonl").write_bytes(b"".join(part))
    with (folder / "held.jsonl").open("a", encoding="utf-8") as held:
        held.write(json.dumps(odd) + "\n")
    made = retrain(folder, "init", "a.jsonl", "b.jsonl", "--eval", "held.jsonl", "-o", "my.yaml")
    assert made.returncode == 0, made.stderr
    assert "Of ODD: only the test set has it" in made.stdout
    assert "values are in the test set and beside it; as `group_by` it would take" in made.stdout
    (phase,) = load(folder / "my.yaml").pipeline.phases.values()
    assert [(one.path, one.split) for one in phase.annotations] == [
        ("a.jsonl", ""),
        ("b.jsonl", ""),
        ("held.jsonl", "test"),
    ]
    assert (phase.split.test, phase.split.group_by) == (0, "")
    checked = retrain(folder, "check", "my.yaml", "--json")
    (one,) = json.loads(checked.stdout).values()
    # Those of both files, too, are held out.
    assert 100 < one["data"]["splits"]["test"] <= 111
    assert one["notes"] == []
    more = ("--set", "phases.a.split.test=0.2")
    said = retrain(folder, "check", "my.yaml", "-q", *more).stdout
    assert "NOTE a: split.test is 0.2: other documents may go into test" in said


def test_no_test_set_at_all_is_said(export: Path) -> None:
    retrain(export.parent, "init", export.name, "-o", "my.yaml")
    (name,) = load(export.parent / "my.yaml").pipeline.phases
    none = ("--set", f"phases.{name}.split.test=0")
    said = retrain(export.parent, "check", "my.yaml", "-q", *none).stdout
    assert f"NOTE {name}: there will be no test set: split.test is 0" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a.jsonl", "c.jsonl"), "c.jsonl: no such file"),
        (("a.jsonl", "--eval", "./a.jsonl"), "a.jsonl: is given twice"),
        (("a.jsonl", "my.xml"), "my.xml: is a labelling config. Give it alone"),
        (("--training-config", "cnn", "--eval", "a.jsonl"), "--eval goes with annotations"),
    ],
)
def test_files_that_init_does_not_take_together(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    (tmp_path / "a.jsonl").write_text("{}", encoding="utf-8")
    (tmp_path / "my.xml").write_text(
        '<View><Labels name="l" toName="t"><Label value="A"/></Labels><Text name="t"/></View>',
        encoding="utf-8",
    )
    result = retrain(tmp_path, "init", *arguments, "-o", "-")
    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr


@pytest.mark.parametrize(("lines", "limit"), [(None, 0.2), (200, 0.4), (40, 1)])
def test_a_first_gate_enforces_and_fits_what_there_will_be_to_test_on(
    export: Path, lines: int | None, limit: float
) -> None:
    text = export.read_bytes().splitlines(keepends=True)
    export.write_bytes(b"".join(text[:lines]))
    config = export.parent / "my.yaml"
    config.write_text(first_config([export], export.parent), encoding="utf-8")
    (phase,) = load(config).pipeline.phases.values()
    assert (phase.gate.mode, phase.gate.on_equal) == ("enforce", "hold")
    assert phase.gate.max_interval == limit
    entities = re.search(r"# of F: about (\d+) in test", config.read_text(encoding="utf-8"))
    assert bool(entities) == (limit > 0.2)


def test_a_first_gate_counts_a_test_set_of_ones_own(export: Path) -> None:
    text = export.read_bytes().splitlines(keepends=True)
    held = export.parent / "held.jsonl"
    export.write_bytes(b"".join(text[:500]))
    held.write_bytes(b"".join(text[500:520]))
    said = first_config([export], export.parent, test_sources=[held])
    found = re.search(r"max_interval: 1  # of F: about (\d+) in test", said)
    assert found
    assert 0 < int(found[1]) < 40
