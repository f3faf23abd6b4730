"""The routes of the pages about all runs and models."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Query
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

from pipelines.local.live_view import duration, figures
from pipelines.ui import live, models, scores
from pipelines.ui.jobs import Jobs
from pipelines.ui.site import HEADERS, PARTS, SEE_OTHER, Site, entries, url

RUNS_SHOWN = 50
LAST_RUNS = 8


def add_overview(app: FastAPI, site: Site, jobs: Jobs) -> None:
    """The pages about all runs and models."""

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
            registries=looked_in(site),
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

    @app.get("/ui.js")
    def script() -> FileResponse:
        return FileResponse(PARTS / "ui.js", media_type="text/javascript", headers=HEADERS)


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


def looked_in(site: Site) -> list[str]:
    """Where models are looked for, and where they are not."""
    there = models.elsewhere(site)
    return [*models.registries(site), *(f"{each} (not asked from here)" for each in there)]
