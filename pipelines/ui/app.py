"""The app: what it is made of, and what it says when something is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from components.errors import ConfigError, DataError, RetrainError
from containers.serve.guards import BodyLimit, LocalHost
from pipelines.ui.jobs import Jobs
from pipelines.ui.model_pages import add_models
from pipelines.ui.overview import add_overview
from pipelines.ui.run_pages import add_comparisons, add_documents, add_runs
from pipelines.ui.site import NOT_FOUND, Site, compile_templates
from pipelines.ui.starting import add_jobs, add_starting, add_versions
from pipelines.ui.trial_page import add_trial
from pipelines.ui.trying import Trial
from pipelines.ui.writing import RefusedError

MAX_BODY = 300_000
BODY_SECONDS = 20.0


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
    add_overview(app, site, jobs)
    add_runs(app, site)
    add_documents(app, site)
    add_comparisons(app, site)
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
