"""No search for garbage among what stays to the end of the program: libraries.

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

    Once in a process: a later time would pass over what has become garbage in between. A model does
    not last: what refers to itself is never freed once it is passed over.
    """
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
        gc.enable()
