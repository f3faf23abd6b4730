"""Lets `inspect.stack()` pass over code that has no file, instead of searching for it.

kfp asks for the stack at every setting of every task. For each frame of such code, runpy's and
execnet's, `inspect` goes through all modules there are: thousands here, and seconds a compilation.
"""

from __future__ import annotations

import inspect
from types import ModuleType

_search = inspect.getmodule


def getmodule(object: object, _filename: str | None = None) -> ModuleType | None:
    """As `inspect.getmodule`, which finds no module for such a frame in the end."""
    if inspect.isframe(object) and object.f_code.co_filename.startswith("<"):
        return None
    return _search(object, _filename)


def pass_over() -> None:
    """From now on, in this process."""
    inspect.getmodule = getmodule
