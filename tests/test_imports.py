"""Who imports whom, read from the sources: late imports count, those for types alone do not."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A folder of components/ -> the stage that it is, or that it is a part of.
STAGES = {
    **{
        name: name
        for name in ("split", "label", "subsample", "convert", "evaluate", "queue", "notify")
    },
    **dict.fromkeys(("ingest", "champion", "due", "fingerprint"), "ingest"),
    **dict.fromkeys(("train", "debug"), "train"),
    **dict.fromkeys(("upload", "gate", "report", "register"), "upload"),
}
SHARED = ("records", "tasks", "answers", "scoring", "registry", "similarity", "html")


@cache
def modules() -> dict[str, Path]:
    """Every module of the product, by its dotted name."""
    paths = {}
    for package in ("components", "containers", "pipelines"):
        for path in (ROOT / package).rglob("*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            paths[name.removesuffix(".__init__")] = path
    return paths


def for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imported(node: ast.AST) -> Iterator[str]:
    """The dotted names that a source imports; `from a import b` may name a module a.b."""
    for child in ast.iter_child_nodes(node):
        if for_types(child):
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0 and child.module, "imports name the whole module"
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        yield from imported(child)


@cache
def imports() -> dict[str, set[str]]:
    """Module of ours -> what it imports: modules of ours by their names, the rest as written."""
    known = modules()
    graph = {}
    for name, path in known.items():
        names = imported(ast.parse(path.read_bytes()))
        graph[name] = {n if n in known else nearest(n, known) for n in names} - {name}
    return graph


def nearest(name: str, known: dict[str, Path]) -> str:
    """The module of ours that a name is in; the name itself where it is not ours."""
    module = name.rpartition(".")[0]
    return module if module in known else name


def arrows(start: str, end: str) -> list[str]:
    """Imports from below one package to below another."""
    return [
        f"{module} -> {other}"
        for module, others in sorted(imports().items())
        for other in sorted(others)
        if f"{module}.".startswith(f"{start}.") and f"{other}.".startswith(f"{end}.")
    ]


def folder_of(module: str) -> str:
    """The folder of pipelines/ or components/ that a module is in; itself where it is in none."""
    folder = ".".join(module.split(".")[:2])
    return folder if (ROOT / folder.replace(".", "/")).is_dir() else module


def by_folder() -> dict[str, set[str]]:
    """Folder -> the folders that its modules import."""
    graph: dict[str, set[str]] = {}
    for module, others in imports().items():
        start = folder_of(module)
        ends = {folder_of(other) for other in others if other in imports()}
        graph[start] = graph.get(start, set()) | (ends - {start})
    return graph


@pytest.mark.parametrize("graph", [imports, by_folder])
def test_no_circle(graph: Callable[[], dict[str, set[str]]]) -> None:
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_what_is_imported_is_seen() -> None:
    """Else every other test here would pass on nothing."""
    assert arrows("pipelines.api", "pipelines.local")  # inside a function
    assert arrows("components.gate.command", "components.stage")
    assert len(imports()) > 200


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("components", "pipelines"),
        ("components", "containers"),
        ("containers", "pipelines"),
    ],
)
def test_nothing_climbs(start: str, end: str) -> None:
    assert arrows(start, end) == []


def test_every_folder_has_its_rule() -> None:
    folders = {path.parent.name for path in (ROOT / "components").glob("*/__init__.py")}
    assert folders == {*STAGES, *SHARED}


@pytest.mark.parametrize("folder", [*STAGES, *SHARED])
def test_no_stage_is_imported_by_another_or_by_what_they_share(folder: str) -> None:
    assert [
        arrow
        for other, stage in STAGES.items()
        if STAGES.get(folder) != stage
        for arrow in arrows(f"components.{folder}", f"components.{other}")
    ] == []


@pytest.mark.parametrize(
    ("library", "packages"),
    [
        ("kfp", ["pipelines.*"]),
        (
            "google.cloud",
            ["components.google_cloud", "components.registry.*", "pipelines.services.*"],
        ),
        ("sklearn", ["components.tasks.textcat.floor", "components.queue.choose"]),
    ],
)
def test_a_library_stays_in_its_packages(library: str, packages: list[str]) -> None:
    assert [
        module
        for module, others in sorted(imports().items())
        if any(f"{other}.".startswith(f"{library}.") for other in others)
        and not any(fnmatch(module, package) for package in packages)
    ] == []


def at_the_top(name: str) -> list[str]:
    """What a module imports when it is itself imported."""
    known = modules()
    body = ast.parse(known[name].read_bytes()).body if name in known else []
    statements = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = imported(ast.Module(statements, []))
    return [other if other in known else nearest(other, known) for other in names]


def test_the_command_line_answers_without_a_heavy_library() -> None:
    heavy = {"torch", "spacy", "kfp", "google", "thinc", "transformers", "numpy", "matplotlib"}
    waiting, seen = ["pipelines.cli"], set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += at_the_top(name)
    assert {name.partition(".")[0] for name in seen} & heavy == set()
