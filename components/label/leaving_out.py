"""Which texts a teacher is not asked about: what is annotated, and what would test on itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from components.records.keys import group_of, key_of, normalised
from components.records.record import read_records
from components.records.texts import Text
from components.similarity.pairs import near_known

# Jaccard similarity to a text of test or dev: less than a near duplicate is too much already, since
# what is learnt must say nothing of what it is scored on.
NEAR = 0.5


@dataclass
class Annotated:
    """What is annotated, and what of it models are scored on.

    Attributes:
        keys: of all annotated texts.
        test, dev: their texts, normalised.
        groups: values of the key by which texts stay together, of dev and test.
    """

    keys: set[int] = field(default_factory=set)
    test: list[str] = field(default_factory=list)
    dev: list[str] = field(default_factory=list)
    groups: set[str] = field(default_factory=set)


def annotated(train: Path, dev: Path, test: Path, group_by: str) -> Annotated:
    """Read the three splits."""
    known = Annotated()
    for path, texts in ((train, None), (dev, known.dev), (test, known.test)):
        for record in read_records(path):
            text = normalised(record.text)
            known.keys.add(key_of(text, b"text"))
            if texts is not None:
                texts.append(text)
                known.groups.add(group_of(record.meta, group_by))
    known.groups.discard("")
    return known


@dataclass
class Sieve:
    """Leaves texts out, piece by piece.

    Attributes:
        group_by: key of meta by which texts stay together; "" for none.
        seen: keys of the texts that were there before.
    """

    known: Annotated
    group_by: str
    seen: set[int] = field(default_factory=set)

    def reasons(self, texts: Sequence[Text]) -> list[str]:
        """Why each text is left out; "" for one that is not."""
        plain = [normalised(one.text) for one in texts]
        reasons = [self.reason(text, one.meta) for text, one in zip(plain, texts, strict=True)]
        for known, why in (
            (self.known.test, "near a text of test"),
            (self.known.dev, "near a text of dev"),
        ):
            rest = [at for at, reason in enumerate(reasons) if not reason]
            if known and rest:
                near = near_known(known, [plain[at] for at in rest], NEAR)
                for at in np.array(rest)[near].tolist():
                    reasons[at] = why
        return reasons

    def reason(self, plain: str, meta: object) -> str:
        """Why a text is left out, whatever it is like."""
        key = key_of(plain, b"text")
        if not plain:
            return "blank"
        if key in self.known.keys:
            return "annotated"
        if key in self.seen:
            return "there before"
        self.seen.add(key)
        if self.known.groups and group_of(meta, self.group_by) in self.known.groups:
            return f"same {self.group_by} as a text of dev or test"
        return ""
