"""Which files of ours a module runs: itself and all that it imports, near or far.

A stage's cache key and a checkpoint's identity are made of these, so that an edit counts for what
runs it and for nothing else.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

ROOT = Path(__file__).parents[1]
OWN = re.compile(r"components(\.\w+)+")
# Python 3.11 counts how deep a tree is for all threads together, and fails where they parse at once
# (python/cpython#106905); the local runner's tasks do.
PARSING = Lock()


def own_files(modules: Iterable[str], root: Path = ROOT) -> list[Path]:
    """The files that these modules run, sorted.

    Imports are read from the source, late ones too; a string that names a module counts as an
    import of it. What lies beside a module and is no Python (a template, a style sheet) counts as
    part of it.

    Args:
        modules: dotted names, such as "components.split.command".
        root: the folder that holds the package.

    Raises:
        ModuleNotFoundError: a module that is named is not there; its edits would count for nothing.
    """
    waiting, seen = list(modules), {""}
    for name in waiting:
        if source_of(name, root) is None:
            raise ModuleNotFoundError(f"{root} holds no module {name}", name=name)
    files: set[Path] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        path = source_of(name, root)
        if path is None:
            continue
        files.add(path)
        files.update(beside(path.parent))
        waiting += [name.rpartition(".")[0], *names_in(path.read_bytes())]
    return sorted(files)


def own_digest(modules: Iterable[str], root: Path = ROOT) -> str:
    """Hex SHA-256 over the names and contents of `own_files`, and of modules that are not ours."""
    listed = list(modules)
    own = [module for module in listed if OWN.fullmatch(module)]
    files = {path.relative_to(root).as_posix(): path for path in own_files(own, root)}
    for module in sorted({*listed} - {*own}):
        files |= {f"{module}/{name}": path for name, path in foreign_files(module).items()}
    digest = hashlib.sha256()
    for name, path in files.items():
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{name} {content}\n".encode())
    return digest.hexdigest()


def foreign_files(module: str) -> dict[str, Path]:
    """Name -> path of a module's file, or of all files of a package.

    Raises:
        ModuleNotFoundError: it is not there.
    """
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"there is no module {module}", name=module)
    path = Path(spec.origin)
    if path.name != "__init__.py":
        return {path.name: path}
    return {
        file.relative_to(path.parent).as_posix(): file for file in sorted(path.parent.rglob("*.py"))
    }


def source_of(module: str, root: Path) -> Path | None:
    """The file of a module of ours; None for a name that is none."""
    path = root.joinpath(*module.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


@cache
def names_in(source: bytes) -> tuple[str, ...]:
    """Dotted names that a source imports or holds as strings, of our package only."""
    names: list[str] = []
    with PARSING:
        tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # An imported name may be a module or something in one; `source_of` tells.
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.append(node.value)
    return tuple(name for name in names if OWN.fullmatch(name))


def beside(folder: Path) -> Iterator[Path]:
    """What lies in a module's folder and is no Python, without other packages."""
    for path in folder.iterdir():
        if path.is_dir():
            if path.name != "__pycache__" and not (path / "__init__.py").exists():
                yield from (file for file in path.rglob("*") if file.is_file())
        elif path.suffix not in (".py", ".pyc"):
            yield path
