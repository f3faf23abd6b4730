"""Let a teacher answer texts that nobody has annotated, and add its answers to train."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.interface import TASKS, Input, Output, Parameter, Result
from components.label.settings import LabelSettings
from components.settings import parse
from components.stage import StageResult

if TYPE_CHECKING:
    from components.label.choose import Tally
    from components.label.pieces import Counts

VERSION = 1

INTERFACE = (
    TASKS,
    Input("teacher", "Model", "folder of the spaCy pipeline that answers"),
    Parameter("teacher_digest", "of the teacher; '' not compared", default=""),
    Parameter("teacher_version", "what it is called"),
    Parameter("texts", "JSON list of files of texts"),
    Parameter("texts_digest", "of these files; '' not compared", default=""),
    Parameter("text", "key or column of the text; '' what is usual", default=""),
    Input("train_set", "Dataset", "JSON Lines of `split`"),
    Input("dev_set", "Dataset", "JSON Lines of `split`"),
    Input("test_set", "Dataset", "JSON Lines of `split`"),
    Parameter("splits_digest", "of the three splits; '' not compared", default=""),
    Input("assignment", "Artifact", "of the split stage"),
    Parameter("group_by", "key of meta that keeps texts together; '' none", default=""),
    Parameter("settings", "LabelSettings as JSON", dict, default="{}"),
    Parameter(
        "checkpoints", "folder for answers so far, the same at each attempt; '' none", default=""
    ),
    Output("taught_set", "Dataset", "JSON Lines to write: train, and the teacher's answers"),
    Output("taught_assignment", "Artifact", "JSON to write: the assignment, and what was learnt"),
    Output("review", "Dataset", "Prodigy JSON Lines to write"),
    Output("audit", "Artifact", "JSON to write: which texts of `review` are the audit"),
    Output("label_report", "Artifact", "JSON to write"),
    Result("taught_digest"),
)


def run(args: argparse.Namespace) -> StageResult:
    """Label.

    Returns:
        parameter `taught_digest`, of train with the answers, dev and test; metadata of `taught_set`
        and `review`: how many texts.

    Raises:
        ConfigError: a setting is wrong, or the teacher does not do the tasks.
        DataError: an input is not what its stage wrote, a row holds no text, or nothing is left.
    """
    from components.digests import check, together
    from components.files import write_json
    from components.label.leaving_out import Sieve, annotated
    from components.label.pieces import Pieces
    from components.label.teacher import Teacher
    from components.records.pool import check_content
    from components.tasks import tasks_of

    check(args.splits_digest, train=args.train_set, dev=args.dev_set, test=args.test_set)
    check(args.teacher_digest, teacher=args.teacher)
    settings = parse(LabelSettings, args.settings, "--settings")
    files = parse(list[str], args.texts, "--texts")
    check_content(files, args.texts_digest)
    tasks = tasks_of(args.tasks)
    known = annotated(args.train_set, args.dev_set, args.test_set, args.group_by)
    sure = settings.accept is not None
    teacher = Teacher(args.teacher, tasks, args.teacher_version, sure=sure)
    with working_folder(args, files, sure=sure) as folder:
        pieces = Pieces(folder, files, args.text)
        counts = pieces.write(teacher, Sieve(known, args.group_by))
        tally, asked = write(args, pieces, teacher, settings)
    report = report_of(args, counts, tally, asked)
    write_json(args.label_report, report)
    if counts.reused:
        print(f"{counts.asked:,} texts were asked about, {counts.reused:,} of them before an end.")
    print("\n".join(in_words(report)))
    digest = together(train=args.taught_set, dev=args.dev_set, test=args.test_set)
    return StageResult(
        parameters={"taught_digest": digest},
        metadata={"taught_set": {"silver": tally.learnt}, "review": {"texts": sum(asked)}},
    )


def write(
    args: argparse.Namespace, pieces: Any, teacher: Any, settings: LabelSettings
) -> tuple[Tally, tuple[int, int]]:
    """Write all outputs but the report; return counts, and the texts drawn and doubtful.

    Raises:
        DataError: the teacher says nothing of any text.
    """
    from shutil import copyfileobj

    import msgspec

    from components.errors import DataError
    from components.files import writing
    from components.label.choose import Tally, audit, doubtful, learnt, mixed
    from components.label.review import rows
    from components.records.keys import key_of, normalised
    from components.registry import assignment
    from components.registry.audit import Audited
    from components.registry.audit import write as write_audit

    tally, encode = Tally(), msgspec.json.Encoder().encode
    with writing(args.taught_set) as path, path.open("wb") as file:
        with args.train_set.open("rb") as annotated:
            copyfileobj(annotated, file)
        file.writelines(encode(one) + b"\n" for one in learnt(pieces.labelled(), settings, tally))
    if not tally.learnt:
        raise DataError(
            f"{', '.join(pieces.files)}: of no text an answer is left to learn: all are annotated, "
            "near test or dev, or the teacher said nothing of them. Give other texts."
        )
    drawn = audit(pieces.labelled(), settings)
    unsure = doubtful(pieces.labelled(), settings)
    write_audit(
        args.audit,
        (
            Audited(f"{key_of(normalised(one.text), b'text'):016x}", one.silver, one.answers)
            for one in drawn
        ),
    )
    with writing(args.review) as path, path.open("wb") as file:
        for row in rows(teacher, mixed([*drawn, *unsure], settings.seed)):
            file.write(encode(row) + b"\n")
    stored = assignment.read(args.assignment)
    stored.silver = [f"{key:016x}" for key in sorted(tally.keys)]
    assignment.write(args.taught_assignment, stored)
    return tally, (len(drawn), len(unsure))


@contextmanager
def working_folder(args: argparse.Namespace, files: list[str], *, sure: bool) -> Iterator[Path]:
    """Where the answers so far are; gone when all has been written."""
    from tempfile import TemporaryDirectory

    from components.digests import content_digest, digest_of, together
    from components.files import remove

    if not args.checkpoints:
        with TemporaryDirectory() as temporary:
            yield Path(temporary)
        return
    job = {
        "teacher": args.teacher_digest or content_digest(args.teacher),
        "called": args.teacher_version,
        "tasks": args.tasks,
        "texts": json.dumps([files, args.texts_digest, args.text]),
        "splits": args.splits_digest
        or together(train=args.train_set, dev=args.dev_set, test=args.test_set),
        "sure": str(sure),
        "group_by": args.group_by,
    }
    folder = Path(args.checkpoints) / f"label-{digest_of(job)[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    remove(folder)


def report_of(
    args: argparse.Namespace, counts: Counts, tally: Tally, asked: tuple[int, int]
) -> dict[str, Any]:
    """label_report.json: the same for the same input, whether or not it was killed meanwhile."""
    from components.label.pieces import NOTHING_SAID

    nothing = counts.asked - tally.labelled
    left_out = dict(counts.left_out.most_common()) | ({NOTHING_SAID: nothing} if nothing else {})
    drawn, unsure = asked
    return {
        "version": VERSION,
        "teacher": args.teacher_version,
        "files": counts.files,
        "texts": counts.texts,
        "left_out": left_out,
        "labelled": tally.labelled,
        "accepted": tally.accepted,
        "doubtful": tally.doubtful,
        "skipped": tally.skipped,
        "learnt": tally.learnt,
        "labels": {name: dict(sorted(each.items())) for name, each in sorted(tally.labels.items())},
        "review": {"drawn": drawn, "doubtful": unsure},
        "settings": json.loads(args.settings),
    }


def in_words(report: dict[str, Any]) -> Iterator[str]:
    """The report as lines of the log."""
    yield (
        f"{report['teacher']} answered {report['labelled']:,} of {report['texts']:,} texts; "
        f"{report['learnt']:,} answers are learnt, beside the annotations of train."
    )
    for reason, count in report["left_out"].items():
        yield f"Left out: {count:,} texts: {reason}."
    review = report["review"]
    yield (
        f"For review: {review['doubtful']:,} of {report['doubtful']:,} doubtful texts, and "
        f"{review['drawn']:,} drawn at random of {report['accepted']:,} others."
    )
