"""What happened to a phase, and what is in production now: one sentence, the same everywhere.

Terminal, JSON, pages and notifications take it from here, so that none of them says something else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from components.errors import RetrainError
from components.registry.history import took_effect
from components.registry.open import open_registry

End = Literal[
    "promoted",
    "in-production",
    "held",
    "not-kept",
    "withdrawn",
    "overtaken",
    "waits",
    "failed",
    "stopped",
    "running",
    "done",
    "not-run",
]
IN_PRODUCTION = ("promoted", "in-production")
NEUTRAL = ("waits", "running", "done", "not-run")


def tone(end: End) -> Literal["good", "bad", ""]:
    """Good news, bad news or none."""
    if end in IN_PRODUCTION:
        return "good"
    return "" if end in NEUTRAL else "bad"


@dataclass(frozen=True)
class InProduction:
    """What an alias of a model points to.

    Attributes:
        version: its number; "" for none, None where nobody knows.
        by: who put it there: a run, or a person; "" where the registry does not say.
        unknown: why nobody knows.
    """

    version: str | None
    by: str = ""
    unknown: str = ""

    @property
    def stays(self) -> str:
        """After a run that has not changed it."""
        if self.version is None:
            return f"what is in production is not known ({self.unknown.rstrip('.')})"
        return f"production stays version {self.version}" if self.version else NOTHING

    @property
    def unchanged(self) -> str:
        """After a run that did not get to its end."""
        if not self.version:
            return self.stays if self.version is None else f"production unchanged: {NOTHING}"
        return f"production unchanged: version {self.version}"


NOTHING = "nothing is in production"


def ask(location: str, name: str, alias: str) -> InProduction:
    """Ask a registry; one that does not answer makes it unknown.

    Args:
        location: as `open_registry` takes it.
    """
    try:
        registry = open_registry(location)
        version = registry.pointed(name, alias)
        operations = list(took_effect(registry.history(name), alias, version))
    except (RetrainError, OSError) as error:
        return InProduction(None, unknown=str(error))
    last = operations[-1] if operations else None
    return InProduction(version, last.by if last and last.version == version else "")


def sentence(
    end: End,
    production: InProduction,
    *,
    run: str,
    version: str = "",
    since: str = "",
    stage: str = "",
) -> str:
    """What happened to a phase in a run, without a full stop.

    Args:
        production: as it is after the run.
        run: its name, as it signs promotions.
        version: the number of the model's version; "" for one that is not kept.
        since: the run that brought the same model to the same decision before; "" for none.
        stage: where it failed or stopped, or what runs now.
    """
    match end:
        case "promoted":
            return f"promoted to version {version}{overruled(version, production)}"
        case "in-production" | "held" | "not-kept" if since:
            again = "" if end == "in-production" else "; held again"
            return f"nothing changed since run {since}{again}: {production.stays}"
        case "in-production":
            return f"the same model as before: {production.stays}"
        case "held":
            kept = "" if version in ("", production.version) else f" as version {version}"
            return f"held{kept}, {production.stays}"
        case "not-kept":
            return f"held and not kept, {production.stays}"
        case "withdrawn":
            return f"not promoted, version {version} was withdrawn before: {production.stays}"
        case "overtaken":
            return (
                f"kept as version {version} and not promoted, production has changed since the "
                f"comparison: {production.stays}"
            )
        case "waits":
            return f"not trained, nothing is due: {production.stays}"
        case "failed" | "stopped":
            return f"{end}{f' in {stage}' if stage else ''}, {after_break(production, run)}"
        case "running":
            return f"running {stage}" if stage else "under way"
        case "done":
            return f"done: {production.stays.replace('stays', 'is')}"
        case "not-run":
            return "not run"


def overruled(promoted: str, production: InProduction) -> str:
    """What to add where somebody moved the alias since."""
    if production.version in (promoted, None):
        return ""
    return f", since then {production.stays.replace('stays', 'is')}"


def after_break(production: InProduction, run: str) -> str:
    """What is in production after a phase that broke off, perhaps behind its promotion."""
    if production.version and production.by == f"run {run}":
        return f"after it was promoted: production is version {production.version}"
    return production.unchanged
