"""The routes of a run: its page, logs, reports and files, and its comparison with another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, Response, StreamingResponse

from components.errors import DataError
from components.files import read_json
from pipelines.local.runs import RunRecord, TaskRecord, output_of, tail
from pipelines.ui import comparing, live, models, writing
from pipelines.ui.archive import archive, as_archive
from pipelines.ui.site import HEADERS, NOT_FOUND, Site, fragment, url
from pipelines.ui.starting import again_of

LOG_LINES = 2_000
# What a report may do beside being read: run its filter. It has no part in this app's origin.
REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts"
)
OTHER_PAGES = re.compile(r'<nav class="screen-only other-pages".*?</nav>\n?', re.DOTALL)
# From a phase's report to its data report, and back.
OTHERS = {"report": "/data", "data": "/report"}


def add_runs(app: FastAPI, site: Site) -> None:
    """The page of a run, and what there is to download of it."""

    @app.get("/runs/{run}")
    def run_page(request: Request, run: str) -> HTMLResponse:
        record = record_of(site, run)
        running = record.state == "running"
        return site.page(
            "run.html",
            run,
            here="Runs",
            parts=live.parts(site, run),
            stream=url("runs", run, "events") if running else "",
            facts=facts_of(record),
            archives=archives_of(record),
            can_write=writing.holds_token(request, site.token),
            **again_of(record, site),
        )

    @app.get("/runs/{run}/events")
    def events(run: str) -> StreamingResponse:
        record_of(site, run)
        changes = live.stream(
            lambda: site.records.get(run).state == "running", lambda: live.parts(site, run)
        )
        return StreamingResponse(changes, media_type="text/event-stream", headers=HEADERS)

    @app.get("/runs/{run}/all.zip")
    def everything(run: str) -> StreamingResponse:
        return as_archive(archive(site, record_of(site, run)), run)

    @app.get("/runs/{run}/{phase}/all.zip")
    def everything_of_phase(run: str, phase: str) -> StreamingResponse:
        record = record_of(site, run)
        if phase not in {task.branch for task in record.tasks.values() if task.branch}:
            raise HTTPException(NOT_FOUND, f"Run {run} has no such phase.")
        return as_archive(archive(site, record, phase), f"{run}.{phase}")


def add_documents(app: FastAPI, site: Site) -> None:
    """What the tasks of a run left: logs, reports, files for annotators."""

    @app.get("/runs/{run}/logs/{task:path}")
    def log(run: str, task: str, download: bool = False) -> Response:
        record = record_of(site, run)
        path = live.log_path_of(site, task_of(record, task))
        if path is None or not path.is_file():
            raise HTTPException(NOT_FOUND, f"{task} has no log, or it was deleted.")
        name = f"{run}.{task.replace('/', '.')}.log"
        if download:
            return FileResponse(path, media_type="text/plain; charset=utf-8", filename=name)
        lines = tail(path, LOG_LINES)
        return site.page(
            "log.html",
            f"Log of {task}",
            here="Runs",
            run=run,
            task=task,
            run_url=url("runs", run),
            download=f"{url('runs', run, 'logs', task)}?download=1",
            filename=name,
            lines=lines,
            cut=len(lines) == LOG_LINES,
            others=[
                (one.task, url("runs", run, "logs", one.task))
                for one in record.tasks.values()
                if one.log
            ],
        )

    @app.get("/runs/{run}/{phase}/{name}")
    def document(run: str, phase: str, name: str, download: bool = False) -> Response:
        record = record_of(site, run)
        path = document_of(site, record, phase, name)
        if name in ("review", "to-review", "queue"):
            return for_annotators(path, f"{run}.{phase}.{name}")
        if download:
            return FileResponse(path, filename=f"{run}.{phase}.{name}.html")
        others = [
            one for one in live.links_of(record)[phase].items() if one[1].endswith(OTHERS[name])
        ]
        way = [*others, (f"Run {run}", url("runs", run)), ("Runs", "/runs"), ("Home", "/")]
        return as_report(path.read_text(encoding="utf-8"), way)


def add_comparisons(app: FastAPI, site: Site) -> None:
    """Two runs side by side."""

    @app.get("/compare")
    def compare(old: str = "", new: str = "") -> HTMLResponse:
        shown = comparing.page_of(site, old, new)
        return site.page("compare.html", "Compare two runs", here="Compare", **shown)

    @app.get("/compare/{old}/{new}/{name:path}")
    def comparison(old: str, new: str, name: str) -> HTMLResponse:
        html = comparing.report_of(site, old, new, name)
        both = urlencode({"old": old, "new": new})
        return as_report(html, [("Comparison", f"/compare?{both}"), ("Home", "/")])


def record_of(site: Site, run: str) -> RunRecord:
    """The record of the run that a URL names.

    Raises:
        HTTPException: there is none.
        DataError: it cannot be read.
    """
    if run not in site.records:
        raise HTTPException(NOT_FOUND, "There is no such run here, or it was deleted.")
    return site.records.get(run)


def task_of(record: RunRecord, task: str) -> TaskRecord:
    """The task of a run that a URL names.

    Raises:
        HTTPException: there is none.
    """
    if task not in record.tasks:
        raise HTTPException(NOT_FOUND, f"Run {record.id} has no such task.")
    return record.tasks[task]


def document_of(site: Site, record: RunRecord, phase: str, name: str) -> Path:
    """A document of a phase that may be shown.

    Raises:
        HTTPException: there is none, or it does not lie among the runs.
        DataError: it was deleted.
    """
    document = live.DOCUMENTS.get(name)
    for stage in document.stages if document else ():
        task = record.tasks.get(f"{phase}/{stage}")
        if document and task and document.output in task.artifacts:
            path = output_of(record, task, document.output).resolve()
            if not path.is_relative_to(site.records.out):
                raise HTTPException(NOT_FOUND, f"It does not lie in {site.out}, but in {path}.")
            if path.is_file():
                return path
    raise HTTPException(NOT_FOUND, f"Run {record.id} has left no such document.")


def for_annotators(path: Path, name: str) -> FileResponse:
    """A file for an annotation tool to download: one JSON array, or JSON Lines."""
    with path.open("rb") as file:
        kind = "json" if file.read(1) == b"[" else "jsonl"
    return FileResponse(path, media_type=f"application/{kind}", filename=f"{name}.{kind}")


def archives_of(record: RunRecord) -> list[tuple[str, str]]:
    """What there is to download of a run as one file: its phase, "" for all of them, and URL."""
    phases = list(dict.fromkeys(task.branch for task in record.tasks.values() if task.branch))
    each = [(phase, url("runs", record.id, phase, "all.zip")) for phase in phases]
    return [("", url("runs", record.id, "all.zip")), *(each if len(each) > 1 else [])]


def as_report(html: str, way: Sequence[tuple[str, str]]) -> HTMLResponse:
    """A report as it was written, with the way back above it."""
    above = fragment("navigation.html", navigation=way, here="")
    # Its own way to other files leads nowhere here.
    html = OTHER_PAGES.sub("", html, count=1)
    html = html.replace('<header class="page">', f'<header class="page">{above}', 1)
    return HTMLResponse(html, headers={**HEADERS, "Content-Security-Policy": REPORT_POLICY})


def facts_of(record: RunRecord) -> list[tuple[str, str]]:
    """What else is known of a run."""
    data = []
    for task in record.tasks.values():
        if task.stage == "ingest" and "data_report" in task.artifacts:
            try:
                report = read_json(output_of(record, task, "data_report"))
                said = f"{report['records']['kept']:,} documents"
                files = ", ".join(report.get("sources", {}))
            except (DataError, KeyError, TypeError):
                continue
            data.append((f"Data of {task.branch}", f"{said} of {files}" if files else said))
    facts = [
        ("Started", models.day(record.started) + " UTC"),
        ("Ended", models.day(record.ended) + " UTC" if record.ended else ""),
        ("Command", record.command),
        ("Config", record.config),
        *data,
        ("Parameters", ", ".join(f"{name} = {value}" for name, value in record.parameters.items())),
        ("Processes at once", f"{record.workers}, of {record.threads} threads each"),
    ]
    return [(name, value) for name, value in facts if value]
