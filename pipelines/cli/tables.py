"""How every command prints a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

# A pipe or a file has no width to fit into.
PIPE_WIDTH = 100_000


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under column names; a name that ends in `>` is aligned to the right.

    On a terminal what is too wide goes on in the next line; elsewhere every row is one line.
    """
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        right = column.endswith(">")
        justify: Literal["left", "right"] = "right" if right else "left"
        table.add_column(column.removesuffix(">"), justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False, markup=False)
    if console.is_terminal:
        console.print(table)
        return
    wide = Console(highlight=False, markup=False, width=PIPE_WIDTH)
    with wide.capture() as captured:
        wide.print(table)
    print(*(line.rstrip() for line in captured.get().splitlines()), sep="\n")
