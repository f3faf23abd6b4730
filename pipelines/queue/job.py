"""From a config and a pool of texts to a file that an annotation tool opens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, chdir
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import msgspec
from thinc.api import prefer_gpu

from components.answers.formats import Asked, label_studio_task, prodigy_rows
from components.answers.models import Models, Question, Source, load
from components.errors import ConfigError, DataError
from components.files import writing
from components.records.pool import proven
from components.records.texts import Text
from components.registry import assignment
from components.registry.base import find
from components.registry.documents import ASSIGNMENT
from components.registry.open import open_registry
from components.tasks import task_of
from components.tasks.base import Task
from pipelines.config.load import Loaded
from pipelines.config.schema import Phase
from pipelines.queue.candidates import candidates
from pipelines.queue.choose import Choice, choose
from pipelines.queue.doubt import Doubts, Floats, Reader, doubts, embeddings
from pipelines.queue.known import known

FEW = 20  # annotated texts that a label has, or it lacks examples
BATCH = 32
Tool = Literal["prodigy", "labelstudio"]


@dataclass(frozen=True)
class Queue:
    """What was chosen.

    Attributes:
        why: reason -> texts that were chosen for it.
        left_out: reason -> texts of the pool that were not.
        undecided: the model does not say how sure it is, so that all were drawn.
        version: of the model.
    """

    output: Path
    phase: str
    model: str
    version: str
    pool: int
    candidates: int
    chosen: int
    why: dict[str, int]
    left_out: dict[str, int]
    undecided: bool


def make_queue(
    loaded: Loaded,
    name: str,
    patterns: Sequence[str],
    output: Path,
    *,
    number: int,
    tool: Tool = "prodigy",
    key: str = "",
    version: str = "",
    seed: int = 0,
) -> Queue:
    """Choose the texts to label next for a phase, and write them with what the model says.

    Args:
        name: of the phase.
        number: of texts to choose.
        key: key or column of the text; "": what is usual.
        version: of the phase's model: its number or an alias; "": what is in production.

    Raises:
        ConfigError: the output is there, or no model is.
        DataError: nothing is left to choose from.
    """
    if output.exists():
        raise ConfigError(f"{output}: is already there. Choose another name, or remove it first.")
    prefer_gpu()
    phase = loaded.pipeline.phases[name]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        source, stored = model_of(loaded, phase, version, folder)
        models = load([source])
        reader = Reader(models.phases[source.phase].nlp, models.vocabulary)
        texts = proven(patterns, key, reader.nlp.max_length)
        pool = list(chain.from_iterable(texts.behind(0)))
        group_by = phase.split.group_by or ""
        with chdir(loaded.folder):  # paths in a config are relative to it
            seen = known(phase.annotations, phase.ingest, stored, group_by)
        left = candidates(pool, seen, group_by)
        if not left.texts:
            raise DataError(f"{', '.join(patterns)}: nothing is left to label: {left.left_out}.")
        tasks = [task_of(each) for each in phase.all_tasks]
        found, chosen = chosen_of(reader, tasks, left.texts, seen.labels, number, seed)
        rows = rows_of(models, left.texts, chosen, asked_of(tasks), tool, text_key(phase))
        write(output, rows, tool)
    return Queue(
        output,
        name,
        source.phase,
        source.version,
        len(pool),
        len(left.texts),
        len(chosen),
        dict(Counter(one.why for one in chosen).most_common()),
        left.left_out,
        found.rank is None,
    )


def chosen_of(
    reader: Reader,
    tasks: Sequence[Task],
    texts: Sequence[Text],
    labels: Mapping[str, int],
    number: int,
    seed: int,
) -> tuple[Doubts, list[Choice]]:
    """The texts to label next of those that may be.

    Args:
        labels: label -> annotated texts that have it.

    Returns:
        how sure the model is of each text, and the choices, by place in `texts`.
    """
    plain = [one.text for one in texts]
    lacking = lacking_labels(tasks, labels)
    found = doubts(reader, tasks, plain, [*lacking])

    def embed(places: Sequence[int]) -> Floats:
        return embeddings(reader, [plain[place] for place in places])

    return found, choose(found, len(plain), number, lacking, embed, seed)


def model_of(
    loaded: Loaded, phase: Phase, version: str, folder: Path
) -> tuple[Source, assignment.Stored | None]:
    """The model of a phase, and which text was in which split when it was trained.

    Raises:
        ConfigError: there is no such version.
    """
    url = loaded.pipeline.registry_url
    registry = open_registry(url if "://" in url else str(loaded.folder / url))
    chosen = find(registry, phase.model.name, version or phase.model.alias)
    registry.fetch(chosen, folder / "model")
    kept = registry.document(chosen, ASSIGNMENT)
    stored = None
    if kept is not None:
        path = folder / ASSIGNMENT
        path.write_bytes(kept)
        stored = assignment.read(path)
    return Source(chosen.name, folder / "model", chosen.number), stored


def lacking_labels(tasks: Iterable[Task], labels: Mapping[str, int]) -> dict[str, int]:
    """Labels that lack examples -> how many texts have them, the fewest first."""
    few = {label: labels[label] for task in tasks for label in task.labels if labels[label] < FEW}
    return dict(sorted(few.items(), key=lambda pair: pair[1]))


def asked_of(tasks: Sequence[Task]) -> Asked:
    """What annotators are asked about, by the names of the config."""
    described = {task.name: task.described.model_dump() for task in tasks}
    names = {
        name: str(each.get("question") or each.get("key"))
        for name, each in described.items()
        if each.get("question") or each.get("key")
    }
    return Asked(
        entities=next((task.name for task in tasks if task.place == "ents"), ""),
        spans=tuple(task.name for task in tasks if task.place == "spans" and not task.of),
        classes={
            task.name: (task.labels, bool(described[task.name].get("exclusive", True)))
            for task in tasks
            if task.place == "cats"
        },
        names=names,
    )


def text_key(phase: Phase) -> str:
    """The field that holds the text in the phase's own exports of Label Studio."""
    return next((source.text for source in phase.annotations if source.text), "text")


def rows_of(
    models: Models,
    texts: Sequence[Text],
    chosen: Sequence[Choice],
    asked: Asked,
    tool: Tool,
    key: str,
) -> Iterator[dict[str, Any]]:
    """The rows of the queue, with what the model says filled in."""
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
        whole = b"[" + b",\n".join(lines) + b"]" if tool == "labelstudio" else b"\n".join(lines)
        path.write_bytes(whole + b"\n")
