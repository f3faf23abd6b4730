"""What was in production, and when: every promotion and rollback of a model, append-only.

An operation is written down before its alias moves, and marked as done after it. So one that was
interrupted is known: repeating it completes it instead of doing it twice, and so does any other.
"""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict

from components.errors import DataError
from components.registry.lineage import Lineage, now

Kind = Literal["promote", "rollback"]


class Operation(BaseModel):
    """One change of what is in production.

    Attributes:
        id: a second operation of the same id changes nothing.
        version: number of the version that the alias then points to.
        replaced: number of the version that it pointed to before; '' if none.
        time: ISO 8601 in UTC.
        by: a person at a machine, or a run.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    id: str
    kind: Kind
    alias: str
    version: str
    replaced: str
    time: str
    by: str


@dataclass(frozen=True)
class Entry:
    """An operation as it is kept: its number, from 1, and whether its alias has moved."""

    number: int
    operation: Operation
    done: bool


def entries_in(files: set[str], folder: str) -> list[str]:
    """The entries among the files of a history's folder, oldest first.

    Raises:
        DataError: one is missing between the others, so nobody knows what was in production.
    """
    matches = (re.fullmatch(r"(\d{6})\.(json|done)", file, re.ASCII) for file in files)
    numbers = {int(each[1]) for each in matches if each}
    entries = [f"{number:06}.json" for number in range(1, max(numbers, default=0) + 1)]
    for entry in entries:
        if entry not in files:
            raise DataError(
                f"{folder.rstrip('/')}/{entry} is missing. Restore the file from a backup: it says "
                "what was in production."
            )
    return entries


@dataclass(frozen=True)
class Past:
    """What an alias has pointed to.

    Attributes:
        stack: the versions that were replaced one by another, the present one last.
        withdrawn: version -> the rollback that took it out of production.
        operations: those that took effect, oldest first.
    """

    stack: tuple[str, ...]
    withdrawn: dict[str, Operation]
    operations: tuple[Operation, ...]

    @property
    def before(self) -> str:
        """The version to roll back to: the latest that was not itself withdrawn; '' if none."""
        usable = [each for each in self.stack[:-1] if each not in self.withdrawn]
        return next((each for each in reversed(usable) if each != self.stack[-1]), "")


def operation(
    kind: Kind, alias: str, version: str, replaced: str, by: str, name: str = ""
) -> Operation:
    """A new operation, now.

    Args:
        by: who does it; '' for the user of this process.
        name: its id; '' for a fresh one.
    """
    return Operation(
        id=name or uuid4().hex,
        kind=kind,
        alias=alias,
        version=version,
        replaced=replaced,
        time=now(),
        by=by or user(),
    )


def user() -> str:
    """Who runs this process, as NAME@MACHINE."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        name = "unknown"
    return f"{name}@{socket.gethostname()}"


def past(
    entries: Sequence[Entry], alias: str, present: str, older: Callable[[str], list[str]]
) -> Past:
    """Follow what an alias pointed to from entry to entry.

    Args:
        present: what it points to now; '' for nothing.
        older: the versions that led to one before there was a history, that one last.
    """
    effective = tuple(took_effect(entries, alias, present))
    stack = older(effective[0].replaced if effective else present)
    withdrawn: dict[str, Operation] = {}
    for each in effective:
        # Whoever moves an alias by other means leaves no entry, but a next one that replaces it.
        push(stack, each.replaced)
        if each.kind == "promote":
            push(stack, each.version)
            withdrawn.pop(each.version, None)
        else:
            withdrawn[each.replaced] = each
            while stack and stack[-1] != each.version:
                stack.pop()
            push(stack, each.version)
    push(stack, present)
    return Past(tuple(stack), withdrawn, effective)


def took_effect(entries: Sequence[Entry], alias: str, present: str) -> Iterator[Operation]:
    """Yield the operations on an alias but one that waits for it to move."""
    of_alias = [entry for entry in entries if entry.operation.alias == alias]
    if not of_alias:
        return
    then = [*(entry.operation.replaced for entry in of_alias[1:]), present]
    for entry, state in zip(of_alias, then, strict=True):
        if entry.done or state == entry.operation.version:
            yield entry.operation


def lineage_now(lineage: Lineage, number: str, operations: Sequence[Operation]) -> Lineage:
    """A version's lineage as it was kept, with what has become of the version since.

    Args:
        operations: those that took effect, of any alias, oldest first.
    """
    promotions = [each for each in operations if (each.kind, each.version) == ("promote", number)]
    promoted = lineage.promoted or (promotions[0].time if promotions else "")
    return lineage.model_copy(
        update={
            "replaced": promotions[-1].replaced if promotions else lineage.replaced,
            "promoted": promoted,
            # Who is put in production is promoted, whatever the gate has said.
            "decision": "promote" if promoted else lineage.decision,
            "gate": lineage.decision,
        }
    )


def push(stack: list[str], version: str) -> None:
    """Put a version on top, unless it is there already."""
    if version and stack[-1:] != [version]:
        stack.append(version)
