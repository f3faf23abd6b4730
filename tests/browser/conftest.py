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
