"""`retrain convert-annotations`: annotations of any tool as Prodigy's JSON Lines."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from components.ingest.rewrite import Account


def convert_annotations(
    annotations: Annotated[
        str,
        typer.Argument(
            metavar="ANNOTATIONS", help="A file, a glob or an address (gs://), as in a config."
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The JSON Lines to write.")
    ],
    file_format: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="If it is taken for another.")
    ] = "auto",
) -> None:
    """Write annotations of any format that is read as Prodigy's JSON Lines.

    Offsets come out proven and in characters; what can't be trusted is left out, and counted.
    Spans and each question about the whole text are rows of their own. A file that exists is never
    overwritten.
    """
    from components.errors import ConfigError, DataError
    from components.files import writing
    from components.ingest.rewrite import Account, rewritten
    from components.records.problems import StopReadingError
    from components.records.sources import (
        Source,
        checked_format,
        copy_files,
        features_beside,
        list_files,
    )

    if output.exists():
        raise ConfigError(f"{output}: is already there. Choose another name, or remove it first.")
    features = features_beside(Path(annotations))
    source = Source(path=annotations, format=checked_format(file_format), features=features)
    files = list_files([source])
    account = Account()
    with (
        TemporaryDirectory() as folder,
        writing(output) as path,
        path.open("w", encoding="utf-8", newline="\n") as lines,
    ):
        try:
            for line in rewritten(copy_files(files, Path(folder)), account):
                lines.write(line + "\n")
        except StopReadingError as error:
            raise DataError(str(error)) from None
        if not account.written:
            raise DataError("\n".join([f"{annotations}: nothing to write.", *said(account)]))
    print("\n".join([*said(account), f"Wrote {output}. Next: retrain init {output}"]))


def said(account: Account) -> list[str]:
    """What became of the records, one line for each reason."""
    refused = account.refused.total()
    rows = f" as {account.rows} rows" if account.rows != account.written else ""
    lines = [
        f"{account.read} records: {account.written} written{rows}, "
        f"{account.skipped.total()} skipped, {refused} refused"
    ]
    lines += [f"  skipped: {reason}: {count}" for reason, count in account.skipped.most_common()]
    lines += [
        f"  refused: {kind}: {count}, first {account.first[kind]}"
        for kind, count in account.refused.most_common()
    ]
    lines += [f"  {p.policy.value}: {p.kind}: {p.count}" for p in account.problems.sorted()]
    lines += [f"  {label}: {count} spans" for label, count in account.spans.most_common()]
    return lines + [f"  {label}: {count} answers" for label, count in account.classes.most_common()]
