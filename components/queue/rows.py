"""The chosen texts as the file that an annotation tool opens, with what the model says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from components.answers.formats import Asked, label_studio_task, prodigy_rows
from components.answers.models import Models, Question
from components.files import writing
from components.queue.choose import Choice
from components.queue.settings import Tool
from components.records.texts import Text

BATCH = 32


def rows_of(
    models: Models,
    texts: Sequence[Text],
    chosen: Sequence[Choice],
    asked: Asked,
    tool: Tool,
    key: str,
) -> Iterator[dict[str, Any]]:
    """The chosen texts, with what the model says filled in.

    Args:
        key: the field that holds the text in Label Studio.
    """
    [(name, version)] = models.versions.items()
    question = Question((name,), confidence=True)
    for start in range(0, len(chosen), BATCH):
        batch = chosen[start : start + BATCH]
        said = models.analyse([texts[one.place].text for one in batch], question)
        for one, findings in zip(batch, said, strict=True):
            text = texts[one.place]
            about = {"why": one.why, "model": f"{name} {version}"}
            # What was chosen is not as texts are: a score on it would say nothing of them.
            about |= {} if one.why == "random" else {"split": "train"}
            if tool == "prodigy":
                tokens = models.tokens(text.text)
                yield from prodigy_rows(text, findings, tokens, asked, {**text.meta, **about})
            else:
                task = label_studio_task(
                    text, findings, asked, about["model"], key=key, meta=text.meta
                )
                yield {**task, "meta": about}


def write(output: Path, rows: Iterable[dict[str, Any]], tool: Tool) -> None:
    """Write rows: a line each for Prodigy, one array for Label Studio."""
    encode = msgspec.json.Encoder().encode
    with writing(output) as path:
        lines = [encode(row) for row in rows]
        array = b"[" + b",\n".join(lines) + b"]\n"
        path.write_bytes(array if tool == "labelstudio" else b"".join(one + b"\n" for one in lines))
