"""The texts that annotators have seen, and those of them that test a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from components.records.keys import group_of, key_of, normalised
from components.records.record import Record, label_of
from components.registry.assignment import Stored


@dataclass
class Known:
    """What has been annotated, whatever was answered.

    Attributes:
        stored: which text was in which split; None where nobody knows.
        group_by: key of meta whose values keep texts together, such as "meta.page"; "" for none.
        texts: normalised; no text is there twice.
        test: those of them that were in the test set of the model in production, or are said to be.
        labels: label -> annotated texts that have it.
        groups: values of that key, of dev and test: a text that joined one of these would come
            into dev or test, or draw it into train.
    """

    stored: Stored | None = None
    group_by: str = ""
    texts: list[str] = field(default_factory=list)
    test: list[str] = field(default_factory=list)
    labels: Counter[str] = field(default_factory=Counter)
    groups: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        given = {"test": self.stored.test, "dev": self.stored.dev} if self.stored else {}
        self._keys = {split: {int(key, 16) for key in keys} for split, keys in given.items()}
        self._seen, self._tested = {*self.texts}, {*self.test}

    def add(
        self,
        text: str,
        meta: dict[str, Any] | None = None,
        labels: Iterable[str] = (),
        tags: Iterable[str] = (),
    ) -> None:
        """Note an annotated text.

        Args:
            tags: the splits that its annotators asked for.
        """
        text = normalised(text)
        key = key_of(text, b"text")
        held = {
            split for split in ("test", "dev") if split in tags or key in self._keys.get(split, ())
        }
        if text not in self._seen:
            self._seen.add(text)
            self.texts.append(text)
        if "test" in held and text not in self._tested:
            self._tested.add(text)
            self.test.append(text)
        if held and (group := group_of(meta or {}, self.group_by)):
            self.groups.add(group)
        self.labels.update({*labels})

    def add_record(self, record: Record) -> None:
        """Note a text that is learnt from, or tested by."""
        labels = {label_of(item) for said in record.answers.values() for item in said.items}
        self.add(record.text, record.meta, labels, [record.split])
