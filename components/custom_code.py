"""Modules of registered functions, as `spacy train --code` takes them, and models that need one.

A model that was trained with such a module keeps it as `code.py` in its folder. `load_model` runs
it first; without us the same is `spacy.util.import_file("code", "model/code.py")`.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from components.errors import ConfigError
from components.files import named
from components.piecewise import piecewise

FILE_NAME = "code.py"
MODULE = "custom_code"
FACTORIES = ("spacy", "internal_factories")


def import_code(path: Path) -> None:
    """Run a module, so that spaCy knows the functions that it registers.

    Component factories of a module that was imported before are forgotten, so that two models of
    one process may each bring theirs: a model holds on to the functions that it was made with.

    Raises:
        ConfigError: naming the line that failed.
    """
    from spacy.util import import_file

    forget_factories()
    # A model's folder is exactly what its digest says: no bytecode may be left in it.
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        import_file(MODULE, path)
    except Exception as error:  # whatever it raises, it is the user's to fix
        raise ConfigError(
            f"train.code: {path.name}:{line_of(error, path)}: {type(error).__name__}: {error}. "
            "The module runs by itself in every stage that needs it: it may import what is "
            "installed there, and no other file of yours."
        ) from error
    finally:
        sys.dont_write_bytecode = writes


def forget_factories() -> None:
    """Unregister the component factories of earlier modules: spaCy refuses a second of a name."""
    import catalogue  # type: ignore[import-untyped]

    for name, function in list(catalogue.REGISTRY.items()):
        if name[:2] == FACTORIES and is_custom(function):
            del catalogue.REGISTRY[name]


def is_custom(function: Any) -> bool:
    """Whether a factory, or the component that spaCy made a factory for, is of such a module."""
    inside = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    return any(getattr(each, "__module__", "") == MODULE for each in (function, *inside))


def line_of(error: Exception, path: Path) -> int:
    """The last line of a file that had part in an error."""
    if isinstance(error, SyntaxError):
        return error.lineno or 1
    frames = reversed(traceback.extract_tb(error.__traceback__))
    return next((frame.lineno or 1 for frame in frames if frame.filename == str(path)), 1)


@contextmanager
def code_in_use(text: str) -> Iterator[None]:
    """Import the text of a module; without one do nothing. Inside `with` its file exists."""
    with TemporaryDirectory() as folder:
        if text:
            path = Path(folder) / FILE_NAME
            path.write_text(text, encoding="utf-8")
            import_code(path)
        yield


def load_model(folder: Path, **options: Any) -> Any:
    """`spacy.load` of a model's folder, after running the code that it brings.

    Its tokeniser works in pieces; saved again, it is as it was.

    Args:
        options: passed to `spacy.load`.

    Raises:
        ConfigError: the code failed.
    """
    import spacy

    if (folder / FILE_NAME).is_file():
        import_code(folder / FILE_NAME)
    with named(folder):
        nlp = spacy.load(folder, **options)
    nlp.tokenizer = piecewise(nlp.tokenizer)
    return nlp


def how_to_load(folder: Path | str) -> str:
    """The Python that opens a model where nothing of ours is installed, in one line."""
    code = Path(folder) / FILE_NAME
    before = f"spacy.util.import_file('code', {str(code)!r}); " if code.is_file() else ""
    return f"{before}nlp = spacy.load({str(folder)!r})"
