"""The routes of the models, and of what may be changed there."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from pipelines.ui import models, writing
from pipelines.ui.site import SEE_OTHER, Site
from pipelines.ui.starting import PORT


def add_models(app: FastAPI, site: Site) -> None:
    """The pages of the models, and what may be changed there."""

    @app.get("/models")
    def every() -> HTMLResponse:
        found = models.in_production(site)
        groups = [
            (where, [one for one in found if one.where == where])
            for where in models.registries(site)
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
