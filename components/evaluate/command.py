"""Score a model on the test documents, and the model in production beside it."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from components.digests import check
from components.errors import DataError
from components.evaluate.seen import seen_by_champion, without
from components.evaluate.settings import EvaluateSettings
from components.files import write_json
from components.interface import Input, Output, Parameter
from components.production import champion_model
from components.records.prediction import Prediction, write_predictions
from components.settings import parse
from components.stage import StageResult

if TYPE_CHECKING:
    from components.evaluate.ner import Run


# What knows how a task's models predict; imported late, since it imports spaCy.
TASKS = {"ner": "components.evaluate.ner"}
ALL_SEEN = "the model in production was trained on all test documents"


INTERFACE = (
    Parameter("task", "what the model predicts", choices=[*TASKS]),
    Input("model", "Model", "folder of the spaCy pipeline"),
    Parameter("model_digest", "of the model, as `train` wrote it; '' not compared", default=""),
    Input("test_corpus", "Dataset", "folder of .spacy files"),
    Parameter("test_digest", "of the test corpus; '' not compared", default=""),
    Input("champion", "Model", "folder of the pipeline in production", required=False),
    Parameter("champion_digest", "of that pipeline; none: there is none", default=""),
    Input("champion_assignment", "Artifact", "which documents it was trained on", required=False),
    Parameter("assignment_digest", "of that assignment; '' not compared", default=""),
    Parameter("labels", "JSON list of the phase's labels", list),
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
        ConfigError: the settings or labels are wrong.
        DataError: the corpus holds no documents, an input is not what its stage wrote, or the
            model in production is not there.
    """
    from components.evaluate import console

    check(args.model_digest, model=args.model)
    check(args.test_digest, test=args.test_corpus)
    if args.champion_assignment:
        check(args.assignment_digest, assignment=args.champion_assignment)
    in_production = champion_model(args.champion, args.champion_digest)
    seam = importlib.import_module(TASKS[args.task])
    settings = parse(EvaluateSettings, args.settings, "--settings")
    labels = parse(list[str], args.labels, "--labels")
    new = seam.run(seam.load(args.model), args.test_corpus, settings.batch_size)
    seen = seen_by_champion(args.champion_assignment, new.predictions)
    warm = args.init == "champion"
    scores = scores_of(new, labels, settings, seen if warm and seen else set())
    scores["task"] = args.task
    scores["settings"] = settings.model_dump()
    scores["champion"] = None
    if in_production:
        scores["champion"] = {
            **champion(seam, in_production, args.test_corpus, new, labels, settings, seen or set()),
            "seen": None if seen is None else len(seen),
        }

    flat, matrix = console.metrics(scores), console.confusion_matrix(scores["confusion"])
    write_predictions(args.predictions, new.predictions)
    write_json(args.metrics, flat)
    write_json(args.confusion, matrix)
    write_json(args.scores, scores)
    print(table(scores))
    return StageResult(metadata={"metrics": flat, "confusion": matrix})


def scores_of(
    new: Run, labels: list[str], settings: EvaluateSettings, left_out: set[str]
) -> dict[str, Any]:
    """Score a run and hold the result against spaCy's own.

    Args:
        left_out: ids of documents that do not count, since the model was trained on them.

    Raises:
        DataError: no document is left.
    """
    from components.evaluate.scores import agrees, score

    def score_of(predictions: list[Prediction]) -> dict[str, Any]:
        return score(
            predictions,
            labels,
            slice_keys=settings.slices,
            resamples=settings.resamples,
            seed=settings.seed,
        )

    scores = score_of(new.predictions)
    if not agrees(scores, new.official):
        raise RuntimeError(f"our scores differ from those of spaCy's scorer: {new.official}")
    if left_out:
        rest = without(new.predictions, left_out)
        if not rest:
            raise DataError(f"{ALL_SEEN}. Set train.init to base, or hold other documents out.")
        scores = score_of(rest)
    scores["words_per_second"] = new.words_per_second
    scores["model_labels"] = list(new.labels)
    return scores


def champion(
    seam: ModuleType,
    model: Path,
    corpus: Path,
    new: Run,
    labels: list[str],
    settings: EvaluateSettings,
    seen: set[str],
) -> dict[str, Any]:
    """Score the model in production on the same documents, but for those that it was trained on.

    A champion that cannot be loaded is no reason to fail, and none to promote: the gate reads
    `error` and holds.
    """
    from components.evaluate.scores import compare
    from components.scoring.counts import count

    unseen = without(new.predictions, seen)
    if not unseen:
        return {"error": ALL_SEEN}
    try:
        nlp = seam.load(model)
    # Whatever an old pipeline raises in a new environment, it means the same.
    except Exception as error:
        print(f"The model in production cannot be loaded from {model}: {error}")
        return {"error": f"it cannot be loaded: {type(error).__name__}: {error}"}
    old = seam.run(nlp, corpus, settings.batch_size)
    scores = scores_of(old, labels, settings, seen)
    # A label that only the champion lacks would punish it for a question it was never asked.
    shared = [label for label in labels if label in old.labels]
    comparison = compare(
        count(unseen, labels),
        count(without(old.predictions, seen), labels),
        shared,
        resamples=settings.resamples,
        seed=settings.seed,
    )
    return {
        **{key: scores[key] for key in ("overall", "labels", "model_labels", "words_per_second")},
        "comparison": comparison,
    }


def table(scores: dict[str, Any]) -> str:
    """The scores as text, for the log."""
    rows = [f"{'':16}{'P':>8}{'R':>8}{'F':>8}{'support':>9}"]
    for name, values in [*scores["labels"].items(), ("overall", scores["overall"])]:
        shown = "".join(
            f"{'-' if values[key] is None else format(100 * values[key], '.2f'):>8}"
            for key in "prf"
        )
        rows.append(f"{name:16}{shown}{values['support']:>9}")
    return "\n".join(rows)
