"""The shell of every HTML page: one file, readable anywhere, safe with any text in it.

A stage keeps its own templates in its folder; they extend `page.html` and fill its `content`
block. Everything that a template prints is escaped. What is not (`Markup`) comes from
`components.html.charts` or from this module.
"""

from __future__ import annotations

import hashlib
import os
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from components.html.format import count, percent, points, points_span, span, standing, tone

SHELL = Path(__file__).parent / "templates"
# Where runs lie in one folder: the page of all of them, seen from the folder of a task's outputs.
RUNS_PAGE = "RETRAIN_RUNS_PAGE"


def render(
    template: Path,
    *,
    title: str,
    kicker: str = "",
    made_from: str = "",
    style: str = "",
    script: str = "",
    policy: str = "",
    **values: Any,
) -> str:
    """Return a complete HTML page that loads nothing, unless its policy says otherwise.

    Args:
        template: a Jinja template that starts with `{% extends "page.html" %}`.
        kicker: a short line above the title, e.g. the name of the pipeline.
        made_from: what the page was made from, for its last line.
        style: CSS of our own, after the shell's.
        script: JavaScript of our own, the same for every page: only this runs (it is named by its
            hash in the page's security policy), so it must never hold data.
        policy: its Content-Security-Policy, for a page that a server gives out.
        values: what the template prints.
    """
    return (
        environment(template.parent)
        .get_template(template.name)
        .render(
            title=title,
            kicker=kicker,
            made_from=made_from,
            script=Markup(script),  # noqa: S704 - our own file, never data
            style=Markup((SHELL / "page.css").read_text(encoding="utf-8") + style),  # noqa: S704 - our own
            policy=policy or security_policy(script),
            **values,
        )
    )


def fragment(template: Path, **values: Any) -> Markup:
    """Return a part of a page, from a template of its own."""
    filled = environment(template.parent).get_template(template.name).render(**values)
    return Markup(filled)  # noqa: S704 - the template has escaped what it prints


@cache
def environment(folder: Path) -> jinja2.Environment:
    """Templates of a folder, and the shell's; whatever they print is escaped."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, SHELL], encoding="utf-8"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        percent=percent,
        points=points,
        count=count,
        span=span,
        points_span=points_span,
        standing=standing,
        tone=tone,
    )
    return templates


def all_runs() -> list[tuple[str, str]]:
    """Name and relative address of the page of all runs, for a page of a task; none elsewhere."""
    address = os.environ.get(RUNS_PAGE)
    return [("All runs", address)] if address else []


def security_policy(script: str) -> str:
    """Return a Content-Security-Policy: no network at all, and no script but this one."""
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"'sha256-{digest}'" if script else "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
