"""Move an alias: compare what it points to, write the operation down, move it, mark it as done.

The same steps for every registry. The entry of the history is what counts, and what decides between
two processes: its number is taken once. Whoever comes to one that is not done completes it first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from components.errors import ConfigError, DataError
from components.registry.base import (
    Artefact,
    Registry,
    Version,
    checked_alias,
    find,
    known,
    numbered,
)
from components.registry.history import Entry, Kind, Operation, Past, operation, past


class OvertakenError(Exception):
    """The alias no longer points to what the caller has seen there.

    Attributes:
        present: number of the version that it points to now; '' if none.
    """

    def __init__(self, present: str) -> None:
        super().__init__(present)
        self.present = present


@dataclass(frozen=True)
class Move:
    """What is asked for.

    Attributes:
        expected: the version that the alias must point to; None for any.
        by, name: see `history.operation`.
    """

    kind: Kind
    alias: str
    version: str
    expected: str | None = None
    by: str = ""
    name: str = ""


def past_of(registry: Registry, name: str, alias: str) -> Past:
    """What an alias of a model has pointed to.

    Raises:
        DataError: the alias is damaged.
    """
    before = {version.number: version.stored.replaced for version in registry.versions(name)}

    def older(number: str) -> list[str]:
        chain: list[str] = []
        while number and number not in chain:
            chain.insert(0, number)
            number = before.get(number, "")
        return chain

    return past(registry.history(name), alias, registry.pointed(name, alias), older)


def promote(
    registry: Registry,
    name: str,
    number: str,
    alias: str,
    *,
    expected: str | None = None,
    by: str = "",
    operation_id: str = "",
) -> Version:
    """Point the alias to a version, once it is proved to be whole.

    Args:
        expected: number of the version that must be in production now, '' for none; None for any.
        operation_id: a second call with the same one changes nothing.

    Raises:
        ConfigError: the alias is none that may be moved.
        DataError: there is no such version, or it is damaged.
        OvertakenError: something else is in production.
    """
    checked_alias(alias)
    # An alias that points to nothing is fixed by this.
    chosen = numbered(registry.versions(name, damaged=True), number)
    if chosen is None:
        raise DataError(f"{name}: there is no version {number} in the registry.")
    registry.verify(chosen)
    move(registry, name, Move("promote", alias, number, expected, by, operation_id))
    promoted = numbered(registry.versions(name), number)
    assert promoted
    return promoted


def withdrawal_of(registry: Registry, version: Version, alias: str) -> Operation | None:
    """The rollback that took a version out of production, if one did; None if damaged.

    Raises:
        ConfigError: the alias is none that may be moved.
    """
    checked_alias(alias)
    try:
        return past_of(registry, version.name, alias).withdrawn.get(version.number)
    except DataError:
        return None


# What is told of an operation once its alias has moved, and before it is marked as done: whoever
# was killed without a word can repeat the command.
Announce = Callable[[Operation], None]


def silently(_operation: Operation) -> None:
    """Announce nothing."""


def rollback(
    registry: Registry,
    name: str,
    alias: str,
    *,
    expected: str | None = None,
    by: str = "",
    operation_id: str = "",
    announce: Announce = silently,
) -> tuple[Version, Version]:
    """Point the alias back to the version that its present one replaced, and go further each time.

    A version that was itself withdrawn is passed over: only `promote` brings it back. A rollback
    that was interrupted before it was announced is completed, and nothing else is done.

    Args:
        expected: number of the version that whoever asks has seen in production; None for any.
        announce: called once, with the rollback that was done or that had been done before.

    Returns:
        the version that was in production, and the one that is now.

    Raises:
        ConfigError: nothing has the alias, or what has it replaced nothing.
        OvertakenError: something else than expected is in production.
    """
    checked_alias(alias)
    known(registry, name)
    settled = settle(registry, name, alias, announce)
    completed = settled if settled and settled.kind == "rollback" else None
    done = completed or same_operation(registry.history(name), operation_id)
    if not done and expected is not None and (now := registry.pointed(name, alias)) != expected:
        raise OvertakenError(now)
    present, target = (done.replaced, done.version) if done else way_back(registry, name, alias)
    versions = registry.versions(name)
    withdrawn, restored = numbered(versions, present), numbered(versions, target)
    if restored is None or withdrawn is None:
        raise DataError(
            f"version {target if restored is None else present} of {name}, which was in "
            "production, is gone from the registry. Restore it from a backup, or choose another "
            f"with `retrain models promote {name} VERSION`."
        )
    if done:
        if not completed:
            announce(done)
        return withdrawn, restored
    registry.verify(restored)
    try:
        move(registry, name, Move("rollback", alias, target, present, by, operation_id), announce)
    except OvertakenError as error:
        raise ConfigError(
            f"{name}: version {error.present or 'none'} is in production now, and no longer "
            f"{present}: somebody has changed it meanwhile. Look again, and repeat if it is still "
            "what you want."
        ) from error
    return withdrawn, find(registry, name, target)


def way_back(registry: Registry, name: str, alias: str) -> tuple[str, str]:
    """The version in production, and the one to go back to.

    Raises:
        ConfigError: there is none of the two.
    """
    history = past_of(registry, name, alias)
    if not history.stack:
        raise ConfigError(f"{name}: nothing is in production as {alias!r}.")
    if not history.before:
        raise ConfigError(
            f"version {history.stack[-1]} of {name} replaced no other version that was not "
            f"withdrawn: there is nothing to roll back to. `retrain models promote {name} VERSION` "
            "chooses one."
        )
    return history.stack[-1], history.before


def settle(registry: Registry, name: str, alias: str, announce: Announce) -> Operation | None:
    """Complete the last operation if it was interrupted, and return it then.

    A rollback is announced: it is the one that is asked for.
    """
    with registry.locked(name):
        last = latest(registry.history(name), alias)
        if not last or last.done or registry.pointed(name, alias) not in states(last.operation):
            return None
        is_rollback = last.operation.kind == "rollback"
        complete(registry, name, last, announce if is_rollback else silently)
        return last.operation


def same_operation(entries: list[Entry], operation_id: str) -> Operation | None:
    """The operation with an id, if there was one."""
    same = (e.operation for e in entries if operation_id and e.operation.id == operation_id)
    return next(same, None)


def is_settled(registry: Registry, name: str, alias: str) -> bool:
    """Whether no operation on an alias waits for its end."""
    last = latest(registry.history(name), alias)
    return last is None or last.done


def latest(entries: list[Entry], alias: str) -> Entry | None:
    """The last operation on an alias."""
    return next((entry for entry in reversed(entries) if entry.operation.alias == alias), None)


def move(registry: Registry, name: str, asked: Move, announce: Announce = silently) -> None:
    """Do it, or complete what an interrupted attempt has begun.

    Raises:
        OvertakenError: the alias does not point to what is expected.
    """
    with registry.locked(name):
        while True:
            entries = registry.history(name)
            present = present_of(registry, name, asked)
            last = latest(entries, asked.alias)
            if last and not last.done and present in states(last.operation):
                same = (last.operation.kind, last.operation.version) == (asked.kind, asked.version)
                complete(registry, name, last, announce if same else silently)
                if same:
                    return
                continue
            if present == asked.version or same_operation(entries, asked.name):
                return
            if asked.expected is not None and present != asked.expected:
                raise OvertakenError(present)
            begun = operation(asked.kind, asked.alias, asked.version, present, asked.by, asked.name)
            entry = Entry(len(entries) + 1, begun, done=False)
            if registry.record(name, entry):
                complete(registry, name, entry, announce)
                return


def states(begun: Operation) -> tuple[str, str]:
    """What an alias points to while an operation goes on; else a person has moved it since."""
    return begun.replaced, begun.version


def present_of(registry: Registry, name: str, asked: Move) -> str:
    """What the alias points to; a damaged one to nothing, if it is a person who fixes it."""
    try:
        return registry.pointed(name, asked.alias)
    except DataError:
        if asked.kind == "rollback" or asked.expected is not None:
            raise
        return ""


def complete(registry: Registry, name: str, entry: Entry, announce: Announce) -> None:
    """Move the alias, announce it, and mark the entry as done.

    A process that was slow must not undo what later ones have done: the last entry counts.
    """
    alias, last = entry.operation.alias, latest(registry.history(name), entry.operation.alias)
    while last:
        registry.point(name, alias, last.operation.version)
        seen, last = last, latest(registry.history(name), alias)
        if last and last.number == seen.number:
            break
    announce(entry.operation)
    registry.finish(name, entry.number)


Outcome = Literal["promoted", "in-production", "held", "withdrawn", "overtaken", "not-kept"]


def add_and_promote(
    registry: Registry, name: str, alias: str, artefact: Artefact, expected: str | None = None
) -> tuple[Version, Outcome]:
    """Add a model and, when the gate decided so, promote it: what a pipeline does at its end.

    A version that was promoted before is not promoted again: if its alias points elsewhere now, a
    person has moved it since, and a repeated or retried run must not undo that.

    Args:
        expected: number of the version that the model was compared with, '' for none: nothing is
            promoted over another one; None for any.

    Returns:
        the version, and what became of it.
    """
    version = registry.add(name, artefact)
    lineage = artefact.lineage
    operation_id = f"{lineage.run}/{version.artefact[:12]}"
    if alias in version.aliases and is_settled(registry, name, alias):
        last = latest(registry.history(name), alias)
        # Of a run that was killed behind its promotion and is repeated, it is still the promotion.
        ours = last is not None and last.operation.id == operation_id
        again = ours and lineage.decision == "promote"
        return version, "promoted" if again else "in-production"
    if lineage.decision != "promote":
        return version, "held"
    if version.lineage.promoted and alias not in version.aliases:
        return version, "withdrawn"
    try:
        promoted = promote(
            registry,
            name,
            version.number,
            alias,
            expected=expected,
            by=f"run {lineage.run}",
            operation_id=operation_id,
        )
    except OvertakenError:
        return version, "overtaken"
    return promoted, "promoted"
