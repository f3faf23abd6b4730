"""What a watch tells of: a line for people, an object for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

Kind = Literal["watches", "waits", "retrains", "taken-up", "ended", "failed", "problem"]


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        message: a sentence.
        phase: "" for all that are watched.
        new: task -> annotations that are new; of `waits` and `retrains`.
        run: of `ended`, a run of this machine.
        exit_code: of `failed`.
    """

    event: Kind
    message: str
    phase: str = ""
    new: Mapping[str, int] = field(default_factory=dict)
    run: str = ""
    exit_code: int | None = None

    @property
    def line(self) -> str:
        """For people."""
        return f"{self.phase}: {self.message}" if self.phase else self.message

    @property
    def as_json(self) -> dict[str, Any]:
        """For programs: with the time, without what does not go with such an event."""
        known = {name: one for name, one in asdict(self).items() if one not in ("", None, {})}
        return {"time": datetime.now(UTC).isoformat(timespec="seconds"), **known}


Tell = Callable[[Event], None]
