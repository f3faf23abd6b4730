"""Choose the texts of a pool that are worth labelling next, with the model that was just trained.

What this reads of the annotations are `ingest`'s records, so that it knows of each text what the
phase knows.
"""

from __future__ import annotations

import argparse

from components.interface import TASKS, Input, Output, Parameter
from components.queue.settings import QueueSettings
from components.settings import parse
from components.stage import StageResult

INTERFACE = (
    Input("model", "Model", "folder of the spaCy pipeline"),
    Parameter("model_digest", "of the model, as `train` wrote it; '' not compared", default=""),
    Parameter("name", "what the model is called"),
    Parameter("version", "of the model; '': the digest of its files", default=""),
    TASKS,
    Input("annotations", "Dataset", "JSON Lines from `ingest`"),
    Parameter("annotations_digest", "of the annotations; '' not compared", default=""),
    Input("passed_over", "Dataset", "texts from `ingest` that are annotated, and no record"),
    Input("assignment", "Artifact", "of the split stage"),
    Parameter("group_by", "key of meta whose values keep texts together; '' none", default=""),
    Parameter("settings", "QueueSettings as JSON", dict),
    Parameter("field", "field of the text in Label Studio", default="text"),
    Output("queue", "Dataset", "file to write, for the annotation tool"),
    Output("summary", "Markdown", "Markdown to write"),
)


def run(args: argparse.Namespace) -> StageResult:
    """Choose, and write the queue; an empty one where nothing is left to label.

    Raises:
        ConfigError: a setting is wrong, or a file of texts is not there.
        DataError: a row of texts holds none, or an input is not what its stage wrote.
    """
    from components.answers.models import Source
    from components.digests import check
    from components.files import write_text
    from components.queue.known import Known
    from components.queue.making import make_queue
    from components.records.passed_over import read_passed_over
    from components.records.record import read_records
    from components.registry.assignment import read
    from components.tasks import tasks_of

    check(args.model_digest, model=args.model)
    check(args.annotations_digest, annotations=args.annotations)
    settings = parse(QueueSettings, args.settings, "--settings")
    known = Known(read(args.assignment), args.group_by)
    for record in read_records(args.annotations):
        known.add_record(record)
    for passed in read_passed_over(args.passed_over):
        known.add(passed.text, passed.meta)
    source = Source(args.name, args.model, args.version)
    made = make_queue(source, tasks_of(args.tasks), known, settings)
    made.write(args.queue, settings, args.field)
    said = made.said(settings.number)
    write_text(args.summary, "\n".join([said[0], "", *(f"- {one.strip()}" for one in said[1:])]))
    print("\n".join(said))
    print(f"The queue is {args.queue}")
    counts = {"texts": made.pool, "candidates": len(made.texts), "chosen": len(made.chosen)}
    return StageResult(metadata={"queue": {"version": made.version, **counts}})
