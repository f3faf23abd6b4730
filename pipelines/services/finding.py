"""What one check of `retrain doctor` has found."""

from __future__ import annotations

from dataclasses import dataclass

from components.errors import RetrainError


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Attributes:
        passed: None where it could not be checked: that is neither there nor missing.
        message: what was seen, or what to do.
    """

    check: str
    passed: bool | None
    message: str


class NotSeenError(RetrainError):
    """A check could not look; the message says why, and how somebody else can."""
