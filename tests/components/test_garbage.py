"""What is made to last is passed over by Python's collector, and nothing that is made later."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import pytest

from components.garbage import lasting

IN_A_PROGRAM = """
import gc
from components.garbage import lasting
with lasting():
    resting = not gc.isenabled()
    made = [{} for _ in range(1000)]
first = gc.get_freeze_count()
del made
with lasting():
    again = [{} for _ in range(1000)]
print(resting, gc.isenabled(), first > 1000, gc.get_freeze_count() <= first)
"""


class Ring:
    """Refers to itself: only the collector finds it."""

    def __init__(self) -> None:
        self.itself = self


def test_what_lasts_is_passed_over_once_in_a_process() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", IN_A_PROGRAM], capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("True True True True\n", "")


def test_the_collector_goes_on_after_an_error() -> None:
    with pytest.raises(ValueError, match="why"), lasting():
        raise ValueError("why")
    assert gc.isenabled()
    ring = weakref.ref(Ring())
    gc.collect()
    assert ring() is None
