"""Take a share of the training records; a larger share holds the smaller ones."""

from __future__ import annotations

import argparse
import hashlib
import math

from components.errors import ConfigError
from components.interface import Input, Output, Parameter
from components.records.record import Record, read_records, write_records
from components.stage import StageResult

INTERFACE = (
    Input("train_set", "Dataset", "JSON Lines of `split`"),
    Parameter("percent", "share to keep, 1 to 100", int),
    Output("kept", "Dataset", "JSON Lines to write"),
)


def run(args: argparse.Namespace) -> StageResult:
    """Write the share.

    Returns:
        metadata of `kept`: how many documents it holds.

    Raises:
        ConfigError: the share is not between 1 and 100 percent.
    """
    if not 1 <= args.percent <= 100:
        raise ConfigError(f"--percent must be 1 to 100, not {args.percent}")
    records = list(read_records(args.train_set))
    kept = subsample(records, args.percent)
    write_records(args.kept, kept)
    print(f"{len(kept)} of {len(records)} documents")
    return StageResult(metadata={"kept": {"documents": len(kept)}})


def subsample(records: list[Record], percent: int) -> list[Record]:
    """A share of the records in their order; the choice depends on their ids alone."""
    count = math.ceil(len(records) * percent / 100)
    ranked = sorted(records, key=lambda record: hashlib.sha256(record.id.encode()).digest())
    chosen = {record.id for record in ranked[:count]}
    return [record for record in records if record.id in chosen]
