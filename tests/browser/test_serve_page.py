"""The server's page: paste a text, see its entities, spans and classes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import nameless
from tests.containers.conftest import Running, write_model
from tests.support.all_kinds import write_all_kinds
from tests.support.spancat import write_spancat
from tests.support.tiny_textcat import train_tiny

TEXT = "🎉 Write to <b> London </b> & form P60"


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    model = write_model(tmp_path / "model", {"London": "GPE", "🎉": "EVENT", "form P60": "FORM"})
    server = Running(f"--model=phase-1={model}@3", RETRAIN_SERVE_PAGE="1").until_ready()
    opened = browser.new_page()
    wrong: list[str] = []
    opened.on("console", lambda message: wrong.append(message.text))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on(
        "request",
        lambda request: request.url.startswith(server.url) or wrong.append(request.url),
    )
    opened.goto(server.url)
    yield opened
    opened.close()
    server.terminate()
    server.wait()
    # Chromium itself notes every refusal.
    assert [text for text in wrong if not text.startswith("Failed to load resource")] == []


def test_entities_are_marked_where_they_are_and_listed(page: Page) -> None:
    expect(page.locator("#versions")).to_have_text("Models: phase-1 3")
    page.get_by_label("Paste a text").fill(TEXT)
    page.get_by_role("button").click()
    expect(page.get_by_role("status")).to_have_text("3 entities found.")
    marks = page.locator("mark").all_inner_texts()
    assert [text.split() for text in marks] == [
        ["🎉", "EVENT"],
        ["London", "GPE"],
        ["form", "P60", "FORM"],
    ]
    assert nameless(page) == []
    # What was pasted is text, never markup.
    expect(page.locator("#marked b", has_text="London")).to_have_count(0)
    assert page.locator("tbody tr").all_inner_texts()[1].split() == [
        *("London", "GPE", "phase-1", "15", "21", "\u2013")
    ]


def test_a_refusal_is_shown_in_its_own_words(page: Page) -> None:
    page.get_by_label("Paste a text").fill("a" * 50_001)
    page.get_by_role("button").click()
    expect(page.get_by_role("status")).to_contain_text("more than max_characters = 50000")


def test_the_keyboard_is_enough(page: Page) -> None:
    page.keyboard.press("Tab")
    page.keyboard.type("In London")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("1 entity found.")


def test_classes_are_listed_by_probability(browser: Browser, tmp_path: Path) -> None:
    remembered = {"topic": {"component": "classes", "calibration": {"temperature": 1.0}}}
    model = train_tiny(tmp_path / "model", exclusive=True, remembered=remembered)
    server = Running(f"--model=letters={model}@3", RETRAIN_SERVE_PAGE="1").until_ready()
    page = browser.new_page()
    page.goto(server.url)
    page.get_by_label("Paste a text").fill("pay the tax")
    page.get_by_role("button").click()
    expect(page.get_by_role("status")).to_have_text("Classes: TAX.")
    expect(page.locator("#tasks caption")).to_have_text("letters, topic (calibrated)")
    assert [row.split()[0] for row in page.locator("#tasks tr").all_inner_texts()] == [
        "TAX",
        "VISA",
    ]
    expect(page.locator("#tasks mark")).to_have_text("TAX")
    # It looks for no entities, so there are none to speak of.
    expect(page.locator("#result")).to_be_hidden()
    page.close()
    server.terminate()
    assert server.wait() == 0


def test_spans_lie_inside_one_another(browser: Browser, tmp_path: Path) -> None:
    """One that crosses another's end goes on behind it, and has its label there."""
    model = write_spancat(tmp_path / "model", ["SCOPE"])
    server = Running(f"--model=letters={model}@3", RETRAIN_SERVE_PAGE="1").until_ready()
    page = browser.new_page()
    page.goto(server.url)
    page.get_by_label("Paste a text").fill("no <b> 🎉")
    page.get_by_role("button").click()
    spans = ["no <", "no", "< b", "<", "b >", "b", "> 🎉", ">", "🎉"]
    expect(page.get_by_role("status")).to_have_text(f"{len(spans)} spans found.")
    expect(page.locator("#marked-spans b")).to_have_text(["SCOPE"] * len(spans))
    expect(page.locator("#marked-spans > mark").first).to_have_text("no SCOPE < SCOPE SCOPE")
    shown = page.locator("#marked-spans").inner_text()
    assert shown.replace("SCOPE", "").replace(" ", "") == "no<b>🎉"
    expect(page.locator("#result")).to_be_hidden()
    expect(page.locator("#span-rows tr")).to_have_count(len(spans))
    page.close()
    server.terminate()
    assert server.wait() == 0


@pytest.mark.parametrize("width", [1280, 390])
def test_a_model_of_every_kind_shows_all_that_it_says(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    model = write_all_kinds(tmp_path / "model", {"fever": "FINDING"})
    server = Running(f"--model=notes={model}@3", RETRAIN_SERVE_PAGE="1").until_ready()
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(server.url)
    page.get_by_label("Paste a text").fill("no fever")
    page.get_by_role("button").click()
    said = "Classes: LUNGS. 1 entity found. 3 spans found."
    expect(page.get_by_role("status")).to_have_text(said)
    expect(page.locator("#marked")).to_have_text("no fever FINDING · Absent")
    expect(page.locator("#rows tr > *").nth(1)).to_have_text("FINDING · Absent")
    expect(page.locator("#marked-spans b")).to_have_text(["SCOPE"] * 3)
    expect(page.locator("#tasks mark")).to_have_text("LUNGS")
    # Nothing makes the page wider than the screen, and no heading of a table is broken.
    assert page.evaluate("document.documentElement.scrollWidth") == width
    heights = page.locator("thead th").evaluate_all("all => all.map(one => one.offsetHeight)")
    assert max(heights) < 45
    page.close()
    server.terminate()
    assert server.wait() == 0
