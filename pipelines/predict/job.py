"""Models of this machine over files of texts: sorted batches, one piece after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from spacy.tokens import Doc
from thinc.api import prefer_gpu

from components.answers.batches import batches
from components.answers.findings import Findings
from components.answers.formats import Format, json_row, label_studio_task, prodigy_rows
from components.answers.models import Models, Question, Source, load
from components.errors import DataError
from components.records.pool import proven
from components.records.texts import Text
from components.registry.manifest import describe
from pipelines.predict.output import Resumable

BATCH_TEXTS = 128

Report = Callable[[int, int, float], None]


@dataclass(frozen=True)
class Predicted:
    """A job that has ended.

    Attributes:
        output: the file, or the folder of .spacy files.
        texts: in the output; `begun` of them are from a process that was ended before.
        words: tokens of all of them.
        seconds: of this process, from the first text to the last.
        words_per_second: of this process.
        versions: by phase, of the models.
    """

    output: Path
    texts: int
    begun: int
    words: int
    seconds: float
    words_per_second: float
    versions: dict[str, str]


def predict_files(
    sources: Sequence[Source],
    patterns: Sequence[str],
    output: Path,
    *,
    form: Format = "jsonl",
    key: str = "",
    confidence: bool = True,
    report: Report = lambda _done, _all, _speed: None,
) -> Predicted:
    """Write what models say of files of texts, in their order; goes on where a process was ended.

    Args:
        patterns: paths, globs and addresses of texts, see `components.records.texts`.
        output: a file of lines, or a folder for docbin.
        key: key or column of the text; "": what is usual.
        confidence: whether to say how sure the models are.
        report: called now and then with the texts that are done, all of them, and words per second.

    Raises:
        ConfigError: the output is there, or begun by another job; a file is not.
        DataError: a row holds no text, or a model fails on one.
    """
    prefer_gpu()
    models = load(sources)
    texts = proven(patterns, key, min(each.nlp.max_length for each in models.phases.values()))
    job = {
        "model": [[one.phase, one.version, describe(one.folder).digest] for one in sources],
        "texts": [*texts.identities],
        "key of the text": texts.key,
        "format": form,
        "confidence": confidence,
    }
    tail = b"]\n" if form == "labelstudio" else b""
    resumable = Resumable(output, job, folder=form == "docbin", tail=tail)
    question = Question(tuple(models.phases), confidence)
    with resumable.writing() as rows:
        begun, before = resumable.done["texts"], resumable.done.get("words", 0)
        done, words, started = begun, before, time.perf_counter()
        for piece in texts.behind(begun):
            said, read = answers(models, piece, question)
            size = rows.add([*written(models, piece, said, form, first=not done)])
            done, words = done + len(piece), words + read
            resumable.count(size, texts=done, words=words)
            report(done, texts.count, (words - before) / (time.perf_counter() - started))
    seconds = time.perf_counter() - started
    speed = (words - before) / max(seconds, 1e-9)
    return Predicted(output, done, begun, words, seconds, speed, models.versions)


def answers(
    models: Models, texts: Sequence[Text], question: Question
) -> tuple[list[Findings], int]:
    """What models say of each text, and how many tokens they read.

    Raises:
        DataError: a model fails on one of them.
    """
    said: dict[int, Findings] = {}
    words = 0
    padded = any(phase.nlp.has_pipe("transformer") for phase in models.phases.values())
    for places in batches([len(one.text) for one in texts], BATCH_TEXTS, padded=padded):
        batch = [texts[place] for place in places]
        found, read = of_batch(models, batch, question)
        said.update(zip(places, found, strict=True))
        words += read
        if models.vocabulary.crowded():
            models.vocabulary.renew()
    return [said[place] for place in range(len(texts))], words


def of_batch(
    models: Models, batch: Sequence[Text], question: Question
) -> tuple[list[Findings], int]:
    """What models say of texts that they read together; names the text that one fails on."""
    try:
        return models.read([one.text for one in batch], question)
    except Exception as error:
        if len(batch) == 1:
            raise DataError(
                f"{batch[0].place}: a model fails on this text ({type(error).__name__}: {error}). "
                "Take the text out, or correct the model's own code."
            ) from error
        # What they have in common may be too much, such as memory.
        alone = [of_batch(models, [one], question) for one in batch]
        return [one for found, _ in alone for one in found], sum(words for _, words in alone)


def written(
    models: Models, texts: Sequence[Text], said: Sequence[Findings], form: Format, *, first: bool
) -> Iterator[bytes | Doc]:
    """The rows of an output.

    Args:
        first: nothing stands before them.
    """
    if form == "docbin":
        for text, one in zip(texts, said, strict=True):
            yield models.as_doc(text.text, one, text.meta)
        return
    encode = msgspec.json.Encoder().encode
    for text, one in zip(texts, said, strict=True):
        for row in rows_of(models, text, one, form):
            # Label Studio imports one array.
            before = (b"[" if first else b",") if form == "labelstudio" else b""
            yield before + encode(row) + b"\n"
            first = False


def rows_of(models: Models, text: Text, said: Findings, form: Format) -> Iterator[object]:
    """The rows of one text as JSON."""
    if form == "jsonl":
        yield json_row(text, said, models.versions)
    elif form == "prodigy":
        meta = {**text.meta, "model": version_of(models)}
        yield from prodigy_rows(text, said, models.tokens(text.text), models.asked, meta)
    else:
        yield label_studio_task(text, said, models.asked, version_of(models), meta=text.meta)


def version_of(models: Models) -> str:
    """The models in a few words, such as "letters 3"."""
    return ", ".join(f"{name} {version}".rstrip() for name, version in models.versions.items())
