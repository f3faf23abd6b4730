"""Patience with services far away: how long a call may take, and when it is made again."""

from __future__ import annotations

from collections.abc import Callable

from google.api_core.retry import Retry

# The clients have no timeout of their own: a lost packet would hang a command for ever.
CALL_SECONDS = 60.0
PATIENCE_SECONDS = 120.0
FIRST_WAIT_SECONDS = 1.0
AGAIN = "Run the same command again: it takes up what is there and does nothing twice."


def retry_if(passing: Callable[[BaseException], bool]) -> Retry:
    """Repeats a call after a passing fault, with growing and randomised waits."""
    return Retry(
        predicate=passing,
        initial=FIRST_WAIT_SECONDS,
        maximum=20.0,
        multiplier=2.0,
        timeout=PATIENCE_SECONDS,
    )


def gave_up(what: str, reason: str) -> str:
    """The message when patience has run out."""
    return f"{what}: gave up after {PATIENCE_SECONDS:.0f} s ({reason}). {AGAIN}"
