"""The three splits, in the order in which every array of this stage counts them.

The order is also the order of precedence: what has been trained on stays in train, and what a team
tags for test stays in test (see `assignment.decided`).
"""

from __future__ import annotations

SPLITS = ("train", "dev", "test")
TRAIN, DEV, TEST = range(3)
UNDECIDED = -1
