"""Answers that were paid for once: a stage that is killed goes on behind the last piece.

Each file of texts is cut into pieces, and what the teacher says of one is a file of its own, there
whole or not at all. So nothing is lost by a kill, nothing is there twice, and a bucket mounted as a
folder will do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from components import progress
from components.label.leaving_out import Sieve
from components.label.teacher import Labelled, Teacher
from components.records import json_lines
from components.records.pool import proven
from components.records.texts import Text

NOTHING_SAID = "none of the labels, says the teacher"


@dataclass
class Counts:
    """What became of the texts.

    Attributes:
        files: file -> texts in it.
        left_out: reason -> texts.
        asked: texts that the teacher was asked about, now or before a kill; `reused` before one.
    """

    files: dict[str, int] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    reused: int = 0

    @property
    def texts(self) -> int:
        return sum(self.files.values())


@dataclass(frozen=True)
class Pieces:
    """The pieces of a job.

    Attributes:
        folder: of the job: what is there already counts.
        key: key or column of the text; "": what is usual.
    """

    folder: Path
    files: Sequence[str]
    key: str

    def write(self, teacher: Teacher, sieve: Sieve) -> Counts:
        """Ask the teacher about all texts that no piece holds yet.

        Raises:
            DataError: a row holds no text, or one that is too long; nothing is asked before all
                files have been read.
        """
        counts = Counts()
        read = [proven([file], self.key, teacher.longest) for file in self.files]
        for number, (file, texts) in enumerate(zip(self.files, read, strict=True)):
            counts.files[file] = texts.count
            for place, piece in enumerate(texts.behind(0)):
                path = self.folder / f"{number:04}-{place:06}.jsonl"
                self.piece(path, piece, sieve, teacher.label, counts)
                progress.report(documents=counts.asked)
            print(f"{file}: {texts.count:,} texts, {counts.asked:,} asked so far.", flush=True)
        return counts

    def piece(
        self,
        path: Path,
        texts: Sequence[Text],
        sieve: Sieve,
        label: Callable[[Sequence[Text]], Sequence[Labelled | None]],
        counts: Counts,
    ) -> None:
        """One piece, unless it is there."""
        reasons = sieve.reasons(texts)
        counts.left_out.update(reason for reason in reasons if reason)
        asked = [text for text, reason in zip(texts, reasons, strict=True) if not reason]
        counts.asked += len(asked)
        if path.is_file():
            counts.reused += len(asked)
            return
        json_lines.write(path, (one for one in label(asked) if one is not None))

    def labelled(self) -> Iterator[Labelled]:
        """What the teacher said, in the order of the texts."""
        for path in sorted(self.folder.glob("*.jsonl")):
            yield from json_lines.read(path, Labelled, "an answer of the teacher", "`label`")
