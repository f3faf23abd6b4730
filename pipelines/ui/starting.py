"""The routes of what is fetched and started: models to download, servers, deployments, runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Request
from fastapi import Path as InPath
from fastapi.responses import (
    FileResponse,
    HTMLResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.background import BackgroundTask

from components.errors import ConfigError
from pipelines.local.runs import RunRecord
from pipelines.ui import live, models, versions, writing
from pipelines.ui.archive import as_archive
from pipelines.ui.deploying import Deployment, again
from pipelines.ui.jobs import Job, Jobs, typed
from pipelines.ui.site import HEADERS, NOT_FOUND, SEE_OTHER, Site, url
from pipelines.ui.writing import RefusedError

PORT = 8080
Number = Annotated[int, InPath(ge=1, le=10**6)]


def add_versions(app: FastAPI, site: Site) -> None:
    """A version, and what is downloaded of it."""

    @app.get("/models/{key}/{name}/{number}")
    def version(request: Request, key: str, name: str, number: str) -> HTMLResponse:
        place = models.place_at(site, key, name)
        return site.page(
            "version.html",
            f"{name}, version {number}",
            here="Models",
            can_write=writing.holds_token(request, site.token),
            port=PORT,
            **versions.page_of(site, place, versions.version_of(place, number)),
        )

    @app.get("/models/{key}/{name}/{number}/model.zip")
    def model(key: str, name: str, number: str) -> StreamingResponse:
        place = models.place_at(site, key, name)
        chosen = versions.version_of(place, number)
        return as_archive(versions.packed(place, chosen), f"{name}-{number}")

    @app.post("/models/{key}/{name}/{number}/wheel")
    async def wheel(request: Request, key: str, name: str, number: str) -> Response:
        # It changes nothing, so it needs no token; but no page of others may keep us at work.
        writing.check_origin(request)
        return await asyncio.to_thread(wheel_of, key, name, number)

    def wheel_of(key: str, name: str, number: str) -> Response:
        place = models.place_at(site, key, name)
        chosen = versions.version_of(place, number)
        folder = TemporaryDirectory(prefix="retrain-ui-")
        try:
            made = versions.wheel_of(place, chosen, Path(folder.name))
        except BaseException:
            folder.cleanup()
            raise
        done = BackgroundTask(folder.cleanup)
        return FileResponse(made, filename=made.name, headers=HEADERS, background=done)


def add_starting(app: FastAPI, site: Site, jobs: Jobs) -> None:
    """What may be started with the token."""

    async def allowed(request: Request) -> dict[str, str]:
        writing.check_may_write(request, site.token)
        return await writing.form_of(request)

    @app.post("/models/{key}/{name}/serve")
    async def serve(request: Request, key: str, name: str) -> RedirectResponse:
        form = await allowed(request)
        version, port = writing.field(form, "version"), writing.field(form, "port")
        return leading_to(await asyncio.to_thread(start_server, key, name, version, port))

    def start_server(key: str, name: str, number: str, port: str) -> Job:
        place = models.place_at(site, key, name)
        if not (port.isascii() and port.isdecimal() and int(port) <= 65535):
            raise RefusedError(422, f"Port: {port!r} is no number of 0 to 65535.")
        if number:
            versions.version_of(place, number)
        title = f"Serving {name}, {f'version {number}' if number else 'what is in production'}"
        options = [f"--port={int(port)}", "--label-studio", f"--registry={place.location}"]
        reference = f"{name}@{number or place.alias}"
        return jobs.serve(title, ["serve", *options, "--", reference])

    @app.get("/deploy")
    def deploy(request: Request) -> HTMLResponse:
        # Only who holds the token has configs read for them.
        can_write = writing.holds_token(request, site.token)
        asked = request.query_params.items() if can_write else ()
        given = {name: value for name, value in asked if name in FIELDS}
        planned = Deployment(**{"config": last_config(site), **given})
        steps, problem = [], ""
        if given.keys() >= FIELDS:
            try:
                steps = planned.steps()
            except (ConfigError, RefusedError) as error:
                problem = str(error.args[-1])
        return site.page(
            "deploy.html",
            "Deploy on Vertex AI",
            here="Models",
            status=422 if problem else 200,
            can_write=can_write,
            planned=planned,
            command=typed(planned.arguments),
            steps=steps,
            problem=problem,
        )

    @app.post("/deploy")
    async def deploy_now(request: Request) -> RedirectResponse:
        form = await allowed(request)
        planned = Deployment(**{name: writing.field(form, name) for name in FIELDS})
        await asyncio.to_thread(planned.steps)
        title = f"Deploying {planned.model} at {planned.endpoint}"
        return leading_to(
            await asyncio.to_thread(jobs.start, title, planned.arguments, may_stop=False)
        )

    @app.post("/runs/{run}/again")
    async def run_again(request: Request, run: str) -> RedirectResponse:
        writing.check_may_write(request, site.token)
        if run not in site.records:
            raise HTTPException(NOT_FOUND, "There is no such run here, or it was deleted.")
        arguments = again(await asyncio.to_thread(site.records.get, run), site.records.out)
        title = f"Run {run} again"
        return leading_to(await asyncio.to_thread(jobs.start, title, arguments, may_stop=True))


def add_jobs(app: FastAPI, site: Site, jobs: Jobs) -> None:
    """What was started."""

    def job_of(number: int) -> Job:
        job = jobs.get(number)
        if job is None:
            raise HTTPException(
                NOT_FOUND, "Nothing was started under this number since the app was."
            )
        return job

    @app.get("/jobs/{number}")
    def job(request: Request, number: Number) -> HTMLResponse:
        shown = job_of(number)
        return site.page(
            "job.html",
            shown.title,
            here="Home",
            job=shown,
            parts=shown.parts(),
            stream=f"{shown.url}/events" if shown.code is None else "",
            can_write=writing.holds_token(request, site.token),
        )

    @app.get("/jobs/{number}/events")
    def events(number: Number) -> StreamingResponse:
        shown = job_of(number)
        changes = live.stream(lambda: shown.code is None, shown.parts)
        return StreamingResponse(changes, media_type="text/event-stream", headers=HEADERS)

    @app.post("/jobs/{number}/stop")
    async def stop(request: Request, number: Number) -> RedirectResponse:
        writing.check_may_write(request, site.token)
        shown = job_of(number)
        if shown.stop is None:
            raise RefusedError(409, "Half of a deployment is worse than all of it: let it end.")
        await asyncio.to_thread(shown.stop)
        return leading_to(shown)


FIELDS = frozenset(Deployment.__dataclass_fields__)


def leading_to(job: Job) -> RedirectResponse:
    """To the page of what was started."""
    return RedirectResponse(job.url, SEE_OTHER)


def last_config(site: Site) -> str:
    """The config of the newest run."""
    return next((record.config for record in models.recent(site)), "")


def again_of(record: RunRecord, site: Site) -> dict[str, Any]:
    """What the page of a run says of starting it again."""
    try:
        command, problem = typed(again(record, site.records.out)), ""
    except ConfigError as error:
        command, problem = "", str(error)
    return {"again": command, "not_again": problem, "again_url": url("runs", record.id, "again")}
