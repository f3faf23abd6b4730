"""No search for garbage among what stays to the end of the program: libraries, and a model.

Their imports make hundreds of thousands of objects. Python's collector goes through all of them
each time a quarter has come on top, and again at exit: a quarter of the processor time of a start.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def lasting() -> Iterator[None]:
    """Make what lasts, with the collector at rest; it passes over all that is there in the end.

    Once in a process: a later time would pass over what has become garbage in between.
    """
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
        gc.enable()
