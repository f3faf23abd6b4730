"""Second pass over the records: every line goes, as it is, into the file of its split."""

from __future__ import annotations

import os
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.files import writing
from components.split.features import Features


def write_splits(
    annotations: Path,
    features: Features,
    splits: NDArray[np.int8],
    targets: tuple[Path, Path, Path],
) -> None:
    """Copy each line to the target of its split.

    The lines come out in the order of their text's hash, so that the files are the same whatever
    the order of the input, and the start of a file is a fair sample of it.
    """
    with ExitStack() as stack:
        source = stack.enter_context(annotations.open("rb"))
        paths = [stack.enter_context(writing(target)) for target in targets]
        files = [stack.enter_context(path.open("wb")) for path in paths]

        def line(record: int) -> bytes:
            start, end = features.offsets[record : record + 2].tolist()
            return os.pread(source.fileno(), end - start, start).rstrip(b"\r\n") + b"\n"

        order = np.argsort(features.text_keys, kind="stable").tolist()
        for _, same_text in groupby(order, key=features.text_keys.__getitem__):
            records = list(same_text)
            files[splits[records[0]]].writelines(sorted(map(line, records)))
        # Closed before `writing` renames them.
        for file in files:
            file.close()
