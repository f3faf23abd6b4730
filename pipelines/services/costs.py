"""What a run may cost: hours of machines, times list prices. An estimate, and said to be one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import Field, ValidationError

from components.errors import ConfigError
from components.settings import Settings
from pipelines.config.machine_types import machine_limits
from pipelines.config.schema import Resources, seconds
from pipelines.config.yaml_file import read_one

LIST_PRICES = Path(__file__).with_name("prices.yaml")


class Prices(Settings):
    """A price list: the content of prices.yaml, in one currency and for one region."""

    source: str
    as_of: date
    region: str
    currency: str
    run: float = Field(ge=0, description="one run of a pipeline")
    vcpu_hour: dict[str, float] = Field(description="family of machines -> one vCPU with memory")
    accelerator_hour: dict[str, float] = Field(description="type -> one accelerator")

    def hour(self, resources: Resources) -> float | None:
        """What an hour of a machine costs; None where a price is not known."""
        family = resources.machine.rpartition("-")[0]
        vcpu = self.vcpu_hour.get(family)
        gpu = self.accelerator_hour.get(resources.accelerator) if resources.accelerator else 0.0
        if vcpu is None or gpu is None:
            return None
        return machine_limits(resources.machine)[0] * vcpu + resources.count * gpu


@dataclass(frozen=True)
class Asked:
    """A task, what it asks for, and how long it took before.

    Attributes:
        hours: of its last success; None when it is not known.
    """

    task: str
    resources: Resources
    hours: float | None

    @property
    def longest(self) -> float:
        """Hours if every attempt runs to its timeout."""
        return (1 + self.resources.retries) * seconds(self.resources.timeout) / 3600


@dataclass(frozen=True)
class Estimate:
    """What a run may cost.

    Attributes:
        expected: with the hours that tasks took before, and those of their timeouts where that is
            not known; None when nothing is known of any, or a price is missing.
        at_most: if every attempt of every task ran to its timeout; None when a price is missing.
        known: how many tasks have hours from before.
        unpriced: machines and accelerators that the list has no price of.
    """

    expected: float | None
    at_most: float | None
    known: int
    tasks: int
    unpriced: tuple[str, ...]


def read_prices(path: Path) -> Prices:
    """Read a price list.

    Raises:
        ConfigError: it is missing, or not one.
    """
    try:
        return Prices.model_validate(read_one(path).data)
    except (ConfigError, ValidationError) as error:
        raise ConfigError(
            f"{path}: not a price list ({error}). Write it like {LIST_PRICES}."
        ) from None


def estimate(tasks: Sequence[Asked], prices: Prices) -> Estimate:
    """What these tasks may cost in one run, at full price: a spot machine costs less."""
    hourly: Mapping[str, float | None] = {one.task: prices.hour(one.resources) for one in tasks}
    without = {kind_of(one.resources) for one in tasks if hourly[one.task] is None}
    known = sum(one.hours is not None for one in tasks)
    totals: list[float | None] = [None, None]
    if not without:
        before = [one.longest if one.hours is None else one.hours for one in tasks]
        for place, hours in enumerate((before, [one.longest for one in tasks])):
            pairs = zip(tasks, hours, strict=True)
            totals[place] = prices.run + sum((hourly[one.task] or 0) * time for one, time in pairs)
    expected, at_most = totals
    return Estimate(expected if known else None, at_most, known, len(tasks), tuple(sorted(without)))


def kind_of(resources: Resources) -> str:
    """Machine and accelerator in words."""
    return " with ".join(filter(None, [resources.machine, resources.accelerator]))
