"""`retrain ui` in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import nameless, spoken
from tests.support.site import Ui, add_version, going_on, model_of, write_run

ATTACK = "\"><img src=x onerror=alert(1)></pre><script>alert(2)</script>\r'&lt;"
RUN = "20260102-000000-small"
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    write_run(folder / "runs", "20260101-000000-small", right=6, outcome="held")
    write_run(folder / "runs", RUN, phase="phase-1", label=f"L{ATTACK}", said=ATTACK)
    return folder


@pytest.fixture(scope="module")
def ui(folder: Path) -> Iterator[Ui]:
    with Ui(folder) as started:
        yield started


@pytest.fixture
def visit(browser: Browser, ui: Ui) -> Iterator[Open]:
    """Open a page; whatever it asks of another server, says or does unasked fails the test."""
    pages: list[Page] = []
    wrong: list[str] = []

    def open_page(path: str, **settings: object) -> Page:
        opened = browser.new_page(**settings)
        pages.append(opened)
        opened.on("dialog", lambda one: (wrong.append(f"dialog {one.message}"), one.dismiss()))
        opened.on("console", lambda message: wrong.append(f"console: {message.text}"))
        opened.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        opened.on(
            "request",
            lambda request: request.url.startswith(ui.url) or wrong.append(request.url),
        )
        opened.goto(ui.url + path)
        return opened

    yield open_page
    for page in pages:
        page.close()
    assert wrong == []


PAGES = ["/", "/runs", f"/runs/{RUN}", f"/runs/{RUN}/logs/phase-1/train", "/scores"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_pages_fit_and_hostile_text_is_text(
    visit: Open, path: str, width: int, scheme: str
) -> None:
    page = visit(path, viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1
    assert "onerror=alert(1)" in page.locator("main").inner_text()
    assert page.get_by_role("main").count() == page.get_by_role("heading", level=1).count() == 1


@pytest.mark.parametrize(
    "path", [*PAGES, "/compare", "/models", "MODEL", "MODEL/1", "/deploy", "/try", "/nothing"]
)
def test_a_screen_reader_has_a_name_for_everything(
    browser: Browser, reading: tuple[Ui, str], path: str
) -> None:
    ui, model = reading
    page = browser.new_page()
    page.goto(ui.url + path.replace("MODEL", model).replace(RUN, "20260101-000000-small"))
    assert nameless(page) == []
    headings = [name for role, name in spoken(page) if role == "heading"]
    assert headings[0] == page.locator("h1").inner_text()
    page.close()


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ui, str]]:
    """A server that may write, with a model, and the path of that model's page."""
    folder = tmp_path_factory.mktemp("model")
    add_version(folder, "ner-phase-1", "London", 0.8)
    write_run(folder / "runs", "20260101-000000-small")
    with Ui(folder, "--write") as ui:
        yield ui, model_of(ui)


def test_what_becomes_of_a_run_is_announced(visit: Open, folder: Path) -> None:
    """A screen reader says a live region's change without being asked."""
    run = "20260106-000000-small"
    with going_on(folder / "runs", run) as going:
        page = visit(f"/runs/{run}")
        expect(page.locator("#link-state")).to_have_text("This page follows the run.")
        for place in ("#outcomes", "#link-state"):
            assert page.locator(place).get_attribute("role") == "status"
        going.fail("no labels")
        expect(page.get_by_role("status").first).to_contain_text("failed in train")
        expect(page.get_by_role("status").last).to_have_text("The run is over.")


def test_home_says_first_what_came_of_it(visit: Open) -> None:
    page = visit("/")
    rows = page.get_by_role("region", name="Runs").get_by_role("row").all_inner_texts()
    promoted, held = rows[-2:]
    assert promoted.startswith("promoted 1 promoted to version 1")
    assert held.startswith("held 1 held, production stays version 1")
    page.get_by_role("link", name=f"run of {RUN}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(RUN)
    expect(page.get_by_role("status").first).to_contain_text("promoted to version 1")


def test_a_report_is_shown_and_leads_back(visit: Open) -> None:
    page = visit(f"/runs/{RUN}")
    page.get_by_role("link", name="Report of phase-1").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Report on {ATTACK}")
    page.get_by_role("link", name=f"Run {RUN}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(RUN)


def test_a_run_is_followed_until_it_ends(visit: Open, folder: Path) -> None:
    run = "20260103-000000-small"
    with going_on(folder / "runs", run) as going:
        page = visit("/")
        expect(page.get_by_role("main")).to_contain_text("step 10/40, loss 1.5")
        page.get_by_role("link", name=run, exact=True).click()
        expect(page.locator("#link-state")).to_have_text("This page follows the run.")
        expect(page.locator("#outcomes")).to_contain_text("running in train")
        expect(page.locator("#progress")).to_contain_text("1,234 words/s, 90 s left")
        expect(page.get_by_role("progressbar")).to_have_attribute("value", "0.250")
        expect(page.locator("#curves figcaption").last).to_contain_text("20.0 at step 20")
        link = page.get_by_role("link", name="log of phase-1, train")
        link.focus()
        going.progress(step=30, max_steps=40, loss=0.5, words_per_second=1300, eta=30)
        going.evaluated(30)
        going.print(f"a line {ATTACK}")
        expect(page.get_by_role("progressbar")).to_have_attribute("value", "0.750")
        expect(page.locator("#curves figcaption").last).to_contain_text("30.0 at step 30")
        expect(page.locator("#log")).to_contain_text('a line "><img src=x onerror=alert(1)>')
        going.fail(f"no labels {ATTACK}")
        expect(page.locator("#link-state")).to_have_text("The run is over.")
        expect(page.locator("#outcomes")).to_contain_text("failed in train")
        expect(page.locator("#outcomes")).to_contain_text('no labels "><img')
        expect(page.locator("#stages li.failed")).to_contain_text("failed with exit code 3")
        expect(link).to_be_focused()
        assert page.locator("img").count() == 0


def test_the_scores_of_a_run_appear_when_they_are_there(visit: Open, folder: Path) -> None:
    run = "20260105-000000-small"
    with going_on(folder / "runs", run) as going:
        page = visit(f"/runs/{run}")
        expect(page.locator("#link-state")).to_have_text("This page follows the run.")
        expect(page.locator("#scores")).to_be_empty()
        going.scored()
        expect(page.get_by_role("region", name="Scores of phase-1")).to_contain_text("GPE")


def test_a_page_follows_on_when_the_server_was_killed_and_started_again(
    browser: Browser, folder: Path
) -> None:
    run = "20260104-000000-small"
    with going_on(folder / "runs", run) as going:
        with Ui(folder) as first:
            page = browser.new_page()
            page.goto(f"{first.url}/runs/{run}")
            expect(page.locator("#link-state")).to_have_text("This page follows the run.")
            first.stop(9)
            expect(page.locator("#link-state")).to_contain_text("does not answer")
        going.print("while nobody looked")
        with Ui(folder, "--port", first.url.rpartition(":")[2]):
            expect(page.locator("#log")).to_contain_text("while nobody looked", timeout=15_000)
        page.close()


def test_the_keyboard_is_enough(visit: Open) -> None:
    page = visit("/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#content"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").startswith(f"run of {RUN}"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(RUN)


def test_promote_in_the_browser_that_holds_the_token(browser: Browser, tmp_path: Path) -> None:
    for word, f in (("London", 0.8), ("Leeds", 0.9)):
        add_version(tmp_path, "ner-phase-1", word, f)
    with Ui(tmp_path, "--write") as ui:
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.goto(ui.said.split()[1])
        page.get_by_role("link", name="ner-phase-1").click()
        page.get_by_text("Roll back", exact=True).click()
        page.get_by_role("button", name="Put version 1 back in place of 2").click()
        expect(page.get_by_role("status").first).to_contain_text("Done: rolled back.")
        expect(page.get_by_label("In production")).to_contain_text("version 1")
        expect(page.get_by_role("row", name="withdrawn")).to_contain_text("90.0")
        page.get_by_text("Promote version 2", exact=True).focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_label("In production")).to_contain_text("version 2")
        page.get_by_role("link", name="Try a text").click()
        page.get_by_label("Text").fill(f"Leeds {ATTACK}")
        page.get_by_role("button").click()
        expect(page.locator("#waiting")).to_have_text("1 found.", timeout=60_000)
        expect(page.locator("mark")).to_have_text("Leeds GPE")
        assert page.locator("img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.close()
