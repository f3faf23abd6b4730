"""Score a model on the test documents, and the model in production beside it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

from components.digests import check, content_digest
from components.evaluate.seen import seen_by_champion, without
from components.evaluate.settings import EvaluateSettings
from components.files import write_json
from components.garbage import lasting
from components.interface import TASKS, Input, Output, Parameter
from components.production import champion_model
from components.records.prediction import write_predictions
from components.scoring.document import VERSION
from components.settings import parse
from components.stage import StageResult
from components.tasks import tasks_of

if TYPE_CHECKING:
    pass


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
    Input("teacher", "Model", "folder of the pipeline that taught the model", required=False),
    Parameter("teacher_digest", "of that pipeline; '' not compared", default=""),
    Parameter("teacher_version", "what it is called", default="the teacher"),
    Input("teacher_assignment", "Artifact", "which documents it was trained on", required=False),
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
    check(args.model_digest, model=args.model)
    check(args.test_digest, test=args.test_corpus)
    if args.champion_assignment:
        check(args.assignment_digest, assignment=args.champion_assignment)
    in_production = champion_model(args.champion, args.champion_digest)
    tasks = tasks_of(args.tasks)
    settings = parse(EvaluateSettings, args.settings, "--settings")
    with lasting():
        from components.evaluate import console
        from components.evaluate.against import Against
        from components.evaluate.blocks import scores_of
        from components.evaluate.floor import Corpora, floor_of
        from components.evaluate.run import import_libraries, load
        from components.evaluate.run import run as predict

        import_libraries(args.model)
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
    against = Against(args.test_corpus, new, tasks, settings)
    compared = against.champion(in_production, seen) if in_production else {}
    for name, block in blocks.items():
        block["champion"] = compared.get(name)
    if args.teacher:
        check(args.teacher_digest, teacher=args.teacher)
        taught = against.teacher(
            args.teacher, args.teacher_version, args.teacher_assignment, args.model
        )
        for name, said in taught.items():
            blocks[name]["teacher"] = said

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
        if teacher := block.get("teacher"):
            print(beside_teacher(teacher, block))
    return StageResult(metadata={"metrics": flat, "confusion": matrix})


def beside_floor(floor: Mapping[str, Any]) -> str:
    """What a model scores that costs next to nothing, and whether the model beats it."""
    said, gain = floor["overall"]["f"], floor["gain"]
    if said is None or gain["difference"] is None:
        return f"Floor ({floor['what']}): not known"
    points = f"{100 * gain['difference']:+.2f}"
    if gain["interval"]:
        points += " ({:+.2f} to {:+.2f})".format(*(100 * one for one in gain["interval"]))
    return f"Floor ({floor['what']}): F {100 * said:.2f}; this model {points}"


def beside_teacher(teacher: Mapping[str, Any], block: Mapping[str, Any]) -> str:
    """What the model is beside the one that taught it."""
    called = f"Teacher ({teacher['version']})"
    if "error" in teacher:
        return f"{called}: not compared, {teacher['error']}"
    f, agreement = teacher["overall"]["f"], teacher["agreement"]
    scored = "F not known" if f is None else f"F {100 * f:.2f}"
    agree = "" if agreement is None else f", agreement {100 * agreement:.2f}"
    times = block["words_per_second"] / max(teacher["words_per_second"], 1e-9)
    return (
        f"{called}: {scored}{agree}; this model reads {times:.1f} times as many words per second "
        f"and has {teacher['student_megabytes']:g} MB for {teacher['megabytes']:g} MB"
    )


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
