"""What every page of the app shares: its folders, its shell, its links."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi.responses import HTMLResponse
from markupsafe import Markup

from components.errors import DataError
from components.html import page
from pipelines.results.history import Entry
from pipelines.ui.records import Records

PAGES = Path(__file__).parents[1] / "results" / "pages"
PARTS = Path(__file__).parent / "parts"
# Nothing but this server's own script and streams. `frame-ancestors` means nothing in a page.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'"
)
HEADERS = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
}
NOT_FOUND, SEE_OTHER = 404, 303
NAVIGATION = (
    ("Home", "/"),
    ("Runs", "/runs"),
    ("Scores", "/scores"),
    ("Compare", "/compare"),
    ("Models", "/models"),
    ("Try a text", "/try"),
)


@dataclass(frozen=True)
class Site:
    """What the app shows.

    Attributes:
        out: folder of the runs; `registry` that of the models.
        token: what a browser must hold to change something; "" if nothing can be changed.
    """

    out: Path
    registry: Path
    token: str = ""

    @cached_property
    def records(self) -> Records:
        """The runs."""
        return Records(self.out)

    def page(
        self,
        template: str,
        title: str,
        *,
        here: str = "",
        status: int = 200,
        style: str = "",
        **values: Any,
    ) -> HTMLResponse:
        """A page of the app.

        Args:
            here: the name in the navigation that it goes by.
            style: CSS of our own, after the app's.
        """
        html = page.render(
            PAGES / template,
            title=title,
            style=(PARTS / "ui.css").read_text(encoding="utf-8") + style,
            policy=POLICY,
            navigation=NAVIGATION,
            here=here,
            **values,
        )
        return HTMLResponse(html, status, headers=HEADERS)


def compile_templates() -> None:
    """Do it before the first page is asked for, which would wait for it."""
    for template in PAGES.glob("*.html"):
        page.environment(PAGES).get_template(template.name)


def fragment(template: str, **values: Any) -> Markup:
    """A part of a page, as its stream sends it."""
    return page.fragment(PAGES / template, **values)


def url(*parts: str) -> str:
    """The path of a page; what may hold any character is quoted."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


def linked(entry: Entry) -> Entry:
    """A line of the history with the app's links in place of files."""
    links = {"run": url("runs", entry.run)}
    for name in ("report", "data"):
        if name in entry.links:
            links[name] = url("runs", entry.run, entry.phase, name)
    return replace(entry, links=links)


def entries(site: Site, ids: list[str], start: int, number: int) -> tuple[list[Entry], list[str]]:
    """Lines of the history about some runs, newest first, and what of it cannot be read."""
    lines: list[Entry] = []
    unreadable: list[str] = []
    for place, run in enumerate(ids[start : start + number], start=start):
        try:
            lines += [linked(entry) for entry in site.records.entries(run, len(ids) - place)]
        except DataError as error:
            unreadable.append(str(error))
    return lines, unreadable
