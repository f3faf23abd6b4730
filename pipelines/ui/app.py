"""The app: its routes, and what each of them shows."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import (
    FileResponse,
    HTMLResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.exceptions import HTTPException as StarletteHTTPException

from components.errors import ConfigError, DataError, RetrainError
from components.files import read_json
from components.report.build import FOLDER as REPORT
from containers.serve.guards import BodyLimit, LocalHost
from pipelines.local.live_view import duration, figures
from pipelines.local.runs import RunRecord, TaskRecord, output_of, tail
from pipelines.ui import comparing, live, models, scores, trying, writing
from pipelines.ui.archive import archive, as_archive
from pipelines.ui.jobs import Jobs
from pipelines.ui.site import (
    HEADERS,
    PARTS,
    Site,
    compile_templates,
    entries,
    fragment,
    url,
)
from pipelines.ui.starting import PORT, add_jobs, add_starting, add_versions, again_of
from pipelines.ui.trying import RefusedTextError, Trial
from pipelines.ui.writing import RefusedError

RUNS_SHOWN = 50
LAST_RUNS = 8
LOG_LINES = 2_000
MAX_BODY = 300_000
BODY_SECONDS = 20.0
# What a report may do beside being read: run its filter. It has no part in this app's origin.
REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts"
)
OTHER_PAGES = re.compile(r'<nav class="screen-only other-pages".*?</nav>', re.DOTALL)
# From a phase's report to its data report, and back.
OTHERS = {"report": "/data", "data": "/report"}
NOT_FOUND, SEE_OTHER = 404, 303
MOST_CHARACTERS = 20_000


def build(site: Site) -> FastAPI:
    """The app of a site."""
    trial, jobs = Trial(), Jobs()

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        asyncio.get_running_loop().run_in_executor(None, compile_templates)
        yield
        await asyncio.to_thread(trial.stop)
        await asyncio.to_thread(jobs.close)

    app = FastAPI(
        title="retrain ui",
        lifespan=life,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.add_middleware(BodyLimit, limit=MAX_BODY, seconds=BODY_SECONDS)
    app.add_middleware(LocalHost)
    add_errors(app, site)
    add_pages(app, site, jobs)
    add_models(app, site)
    add_versions(app, site)
    add_starting(app, site, jobs)
    add_jobs(app, site, jobs)
    add_trial(app, site, trial)
    return app


def add_errors(app: FastAPI, site: Site) -> None:
    """Say what is wrong on a page."""

    @app.exception_handler(RetrainError)
    async def refused(_request: Request, error: RetrainError) -> HTMLResponse:
        status = NOT_FOUND if isinstance(error, ConfigError | DataError) else 500
        return site.page("error.html", "That did not work", status=status, message=str(error))

    @app.exception_handler(RefusedError)
    async def not_done(_request: Request, error: RefusedError) -> HTMLResponse:
        return site.page("error.html", "Not done", status=error.status, message=str(error))

    @app.exception_handler(StarletteHTTPException)
    async def failed(_request: Request, error: StarletteHTTPException) -> HTMLResponse:
        title = "There is no such page" if error.status_code == NOT_FOUND else "That did not work"
        page = site.page("error.html", title, status=error.status_code, message=error.detail)
        page.headers.update(error.headers or {})
        return page

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> HTMLResponse:
        first = error.errors()[0]
        message = f"{first['loc'][-1]}: {first['msg']}."
        return site.page("error.html", "That did not work", status=422, message=message)


def add_pages(app: FastAPI, site: Site, jobs: Jobs) -> None:
    """The pages that only read."""

    @app.get("/")
    def home() -> HTMLResponse:
        ids = site.records.ids()
        return site.page(
            "home.html",
            "What is in production, and what runs",
            here="Home",
            out=str(site.out),
            running=running(site, ids),
            jobs=jobs.every(),
            models=models.in_production(site),
            registries=registries(site),
            entries=entries(site, ids, 0, LAST_RUNS)[0],
            total=len(ids),
        )

    @app.get("/runs")
    def runs(start: Annotated[int, Query(ge=0, le=10**9)] = 0) -> HTMLResponse:
        ids = site.records.ids()
        shown, unreadable = entries(site, ids, start, RUNS_SHOWN)
        older = start + RUNS_SHOWN < len(ids)
        return site.page(
            "runs.html",
            "Runs",
            here="Runs",
            out=str(site.out),
            total=len(ids),
            entries=shown,
            unreadable=unreadable,
            first=len(ids) - start,
            last=max(1, len(ids) - start - RUNS_SHOWN + 1),
            newer=start > 0,
            older=f"/runs?start={start + RUNS_SHOWN}" if older else "",
        )

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

    @app.get("/index.html")
    def page_of_all_runs() -> RedirectResponse:
        # Where the reports' own way to the page of all runs leads.
        return RedirectResponse("/runs", SEE_OTHER)

    @app.get("/scores")
    def scores_page() -> HTMLResponse:
        return site.page(
            "scores.html",
            "Scores over the runs",
            here="Scores",
            out=str(site.out),
            histories=scores.histories(site),
        )

    @app.get("/compare")
    def compare(old: str = "", new: str = "") -> HTMLResponse:
        shown = comparing.page_of(site, old, new)
        return site.page("compare.html", "Compare two runs", here="Compare", **shown)

    @app.get("/compare/{old}/{new}/{name:path}")
    def comparison(old: str, new: str, name: str) -> HTMLResponse:
        html = comparing.report_of(site, old, new, name)
        both = urlencode({"old": old, "new": new})
        return as_report(html, [("Comparison", f"/compare?{both}"), ("Home", "/")])

    @app.get("/ui.js")
    def script() -> FileResponse:
        return FileResponse(PARTS / "ui.js", media_type="text/javascript", headers=HEADERS)


def add_models(app: FastAPI, site: Site) -> None:
    """The pages of the models, and what may be changed there."""

    @app.get("/models")
    def every() -> HTMLResponse:
        found = models.in_production(site)
        groups = [
            (where, [one for one in found if one.where == where]) for where in registries_here(site)
        ]
        return site.page(
            "models.html", "Models", here="Models", groups=groups, elsewhere=models.elsewhere(site)
        )

    @app.get("/models/{key}/{name}")
    def one(request: Request, key: str, name: str, done: str = "") -> HTMLResponse:
        place = models.place_at(site, key, name)
        return site.page(
            "model.html",
            name,
            here="Models",
            done=models.DONE.get(done, ""),
            can_write=writing.holds_token(request, site.token),
            port=PORT,
            **models.page_of(site, place),
        )

    @app.post("/models/{key}/{name}/promote")
    async def promote(request: Request, key: str, name: str) -> RedirectResponse:
        writing.check_may_write(request, site.token)
        form = await writing.form_of(request)
        version, present = writing.field(form, "version"), writing.field(form, "present")
        place = await asyncio.to_thread(models.place_at, site, key, name)
        await asyncio.to_thread(models.promote, place, version, present)
        return RedirectResponse(f"{place.url}?done=promoted", SEE_OTHER)

    @app.post("/models/{key}/{name}/rollback")
    async def roll_back(request: Request, key: str, name: str) -> RedirectResponse:
        writing.check_may_write(request, site.token)
        form = await writing.form_of(request)
        present = writing.field(form, "present")
        place = await asyncio.to_thread(models.place_at, site, key, name)
        await asyncio.to_thread(models.roll_back, place, present)
        return RedirectResponse(f"{place.url}?done=rolled-back", SEE_OTHER)

    @app.get("/token")
    def token(request: Request, token: str) -> RedirectResponse:
        answer = RedirectResponse("/", SEE_OTHER)
        writing.give_token(request, answer, token, site.token)
        return answer


def add_trial(app: FastAPI, site: Site, trial: Trial) -> None:
    """The page to try a text."""

    def page(model: str, text: str, problem: str, found: Any, status: int = 200) -> HTMLResponse:
        return site.page(
            "try.html",
            "Try a text",
            here="Try a text",
            status=status,
            style=(REPORT / "report.css").read_text(encoding="utf-8"),
            choices=[(one.key, one.title) for one in trying.choices(site)],
            model=model,
            text=text,
            problem=problem,
            found=found,
            most=MOST_CHARACTERS,
            tint=trying.tints(found) if found else None,
        )

    @app.get("/try")
    def form(model: str = "") -> HTMLResponse:
        return page(model, "", "", None)

    @app.post("/try")
    async def read(request: Request) -> HTMLResponse:
        writing.check_origin(request)
        fields = await writing.form_of(request)
        model = writing.field(fields, "model")
        # A browser sends its lines with CR LF, and counts them as one character.
        text = writing.field(fields, "text").replace("\r\n", "\n")
        if not text.strip() or len(text) > MOST_CHARACTERS:
            raise HTTPException(422, f"Send a text of 1 to {MOST_CHARACTERS:,} characters.")
        return await asyncio.to_thread(answer, model, text)

    def answer(model: str, text: str) -> HTMLResponse:
        for choice in trying.choices(site):
            if choice.key == model:
                break
        else:
            raise HTTPException(NOT_FOUND, "There is no such model, or no longer.")
        try:
            found = trying.shown(text, trial.predict(choice.sources, text, choice.verify))
        except RefusedTextError as error:
            return page(model, text, str(error), None, error.status)
        except DataError as error:
            return page(model, text, str(error), None, 500)
        return page(model, text, "", found)


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
    html = re.sub(
        r'<nav class="screen-only other-pages".*?</nav>\n?', "", html, count=1, flags=re.S
    )
    html = html.replace('<header class="page">', f'<header class="page">{above}', 1)
    return HTMLResponse(html, headers={**HEADERS, "Content-Security-Policy": REPORT_POLICY})


def running(site: Site, ids: list[str]) -> list[dict[str, Any]]:
    """The newest runs that are going on, with what they do."""
    found = []
    for record in site.records.readable(ids[: models.RUNS_ASKED]):
        if record.state == "running":
            folder = site.records.out / record.id
            phases = [
                {
                    "phase": outcome.phase,
                    "short": outcome.short,
                    "tone": outcome.tone,
                    "figures": figures(
                        live.progress_of(
                            folder,
                            [one for one in record.tasks.values() if one.branch == outcome.phase],
                        )
                    ),
                }
                for outcome in live.chosen(site, record.id)
            ]
            found.append(
                {
                    "run": record.id,
                    "url": url("runs", record.id),
                    "took": duration(record.seconds),
                    "phases": phases,
                }
            )
    return found


def registries_here(site: Site) -> list[str]:
    """The folders in which models are looked for."""
    found = [place.location for place in models.places(site)]
    return list(dict.fromkeys([*found, str(site.registry.resolve())]))


def registries(site: Site) -> list[str]:
    """Where models are looked for, and where they are not."""
    there = models.elsewhere(site)
    return [*registries_here(site), *(f"{each} (not asked from here)" for each in there)]


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
