"""The models of the registries on this machine: what is in production, and every version."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.errors import ConfigError, RetrainError
from components.html.format import percent
from components.registry import promotion
from components.registry.base import Registry, Version, known, numbered, pointed_to
from components.registry.history import Operation, took_effect
from components.registry.open import open_registry
from components.registry.promotion import past_of
from pipelines.local.production import address_of
from pipelines.local.runs import RunRecord
from pipelines.results.outcome import PhaseOutcome
from pipelines.results.served import PRODUCTION
from pipelines.results.versions import per_label
from pipelines.ui.site import Site, url
from pipelines.ui.writing import RefusedError

# The newest runs say which registries and models there are.
RUNS_ASKED = 50
MOST_COLUMNS = 6
DONE = {
    "promoted": "Done: the version is in production.",
    "rolled-back": "Done: rolled back. The version that was in production is withdrawn and kept.",
}


@dataclass(frozen=True)
class Place:
    """A model in a registry.

    Attributes:
        key: names the registry in URLs.
        location: its folder.
        alias: of the version in production.
        phase: that trains it; "" where no run of late says so.
    """

    key: str
    location: str
    name: str
    alias: str = PRODUCTION
    phase: str = ""

    @property
    def url(self) -> str:
        return url("models", self.key, self.name)

    def open(self) -> Registry:
        """The registry."""
        return open_registry(self.location)


@dataclass(frozen=True)
class Model:
    """A model as the home page shows it.

    Attributes:
        where: its registry.
        version: number of the one in production, "" for none; since when, and by whom.
        scores: its F, of each task.
        problem: why nobody can say; "" if all is well.
        last: what became of its phase in the last run that had it, with that run's id and URL.
    """

    name: str
    where: str
    phase: str
    url: str
    version: str = ""
    since: str = ""
    by: str = ""
    scores: list[str] = field(default_factory=list)
    problem: str = ""
    last: PhaseOutcome | None = None
    last_run: str = ""
    last_url: str = ""


def key_of(location: str) -> str:
    """What names a registry in URLs."""
    return hashlib.sha256(location.encode()).hexdigest()[:8]


def recent(site: Site) -> list[RunRecord]:
    """The newest runs."""
    return site.records.readable(site.records.ids()[:RUNS_ASKED])


def places(site: Site) -> list[Place]:
    """The models on this machine: those of recent runs, and those in the folder of models."""
    found: dict[tuple[str, str], Place] = {}
    for record in recent(site):
        for phase, kept in record.production.items():
            address = address_of(kept, site.records.out / record.id)
            if "://" not in address:
                place = Place(key_of(address), address, kept.name, kept.alias, phase)
                found.setdefault((address, kept.name), place)
    locations = dict.fromkeys([str(site.registry.resolve()), *(each for each, _ in found)])
    for location in locations:
        if Path(location).is_dir():
            for name in open_registry(location).names():
                found.setdefault((location, name), Place(key_of(location), location, name))
    return sorted(found.values(), key=lambda place: (place.location, place.name))


def place_at(site: Site, key: str, name: str) -> Place:
    """The model that a URL means.

    Raises:
        ConfigError: there is none.
    """
    for place in places(site):
        if (place.key, place.name) == (key, name):
            return place
    raise ConfigError("There is no such model in the registries of this machine.")


def registries(site: Site) -> list[str]:
    """The folders in which models are looked for."""
    found = [place.location for place in places(site)]
    return list(dict.fromkeys([*found, str(site.registry.resolve())]))


def elsewhere(site: Site) -> list[str]:
    """Registries of recent runs that are services: they are not asked from here."""
    kept = (one for record in recent(site) for one in record.production.values())
    return list(dict.fromkeys(one.registry for one in kept if "://" in one.registry))


def in_production(site: Site) -> list[Model]:
    """What is in production of each model."""
    return [model_of(site, place) for place in places(site)]


def model_of(site: Site, place: Place) -> Model:
    """One line of the home page."""
    found: dict[str, Any] = {}
    try:
        registry = place.open()
        version = pointed_to(registry.versions(place.name), place.alias)
        if version:
            found = described(version, operations_of(registry, place))
    except (RetrainError, OSError) as error:
        found = {"problem": str(error)}
    run, outcome = last_outcome(site, place)
    last_url = url("runs", run) if run else ""
    return Model(
        place.name,
        place.location,
        place.phase,
        place.url,
        last=outcome,
        last_run=run,
        last_url=last_url,
        **found,
    )


def described(version: Version, operations: Sequence[Operation]) -> dict[str, Any]:
    """The version in production, for the home page."""
    put = [each for each in operations if each.version == version.number]
    return {
        "version": version.number,
        "since": day(put[-1].time if put else version.lineage.promoted),
        "by": put[-1].by if put else "",
        "scores": scores_of(version),
    }


def operations_of(registry: Registry, place: Place) -> list[Operation]:
    """What was put in production and withdrawn, oldest first."""
    present = registry.pointed(place.name, place.alias)
    return list(took_effect(registry.history(place.name), place.alias, present))


def scores_of(version: Version) -> list[str]:
    """Overall F of each task, in percent."""
    return [percent(task.get("overall", {}).get("f")) for task in version.lineage.tasks.values()]


def last_outcome(site: Site, place: Place) -> tuple[str, PhaseOutcome | None]:
    """The newest run that had a model's phase, and what became of it."""
    for record in recent(site):
        for phase, kept in record.production.items():
            address = address_of(kept, site.records.out / record.id)
            if (address, kept.name) == (place.location, place.name):
                return record.id, site.records.outcomes(record.id).get(phase)
    return "", None


def day(time: str) -> str:
    """`2026-01-31 14:05` of a time in ISO 8601."""
    return time[:16].replace("T", " ")


@dataclass(frozen=True)
class Line:
    """A version as the page of a model lists it; `run_url` is "" where its run is not here."""

    number: str
    aliases: tuple[str, ...]
    withdrawn: bool
    scores: list[str]
    gate: str
    made: str
    run: str
    run_url: str
    digest: str


@dataclass(frozen=True)
class Done:
    """A promotion or a rollback."""

    time: str
    said: str
    by: str


def page_of(site: Site, place: Place) -> dict[str, Any]:
    """What the page of a model shows.

    Raises:
        ConfigError: there is no such model.
        DataError: its registry is damaged.
    """
    registry = place.open()
    versions = known(registry, place.name)[::-1]
    present = pointed_to(versions, place.alias)
    history = past_of(registry, place.name, place.alias)
    columns = versions[:MOST_COLUMNS]
    every = [per_label(version) for version in columns]
    labels = dict.fromkeys(label for rows in every for label in rows if label != "overall")
    rows = [(label, [f_of(one, label) for one in every]) for label in [*labels, "overall"]]
    return {
        "place": place,
        "present": present,
        "back": history.before if present else "",
        "versions": [
            line_of(site, version, withdrawn=version.number in history.withdrawn)
            for version in versions
        ],
        "columns": [version.number for version in columns],
        "rows": rows,
        "operations": [done_of(each) for each in reversed(history.operations)],
    }


def f_of(rows: Mapping[str, Mapping[str, Any]], label: str) -> float | None:
    """F of a label in a version's scores."""
    f: float | None = rows.get(label, {}).get("f")
    return f


def line_of(site: Site, version: Version, *, withdrawn: bool) -> Line:
    """One version."""
    lineage = version.lineage
    return Line(
        number=version.number,
        aliases=version.aliases,
        withdrawn=withdrawn,
        scores=scores_of(version),
        gate=lineage.gate or lineage.decision,
        made=day(lineage.created),
        run=lineage.run,
        run_url=url("runs", lineage.run) if lineage.run in site.records else "",
        digest=lineage.digest[:8],
    )


def done_of(operation: Operation) -> Done:
    """One operation, as a sentence."""
    replaced = f", in place of version {operation.replaced}" if operation.replaced else ""
    verb = {"promote": "promoted", "rollback": "rolled back to"}[operation.kind]
    return Done(day(operation.time), f"{verb} version {operation.version}{replaced}", operation.by)


def promote(place: Place, version: str, present: str) -> None:
    """Put a version in production.

    Args:
        present: what the page showed as in production, "" for nothing.

    Raises:
        RefusedError: something else is in production by now, or there is no such version.
    """
    registry = place.open()
    if not numbered(known(registry, place.name), version):
        raise RefusedError(404, f"{place.name} has no version {version!r}.")
    try:
        promotion.promote(registry, place.name, version, place.alias, expected=present)
    except promotion.OvertakenError as error:
        raise changed_meanwhile(place, present, error.present) from error


def roll_back(place: Place, present: str) -> None:
    """Put back what the present version replaced.

    Raises:
        RefusedError: something else is in production by now, or there is nothing to go back to.
    """
    try:
        promotion.rollback(place.open(), place.name, place.alias, expected=present)
    except promotion.OvertakenError as error:
        raise changed_meanwhile(place, present, error.present) from error
    except ConfigError as error:
        raise RefusedError(409, str(error)) from error


def changed_meanwhile(place: Place, shown: str, now: str) -> RefusedError:
    """What to say to somebody whose page is older than the registry."""
    return RefusedError(
        409,
        f"Nothing was changed: version {now or 'none'} of {place.name} is in production now, and "
        f"the page showed {shown or 'none'}. Load it again, and decide again.",
    )
