"""Second pass over the records: every line goes, as it is, into the file of its side."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.files import writing
from components.split.facts import Facts


def write_sides(
    annotations: Path, facts: Facts, sides: NDArray[np.int8], targets: tuple[Path, Path, Path]
) -> None:
    """Copy each line to the target of its side.

    The lines come out in the order of their text's hash, so that the files are the same whatever
    the order of the input, and the start of a file is a fair sample of it.
    """
    with ExitStack() as stack:
        source = stack.enter_context(annotations.open("rb"))
        paths = [stack.enter_context(writing(target)) for target in targets]
        files = [stack.enter_context(path.open("wb")) for path in paths]

        def line(record: int) -> bytes:
            start, end = facts.offsets[record : record + 2].tolist()
            return os.pread(source.fileno(), end - start, start).rstrip(b"\r\n") + b"\n"

        for same_text in in_hash_order(facts.text_keys):
            if len(same_text) == 1:
                files[sides[same_text[0]]].write(line(same_text[0]))
            else:
                for text in sorted(line(record) for record in same_text):
                    files[sides[same_text[0]]].write(text)
        # Closed before `writing` renames them.
        for file in files:
            file.close()


def in_hash_order(keys: NDArray[np.uint64]) -> list[list[int]]:
    """Records that share a key, by ascending key."""
    order = np.argsort(keys, kind="stable")
    borders = np.flatnonzero(np.diff(keys[order])) + 1
    return [part.tolist() for part in np.split(order, borders)] if len(keys) else []
