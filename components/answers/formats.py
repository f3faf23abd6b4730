"""What models say of a text, in the forms that Prodigy, Label Studio and programs read.

A row of Prodigy's marks spans, asks one question about the whole text, or both in blocks. So a text
becomes one row, and more only where the models answer more. In Label Studio it is one task with one
prediction, whose results carry the names that `retrain labelling` gives its controls: those of the
tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from components.answers.findings import Classes, Entity, Findings
from components.records.texts import Text
from components.records.tokens import Offsets

Format = Literal["jsonl", "prodigy", "labelstudio", "docbin"]
FORMATS: tuple[Format, ...] = get_args(Format)
TEXT = "text"  # name of the control that shows the text


@dataclass(frozen=True)
class Asked:
    """What models answer, and what annotators would be asked to confirm it.

    Attributes:
        entities: name of the task of entities; "" for models that find none.
        spans: tasks of spans that may overlap.
        classes: tasks of classes -> their labels, and whether a text has exactly one of them.
        names: task -> what an annotation tool calls it, where that is not its name: the key of a
            status in Prodigy, the question of classes in Label Studio.
    """

    entities: str = ""
    spans: tuple[str, ...] = ()
    classes: Mapping[str, tuple[tuple[str, ...], bool]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def name(self, task: str) -> str:
        """What an annotation tool calls a task."""
        return self.names.get(task, task)


def json_row(text: Text, said: Findings, versions: Mapping[str, str]) -> dict[str, Any]:
    """A text with what the server answers about it."""
    row = {"text": text.text, **said.model_dump(exclude_none=True), "versions": dict(versions)}
    return row | ({"meta": text.meta} if text.meta else {})


def prodigy_rows(
    text: Text,
    said: Findings,
    tokens: Offsets,
    asked: Asked,
    meta: Mapping[str, Any],
) -> Iterator[dict[str, Any]]:
    """The rows in which annotators confirm or correct what models say.

    Args:
        tokens: where each begins and ends, in characters.
        meta: shown below the text.
    """
    about: dict[str, Any] = {"text": text.text, "meta": dict(meta)}
    marking = {
        "tokens": [
            {"text": text.text[start:end], "start": start, "end": end, "id": n}
            for n, (start, end) in enumerate(tokens)
        ]
    }
    starts = {start: n for n, (start, _) in enumerate(tokens)}
    ends = {end: n for n, (_, end) in enumerate(tokens)}

    def marked(spans: Iterable[Entity]) -> list[dict[str, Any]]:
        numbered = [(one, starts[one.start], ends[one.end]) for one in spans]
        return [prodigy_span(one, first, last, asked) for one, first, last in numbered]

    rows = []
    if asked.entities:
        rows.append({**marking, "spans": marked(said.entities), "_view_id": "ner_manual"})
    for task in asked.spans:
        spans = marked(one for one in said.spans or () if one.task == task)
        rows.append({**marking, "spans": spans, "_view_id": "spans_manual"})
    questions = [
        choice_row(classes_of(said, task), labels, exclusive=exclusive)
        for task, (labels, exclusive) in asked.classes.items()
    ]
    if rows and questions:
        rows[0] |= {**questions.pop(0), "_view_id": "blocks"}
    yield from (about | row for row in (*rows, *questions))


def prodigy_span(one: Entity, first: int, last: int, asked: Asked) -> dict[str, Any]:
    """A span as Prodigy's interfaces mark it, a status under its key.

    Args:
        first, last: numbers of its tokens.
    """
    row: dict[str, Any] = {
        "start": one.start,
        "end": one.end,
        "label": one.label,
        "token_start": first,
        "token_end": last,
    }
    row |= {asked.name(task): said.label for task, said in (one.statuses or {}).items()}
    return row | ({} if one.confidence is None else {"score": one.confidence})


def choice_row(said: Classes | None, labels: Sequence[str], *, exclusive: bool) -> dict[str, Any]:
    """A question about the whole text, with what the model says chosen."""
    return {
        "options": [{"id": label, "text": label} for label in labels],
        "accept": list(said.labels) if said else [],
        "config": {"choice_style": "single" if exclusive else "multiple"},
        "_view_id": "choice",
    }


def classes_of(said: Findings, task: str) -> Classes | None:
    """What is said for one task of classes."""
    return next((one for one in said.classes or () if (one.task or one.phase) == task), None)


def label_studio_task(
    text: Text,
    said: Findings,
    asked: Asked,
    model_version: str,
    *,
    key: str = "text",
    meta: Mapping[str, Any],
) -> dict[str, Any]:
    """A task of Label Studio with one prediction.

    Args:
        key: the field of the data that holds the text.
        meta: kept in the data beside the text.
    """
    prediction: dict[str, Any] = {"model_version": model_version, "result": results(said, asked)}
    score = confidence(said, asked)
    prediction |= {} if score is None else {"score": score}
    return {"data": {key: text.text, **meta}, "predictions": [prediction]}


def results(said: Findings, asked: Asked, to_name: str = TEXT) -> list[dict[str, Any]]:
    """What models say as the results of one prediction of Label Studio.

    Args:
        to_name: name of the control that shows the text.
    """
    found = []
    spans = [(asked.entities, one) for one in said.entities]
    spans += [(one.task, one) for one in said.spans or ()]
    for number, (task, one) in enumerate(spans):
        region = {
            "id": f"r{number}",
            "from_name": asked.name(task),
            "to_name": to_name,
            "type": "labels",
        }
        place = {"start": one.start, "end": one.end, "text": one.text}
        score = {} if one.confidence is None else {"score": one.confidence}
        found.append({**region, "value": {**place, "labels": [one.label]}, **score})
        for status, its in (one.statuses or {}).items():
            score = {} if its.confidence is None else {"score": its.confidence}
            about = {**region, "from_name": asked.name(status), "type": "choices"}
            found.append({**about, "value": {**place, "choices": [its.label]}, **score})
    for number, each in enumerate(one for one in said.classes or () if one.labels):
        task = each.task or each.phase
        found.append(
            {
                "id": f"c{number}",
                "from_name": asked.name(task),
                "to_name": to_name,
                "type": "choices",
                "value": {"choices": list(each.labels)},
                "score": max(each.scores[label] for label in each.labels),
            }
        )
    return found


def confidence(said: Findings, asked: Asked) -> float | None:
    """The confidence in what the models are least sure of; None where they do not say."""
    scores = [one.confidence for one in (*said.entities, *(said.spans or ()))]
    scores += [
        status.confidence for one in said.entities for status in (one.statuses or {}).values()
    ]
    for one in said.classes or ():
        _, exclusive = asked.classes.get(one.task or one.phase, ((), True))
        chances = [*one.scores.values()]
        # Of labels that do not exclude each other one may be as sure that a text has none.
        scores += [max(chances)] if exclusive and chances else [max(p, 1 - p) for p in chances]
    known = [score for score in scores if score is not None]
    return min(known) if known else None
