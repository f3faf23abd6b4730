"""What runs again and what is reused where the cache goes by other keys than on this machine."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.registry.open import open_registry
from components.registry.promotion import promote
from pipelines.config.load import load
from pipelines.dag.compile import compiled
from pipelines.local.run import RunResult, run_spec
from pipelines.local.runner.cache import Key
from pipelines.local.runner.listeners import Nobody
from tests.support.cache_keys import name_only_key, vertex_key
from tests.support.narrow import quick

ROOT = Path(__file__).parents[2]
CACHED = ("split", "convert", "train", "evaluate")
CONFIG = """\
name: small
registry: models
defaults:
  split: {dev: 0.2, test: 0.3}
  ingest: {required: []}
  evaluate: {resamples: 100}
  train:
    config: cnn
    set: QUICK
  gate: {min_f: 0, max_interval: 1, min_support: 1}
phases:
  only:
    labels: [MONEY, FORM, PERSON, DATE, POSTCODE, EMAIL, PHONE]
    annotations: [a.jsonl]
    model: {name: ner}
""".replace("QUICK", quick(2, 2))


class Project:
    """A config whose runs are cached by one key."""

    def __init__(self, folder: Path, key: Key) -> None:
        self.folder, self.key = folder, key
        (folder / "small.yaml").write_text(CONFIG, encoding="utf-8")
        self.annotate(60)

    def annotate(self, documents: int) -> None:
        with (ROOT / "configs/sample/phase1.jsonl").open("rb") as file:
            lines = b"".join(itertools.islice(file, documents))
        (self.folder / "a.jsonl").write_bytes(lines)

    def run(self, *overrides: str) -> RunResult:
        loaded = load(self.folder / "small.yaml", overrides)
        result = run_spec(
            yaml.safe_load(compiled(loaded)),
            out=self.folder / "runs",
            cwd=self.folder,
            name="small",
            listener=Nobody(),
            parameters={
                "registry": "models",
                "checkpoints": "runs/checkpoints",
                "store": "runs/store",
            },
            key=self.key,
        )
        assert result.exit_code == 0, [failure.tail for failure in result.failures]
        return result


def ran(result: RunResult) -> list[str]:
    """The stages that ran, of those that may be reused."""
    tasks = result.record.tasks
    return [stage for stage in CACHED if tasks[f"only/{stage}"].state != "reused"]


def scores(result: RunResult) -> dict[str, Any]:
    path = Path(result.record.tasks["only/evaluate"].artifacts["scores"].uri)
    return dict(json.loads(path.read_bytes())["tasks"]["ner"])


@pytest.fixture
def vertex(tmp_path: Path) -> Project:
    return Project(tmp_path, vertex_key)


def test_a_phase_is_six_tasks(vertex: Project) -> None:
    tasks = vertex.run().record.tasks
    assert sorted(tasks) == sorted(f"only/{stage}" for stage in ("ingest", *CACHED, "upload"))

    # The same config and data once more: only what looks at the world or is cheap runs.
    again = vertex.run()
    assert ran(again) == []
    states = {name: task.state for name, task in again.record.tasks.items()}
    assert states["only/ingest"] == states["only/upload"] == "succeeded"

    # The gate's policy decides nothing but the gate.
    strict = vertex.run("phases.only.gate.min_f=1")
    assert ran(strict) == []
    assert strict.record.tasks["only/upload"].parameters["decision"] == "hold"


@pytest.mark.parametrize(
    ("init", "again"), [("base", ["evaluate"]), ("champion", ["train", "evaluate"])]
)
def test_a_champion_promoted_in_between_is_a_new_comparison(
    vertex: Project, init: str, again: list[str]
) -> None:
    vertex.run()
    vertex.run("phases.only.gate.min_f=1", "phases.only.training.seed=1")  # version 2, held back
    warm = (f"phases.only.train.init={init}", "phases.only.training.seed=2")
    before = vertex.run(*warm, "phases.only.gate.min_f=1")
    assert scores(before)["champion"] is not None
    promote(open_registry(str(vertex.folder / "models")), "ner", "2", "champion")

    after = vertex.run(*warm, "phases.only.gate.min_f=1")

    assert ran(after) == again
    assert after.record.tasks["only/ingest"].parameters["champion_version"] == "2"


def test_where_a_key_knows_artifacts_by_name_new_annotations_never_meet_an_old_split(
    tmp_path: Path,
) -> None:
    project = Project(tmp_path, name_only_key)
    first = project.run()
    project.annotate(80)

    second = project.run()

    assert ran(second) == list(CACHED)
    documents = [one.record.tasks["only/split"].artifacts for one in (first, second)]
    counts = [sum(made[f"{name}_set"].metadata["documents"] for name in ("train", "dev", "test"))
              for made in documents]  # fmt: skip
    assert counts[0] < counts[1]
    assert ran(project.run()) == []
