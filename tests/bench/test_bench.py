"""What the benchmarks use of the product is there; their peers need packages that a clone lacks."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from bench import convert, documents, split

ROOT = Path(__file__).parents[2]
OURS = ("components", "containers", "pipelines")


def used(path: Path) -> Iterator[tuple[str, str]]:
    """Names that a file imports from the product's modules, or sets there: module, name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in OURS:
            for name in node.names:
                modules[name.asname or name.name] = f"{node.module}.{name.name}"
                yield node.module or "", name.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            yield from (
                (modules[target.value.id], target.attr)
                for target in node.targets
                if isinstance(target, ast.Attribute)
                and isinstance(target.value, ast.Name)
                and target.value.id in modules
            )


def is_there(module: str, name: str) -> bool:
    """Whether a module, or a class in one, has a name: another module, perhaps."""
    try:
        owner = importlib.import_module(module)
    except ModuleNotFoundError:
        parent, _, last = module.rpartition(".")
        owner = getattr(importlib.import_module(parent), last)
    return hasattr(owner, name) or find_spec(f"{module}.{name}") is not None


def test_what_benchmarks_use_of_the_product_is_there() -> None:
    paths = sorted((ROOT / "bench").rglob("*.py"))
    uses = {(path, *use) for path in paths for use in used(path)}
    assert len(uses) > 20
    missing = [use for use in sorted(uses) if not is_there(*use[1:])]
    assert missing == []


def test_contenders_of_ours_run(tmp_path: Path) -> None:
    source = tmp_path / "records.jsonl"
    documents.write(source, 60)
    for name in ("retrain, one process", "plain script"):
        assert convert.one(name, source)["documents"] == 60
    assert split.stage(60)["documents"] == 60
