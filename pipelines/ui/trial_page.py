"""The routes of the page to try a text."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse

from components.errors import DataError
from components.report.build import FOLDER as REPORT
from pipelines.ui import trying, writing
from pipelines.ui.site import NOT_FOUND, Site
from pipelines.ui.trying import RefusedTextError, Trial

MOST_CHARACTERS = 20_000


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
