"""Pages in a real browser: `make test-browser`. It needs Chromium: apt-get install chromium."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
Visit = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "no Chromium on the PATH: apt-get install chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Visit]:
    """Open HTML as a file; whatever it loads, says or does beyond being shown fails the test."""
    pages: list[Page] = []
    wrong: list[str] = []

    def open_page(html: str, **settings: object) -> Page:
        path = tmp_path / f"page-{len(pages)}.html"
        path.write_text(html, encoding="utf-8")
        opened = browser.new_page(**settings)
        opened.on(
            "dialog", lambda dialog: (wrong.append(f"dialog {dialog.message}"), dialog.dismiss())
        )
        opened.on("console", lambda message: wrong.append(f"console: {message.text}"))
        opened.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        opened.on(
            "request",
            lambda request: request.url == path.as_uri() or wrong.append(f"request {request.url}"),
        )
        opened.goto(path.as_uri())
        pages.append(opened)
        return opened

    yield open_page
    for page in pages:
        page.close()
    assert wrong == []


# What a screen reader names when it comes to it; of an image, the name is all that it has.
NAMED = {
    *("button", "combobox", "graphics-document", "heading", "img", "image", "link"),
    *("navigation", "progressbar", "region", "spinbutton", "table", "textbox"),
}


def spoken(page: Page) -> list[tuple[str, str]]:
    """Role and name of each node of the tree that Chromium gives to a screen reader."""
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")
    return [
        (node["role"]["value"], node.get("name", {}).get("value", "").strip())
        for node in tree["nodes"]
        if not node["ignored"]
    ]


def nameless(page: Page) -> list[str]:
    """What a screen reader cannot tell of a page; empty if all is well."""
    nodes = spoken(page)
    roles = [role for role, _ in nodes]
    wrong = [role for role, name in nodes if role in NAMED and not name]
    regions = [name for role, name in nodes if role == "region"]
    wrong += [f"two regions: {name}" for name in {*regions} if regions.count(name) > 1]
    wrong += [] if roles.count("main") == 1 else ["not one main"]
    if "table" in roles:
        wrong += [] if "columnheader" in roles or "rowheader" in roles else ["table without heads"]
    return wrong
