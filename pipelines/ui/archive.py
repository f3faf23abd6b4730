"""Everything that tells how a run went, as one file to download: logs, curves, scores, reports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from zipfile import ZIP_DEFLATED, ZipFile

from pipelines.local.runs import RunRecord
from pipelines.ui import live
from pipelines.ui.site import Site

# Output of a stage -> what it is called in the archive; `log` is a folder: the training's own log,
# the curve of each task (history.jsonl) and TensorBoard's files.
OUTPUTS = {
    "log": "log",
    "scores": "scores.json",
    "gate_decision": "gate_decision.json",
    "data_report": "data_report.json",
    "report": "report.html",
}
CHUNK = 1 << 20  # bytes


def archive(site: Site, record: RunRecord) -> Iterator[bytes]:
    """The bytes of a ZIP of what lies among the runs; what was deleted since is left out."""
    with TemporaryFile() as file:
        with ZipFile(file, "w", ZIP_DEFLATED) as packed:
            for path, name in files_of(site, record):
                packed.write(path, f"{record.id}/{name}")
        file.seek(0)
        while chunk := file.read(CHUNK):
            yield chunk


def files_of(site: Site, record: RunRecord) -> Iterator[tuple[Path, str]]:
    """Each file with its name in the archive."""
    for task in record.tasks.values():
        log = live.log_path_of(site, task)
        if log and log.is_file():
            yield log, f"logs/{task.task.replace('/', '.')}.log"
        for output, name in OUTPUTS.items():
            if output not in task.artifacts:
                continue
            path = Path(task.artifacts[output].uri).resolve()
            for one in sorted(path.rglob("*")) if path.is_dir() else [path]:
                inside = one.resolve().is_relative_to(site.records.out)
                if one.is_file() and inside:
                    below = one.relative_to(path).as_posix() if path.is_dir() else ""
                    yield one, f"{task.task}/{name}{'/' if below else ''}{below}"
