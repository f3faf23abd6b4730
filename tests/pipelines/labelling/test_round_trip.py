"""From a config to a labelling config and back: the same tasks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import ConfigError
from components.tasks import checked
from components.tasks.base import TaskSettings
from pipelines.config.load import load
from pipelines.labelling.reading import read
from pipelines.labelling.writing import labelling_config

CONFIG = """\
name: letters
phases:
  letters:
    tasks:
      places: {kind: ner, labels: [ADDRESS, 'WHEN "exactly" & <so>']}
      negation: {kind: spans, labels: [CUE, SCOPE]}
      topic: {kind: textcat, labels: [TAX, HOUSING], question: about}
      urgency: {kind: textcat, exclusive: false, labels: [URGENT]}
      status: {kind: assertion, of: places, labels: [sure, unsure], default: sure, key: certainty}
    annotations: [{path: letters.json, text: body}]
    train: {config: minilm-tasks}
    model: {name: letters}
"""


def retrain(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelines", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def tasks_in(config: Path) -> list[TaskSettings]:
    [phase] = load(config, ()).pipeline.phases.values()
    return phase.all_tasks


def test_there_and_back(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(CONFIG, encoding="utf-8")
    wrote = retrain(tmp_path, "labelling", "my.yaml", "-o", "project.xml")
    assert wrote.returncode == 0, wrote.stderr
    assert '<Text name="text" value="$body"/>' in (tmp_path / "project.xml").read_text("utf-8")
    said = wrote.stdout.splitlines()
    assert [line.split()[1] for line in said if line.startswith("  prodigy")] == [
        "ner.manual",
        "spans.manual",
        "textcat.manual",
        "textcat.manual",
    ]
    assert said[-1].endswith("no recipe of Prodigy's own asks for a task of kind assertion")
    assert said[-2].split() == (
        ["prodigy", "textcat.manual", "letters-urgency", "texts.jsonl", "--label", "URGENT"]
    )
    read_again = retrain(tmp_path, "init", "project.xml", "-o", "again.yaml")
    assert read_again.returncode == 0, read_again.stderr
    assert tasks_in(tmp_path / "again.yaml") == tasks_in(tmp_path / "my.yaml")
    shown = retrain(tmp_path, "labelling", "again.yaml")
    xml = (tmp_path / "project.xml").read_text("utf-8")
    assert shown.stdout == xml.replace("$body", "$text")
    assert "spans.manual project-negation blank:en" in shown.stderr


def test_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(CONFIG, encoding="utf-8")
    refused = retrain(tmp_path, "labelling", "my.yaml", "-o", "my.yaml")
    assert refused.returncode == 2
    assert "is already there" in refused.stderr
    unknown = retrain(tmp_path, "labelling", "my.yaml", "--phase", "other")
    assert unknown.returncode == 2
    assert "there is no phase 'other'. Name one with --phase: letters" in unknown.stderr


names = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,3})?", fullmatch=True).filter(
    lambda name: name not in ("label", "choice", "text")
)
labels = st.text("ABcé \"'&<>]", min_size=1, max_size=8).map(str.strip).filter(bool)


@st.composite
def phases(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to four tasks that do not clash; entities come first, as a second control is of spans."""
    kinds = draw(st.lists(st.sampled_from(["spans", "one", "any"]), max_size=3))
    kinds = ["ner"] * draw(st.booleans()) + sorted(kinds, key=["spans", "one", "any"].index)
    taken = draw(st.lists(names, min_size=len(kinds), max_size=len(kinds), unique=True))
    used = iter(draw(st.lists(labels, min_size=2 * len(kinds) or 1, unique=True)))
    made = []
    for kind, name in zip(kinds, taken, strict=True):
        more = {} if kind in ("ner", "spans") else {"exclusive": kind == "one"}
        both = [f"{next(used)}", f"{next(used)}"]
        made.append({"name": name, "kind": "textcat" if more else kind, "labels": both, **more})
    return made


@given(phases())
def test_any_tasks(made: list[dict[str, Any]]) -> None:
    tasks = [checked(TaskSettings(**one)) for one in made]
    xml = labelling_config(tasks)
    if not tasks:
        return
    project = read(xml.encode(), "p.xml")
    again = [checked(TaskSettings(name=name, **one)) for name, one in project.tasks.items()]
    assert again == tasks


def test_a_kind_of_your_own_is_yours_to_ask_for() -> None:
    from components.errors import ConfigError

    with pytest.raises(ConfigError, match=r"tasks\.own: how annotators are asked"):
        labelling_config([TaskSettings(name="own", kind="tests.support.topics", labels=["x"])])


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        (
            [
                {"name": "places", "kind": "ner", "labels": ["A"]},
                {"name": "sure", "kind": "assertion", "of": "places", "labels": ["p", "q"]},
                {"name": "past", "kind": "assertion", "of": "places", "labels": ["r", "s"]},
            ],
            r"tasks.past: .* 'assertion', as tasks.sure is: give it a `key` of its own",
        ),
        (
            [
                {"name": "topic", "kind": "textcat", "labels": ["a", "b"]},
                {"name": "other", "kind": "textcat", "labels": ["c", "d"], "question": "topic"},
            ],
            r"tasks.other: .* 'topic', as tasks.topic is: give it a `question` of its own",
        ),
        (
            [{"name": "text", "kind": "ner", "labels": ["A"]}],
            r"tasks.text: .* 'text', as the text itself is: rename the task",
        ),
    ],
)
def test_no_two_controls_have_one_name(tasks: list[dict[str, Any]], said: str) -> None:
    """Label Studio refuses such a config: run with its own parser, label-studio-sdk 2.1.2."""
    with pytest.raises(ConfigError, match=said):
        labelling_config([checked(TaskSettings.model_validate(task)) for task in tasks])
