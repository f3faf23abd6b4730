"""Ends the tasks of a runner that was killed, so that no orphan writes on into its run.

Started once per run, in a session of its own, with a pipe as its stdin: the runner writes `+PGID`
when a task starts and `-PGID` when it ended. However the runner dies, `kill -9` included, the
kernel closes the pipe, and whatever still runs is stopped. (Linux's PR_SET_PDEATHSIG would do less:
it reaches the direct child only, not a training's helpers, and macOS has none.)
"""

from __future__ import annotations

import os
import signal
import sys
import time

GRACE = 5.0


def main() -> None:
    """Follow the runner's tasks until the pipe closes, then stop those that are left."""
    groups: set[int] = set()
    for line in sys.stdin:
        change = groups.add if line[0] == "+" else groups.discard
        change(int(line[1:]))
    stop(groups, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while groups and time.monotonic() < deadline:
        time.sleep(0.05)
        stop(groups, 0)
    stop(groups, signal.SIGKILL)


def stop(groups: set[int], signal_number: int) -> None:
    """Signal every group; forget those that are gone."""
    for group in list(groups):
        try:
            os.killpg(group, signal_number)
        except (ProcessLookupError, PermissionError):
            groups.discard(group)


if __name__ == "__main__":
    main()
