"""Score a model on the test documents, and the model in production beside it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.digests import check, content_digest
from components.errors import DataError
from components.evaluate.seen import seen_by_champion, without
from components.evaluate.settings import EvaluateSettings
from components.files import write_json
from components.interface import TASKS, Input, Output, Parameter
from components.production import champion_model
from components.records.prediction import write_predictions
from components.scoring.document import VERSION
from components.settings import parse
from components.stage import StageResult
from components.tasks import tasks_of
from components.tasks.base import Task

if TYPE_CHECKING:
    from components.evaluate.run import Run

ALL_SEEN = "the model in production was trained on all test documents"
Seen = Mapping[str, set[str] | None]  # task -> documents; None: nobody knows
Blocks = dict[str, dict[str, Any]]  # task -> its block of scores.json


INTERFACE = (
    TASKS,
    Input("model", "Model", "folder of the spaCy pipeline"),
    Parameter("model_digest", "of the model, as `train` wrote it; '' not compared", default=""),
    Input("test_corpus", "Dataset", "folder of .spacy files"),
    Parameter("test_digest", "of the test corpus; '' not compared", default=""),
    Input("train_corpus", "Dataset", "to learn a floor from; none: no floor", required=False),
    Input("dev_corpus", "Dataset", "to choose the floor's thresholds on", required=False),
    Parameter("training_digest", "of these two corpora; '' not compared", default=""),
    Input("champion", "Model", "folder of the pipeline in production", required=False),
    Parameter("champion_digest", "of that pipeline; none: there is none", default=""),
    Input("champion_assignment", "Artifact", "which documents it was trained on", required=False),
    Parameter("assignment_digest", "of that assignment; '' not compared", default=""),
    Parameter("init", "what the model started from", choices=["base", "champion"]),
    Parameter("settings", "EvaluateSettings as JSON", dict),
    Output("scores", "Artifact", "JSON to write"),
    Output("predictions", "Artifact", "JSON Lines to write"),
    Output("metrics", "Metrics", "JSON to write"),
    Output("confusion", "ClassificationMetrics", "JSON to write"),
)


def run(args: argparse.Namespace) -> StageResult:
    """Evaluate the model.

    Returns:
        metadata of `metrics` (flat names) and of `confusion`, for the console.

    Raises:
        ConfigError: the settings or tasks are wrong.
        DataError: the corpus holds no documents, an input is not what its stage wrote, or the
            model in production is not there.
    """
    from components.evaluate import console
    from components.evaluate.floor import Corpora, floor_of
    from components.evaluate.run import load
    from components.evaluate.run import run as predict

    check(args.model_digest, model=args.model)
    check(args.test_digest, test=args.test_corpus)
    if args.champion_assignment:
        check(args.assignment_digest, assignment=args.champion_assignment)
    in_production = champion_model(args.champion, args.champion_digest)
    tasks = tasks_of(args.tasks)
    settings = parse(EvaluateSettings, args.settings, "--settings")
    new = predict(load(args.model), args.test_corpus, tasks, settings.batch_size)
    seen = {
        name: seen_by_champion(args.champion_assignment, predictions)
        for name, predictions in new.predictions.items()
    }
    left_out = seen if args.init == "champion" else {}
    blocks = scores_of(new, tasks, settings, left_out)
    if args.train_corpus and args.dev_corpus:
        check(args.training_digest, train=args.train_corpus, dev=args.dev_corpus)
        corpora = Corpora(args.train_corpus, args.dev_corpus)
        for task in tasks:
            scored = without(new.predictions[task.name], left_out.get(task.name) or ())
            blocks[task.name]["floor"] = floor_of(corpora, task, scored, settings)
    compared = {}
    if in_production:
        compared = champion(in_production, args.test_corpus, new, tasks, settings, seen)
    for name, block in blocks.items():
        block["champion"] = compared.get(name)

    scores = {
        "version": VERSION,
        "model_digest": args.model_digest or content_digest(args.model),
        "tasks": blocks,
    }
    flat, matrix = console.metrics(scores), console.confusion_matrix(scores)
    write_predictions(args.predictions, chain.from_iterable(new.predictions.values()))
    write_json(args.metrics, flat)
    write_json(args.confusion, matrix)
    write_json(args.scores, scores)
    for name, block in blocks.items():
        print(table(name if len(blocks) > 1 else "", block))
        if floor := block.get("floor"):
            print(beside_floor(floor))
    return StageResult(metadata={"metrics": flat, "confusion": matrix})


def scores_of(
    new: Run, tasks: Sequence[Task], settings: EvaluateSettings, left_out: Seen
) -> Blocks:
    """Score a run, task by task, and hold the result against spaCy's own.

    Args:
        left_out: documents that do not count, since the model was trained on them.

    Raises:
        DataError: no document is left.
    """
    from components.scoring.scores import agrees
    from components.tasks.scores import block_of

    scored = partial(
        block_of,
        slice_keys=settings.slices,
        resamples=settings.resamples,
        seed=settings.seed,
        group_by=settings.group_by,
    )
    blocks = {}
    for task in (new.tasks[one.name] for one in tasks):
        predictions, official = new.predictions[task.name], new.official[task.name]
        block = scored(task, predictions)
        if official is not None and not agrees(block, official):
            raise RuntimeError(f"our scores differ from those of spaCy's scorer: {official}")
        if ids := left_out.get(task.name):
            rest = without(predictions, ids)
            if not rest:
                raise DataError(f"{ALL_SEEN}. Set train.init to base, or hold other documents out.")
            block = scored(task, rest)
        blocks[task.name] = {
            **block,
            "words_per_second": new.words_per_second,
            "model_labels": list(new.labels[task.name]),
            "settings": settings.model_dump(),
        }
    return blocks


def champion(
    model: Path,
    corpus: Path,
    new: Run,
    tasks: Sequence[Task],
    settings: EvaluateSettings,
    seen: Seen,
) -> dict[str, dict[str, Any]]:
    """Score the model in production on the same documents, but for those that it was trained on.

    A champion that cannot be loaded is no reason to fail, and none to promote: the gate reads
    `error` and holds.
    """
    from components.evaluate.run import load
    from components.evaluate.run import run as predict

    def each(said: Callable[[Task], dict[str, Any]]) -> dict[str, dict[str, Any]]:
        counted = {name: None if ids is None else len(ids) for name, ids in seen.items()}
        return {task.name: {**said(task), "seen": counted[task.name]} for task in tasks}

    if not all(without(new.predictions[task.name], seen[task.name] or ()) for task in tasks):
        return each(lambda _: {"error": ALL_SEEN})
    try:
        nlp = load(model)
    # Whatever an old pipeline raises in a new environment, it means the same.
    except Exception as error:
        print(f"The model in production cannot be loaded from {model}: {error}")
        why = f"it cannot be loaded: {type(error).__name__}: {error}"
        return each(lambda _: {"error": why})
    for task in tasks:
        task.refuse(nlp, "the model in production")
    old = predict(nlp, corpus, tasks, settings.batch_size)
    blocks = scores_of(old, tasks, settings, seen)
    return each(
        lambda task: beside(task, new, old, blocks[task.name], settings, seen[task.name] or set())
    )


def beside(
    task: Task,
    new: Run,
    old: Run,
    block: dict[str, Any],
    settings: EvaluateSettings,
    seen: set[str],
) -> dict[str, Any]:
    """What is said of the champion beside a task's scores: its own, and the comparison."""
    from components.scoring.compare import compare, compare_parts
    from components.scoring.counts import count
    from components.scoring.slices import languages

    # A label that only the champion lacks would punish it for a question it was never asked.
    shared = [label for label in task.labels if label in old.labels[task.name]]
    by_new, by_old = (
        [one for one in without(run.predictions[task.name], seen) if task.comparable(one, shared)]
        for run in (new, old)
    )
    counts = count(by_new, task.labels, settings.group_by)
    both = counts, count(by_old, task.labels, settings.group_by)
    resamples, seed = settings.resamples, settings.seed
    comparison = compare(*both, shared, resamples=resamples, seed=seed)
    if parts := languages(by_new, counts.documents):
        by_language = compare_parts(*both, shared, parts, resamples=resamples, seed=seed)
        comparison["per_language"] = by_language
    kept = ("overall", "labels", "model_labels", "words_per_second")
    return {**{key: block[key] for key in kept}, "comparison": comparison}


def beside_floor(floor: Mapping[str, Any]) -> str:
    """What a model scores that costs next to nothing, and whether the model beats it."""
    said, gain = floor["overall"]["f"], floor["gain"]
    if said is None or gain["difference"] is None:
        return f"Floor ({floor['what']}): not known"
    points = f"{100 * gain['difference']:+.2f}"
    if gain["interval"]:
        points += " ({:+.2f} to {:+.2f})".format(*(100 * one for one in gain["interval"]))
    return f"Floor ({floor['what']}): F {100 * said:.2f}; this model {points}"


def table(title: str, scores: dict[str, Any]) -> str:
    """The scores of a task as text, for the log."""
    rows = [f"{title:16}{'P':>8}{'R':>8}{'F':>8}{'support':>9}"]
    for name, values in [*scores["labels"].items(), ("overall", scores["overall"])]:
        shown = "".join(
            f"{'-' if values[key] is None else format(100 * values[key], '.2f'):>8}"
            for key in "prf"
        )
        rows.append(f"{name:16}{shown}{values['support']:>9}")
    return "\n".join(rows)
