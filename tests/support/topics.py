"""A kind of task that no file of the product knows: which topics a document is about.

An annotation names them under `accept`, as Prodigy's choice does; every other label is known not to
be there. spaCy's own text classifier learns them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from components.errors import ConfigError
from components.records.annotation import Annotation
from components.records.problems import Note
from components.records.record import Answers, Item
from components.records.tokens import Boundaries
from components.tasks.base import Check, Policy, Task

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc
    from spacy.training import Example


class Kind(Task):
    title = "finding topics"
    unit = "topics"
    exact = "topics of whole documents"
    place = "cats"

    def checker(self, policy: Policy) -> Check:
        return self.check

    def check(
        self, annotation: Annotation, tokens: Boundaries
    ) -> tuple[Answers | None, list[Note]]:
        chosen = json.loads(annotation.raw).get("accept")
        if chosen is None:
            return None, []
        return Answers(cats={label: label in chosen for label in self.labels}), []

    def merge(
        self, text: str, tokens: Boundaries, answers: Sequence[Answers], newest: int
    ) -> Answers:
        return answers[newest]

    def gold(self, doc: Doc) -> list[Item]:
        return sorted(label for label, there in doc.cats.items() if there)

    def predicted(self, example: Example) -> list[Item]:
        known = example.reference.cats
        scores = example.predicted.cats
        return sorted(label for label, score in scores.items() if score > 0.5 and label in known)

    def model_labels(self, nlp: Language) -> tuple[str, ...]:
        return tuple(sorted(nlp.pipe_labels.get("textcat_multilabel", [])))

    def check_pipeline(self, nlp: Language) -> list[str]:
        if "textcat_multilabel" not in nlp.pipe_names:
            raise ConfigError("training config: nothing finds topics")
        return sorted({*self.labels} - {*self.model_labels(nlp)})

    def dev_scores(self, evaluation: Mapping[str, Any]) -> dict[str, float]:
        return {name: evaluation.get(f"cats_micro_{name}") or 0.0 for name in "fpr"}

    def review(self, gold: Iterable[Item], unknown: Sequence[str] = ()) -> dict[str, Any]:
        return {"accept": [*gold], "options": [{"id": label} for label in self.labels]}
