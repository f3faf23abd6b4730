"""Lets `inspect.stack()` pass over code that is in no module, instead of searching for it.

kfp asks for the stack at every setting of every task. For each frame of such code, runpy's,
execnet's and that of a worker of pytest-xdist, `inspect` goes through all modules there are:
thousands here, and seconds a compilation.
"""

from __future__ import annotations

import inspect
from types import ModuleType

_search = inspect.getmodule
_files_of_no_module: set[str] = set()


def getmodule(object: object, _filename: str | None = None) -> ModuleType | None:
    """As `inspect.getmodule`, which searches once for each file whose frames have no module."""
    if not inspect.isframe(object):
        return _search(object, _filename)
    file = object.f_code.co_filename
    if file.startswith("<") or file in _files_of_no_module:
        return None
    module = _search(object, _filename)
    if not module:
        _files_of_no_module.add(file)
    return module


def pass_over() -> None:
    """From now on, in this process."""
    inspect.getmodule = getmodule
