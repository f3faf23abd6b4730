from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from components.gate.decide import decide
from components.gate.settings import GateSettings
from components.records.prediction import Disagreement, Prediction
from components.records.record import Span
from components.registry.model_metadata import Change
from components.report.build import Material, html
from components.tasks import task_of
from components.tasks.base import TaskSettings
from components.tasks.ner.pairs import disagreements
from components.tasks.scores import block_of
from tests.browser.conftest import Visit, nameless

ATTACKS = [
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<img src=x onerror=alert(3)>",
    '"><svg onload=alert(4)>',
    "' onmouseover='alert(5)",
    "</style><style>main{display:none}</style>",
    "</title><iframe src=javascript:alert(6)>",
    "{{ 7 * 7 }}{% raw %}",
    "<a href=javascript:alert(7)>x</a><base href=//evil.example>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "&lt;b&gt; \u202e right to left \u0000 nul \ufeff",
    "]]><!--",
]
LABELS = [attack[:40] for attack in ATTACKS[:5]] + ["ORG"]


def document(number: int, attack: str) -> Prediction:
    text = f"{attack} and then {attack} at the end"
    first, second = (
        Span(0, len(attack), LABELS[number % 6]),
        Span(len(attack) + 10, len(text), "ORG"),
    )
    gold, predicted = [first], [Span(first.start, first.end, "ORG"), second]
    return Prediction(
        id=attack,
        text=text,
        words=9,
        gold=gold,
        predicted=predicted,
        disagreements=[
            Disagreement(one.kind, one.gold, one.predicted, 0.9 - number / 20)
            for one in disagreements(gold, predicted)
        ],
        meta={"doc_type": attack, attack: attack},
    )


def hostile_report() -> str:
    """A report in which everything that comes from data or config is an attack."""
    predictions = [document(number, attack) for number, attack in enumerate(ATTACKS)]
    settings = TaskSettings(name="ner", labels=LABELS)
    scores: dict[str, Any] = block_of(
        task_of(settings),
        predictions,
        slice_keys=["doc_type", ATTACKS[0]],
        resamples=100,
        seed=0,
    )
    scores |= {"champion": {"error": ATTACKS[2]}, "words_per_second": 100.0}
    data = {
        "records": {"in": 12, "kept": 12, "skipped": 0, "quarantined": 0},
        "tasks": {
            ATTACKS[0]: {"unit": "entities", "labels": {one: {"count": 1} for one in LABELS}}
        },
        "problems": [{"title": ATTACKS[0], "count": 1, "first": [ATTACKS[2]]}],
    }
    split = {
        "documents": {"train": 1, ATTACKS[0]: 1},
        "labels": {},
        "stability": {"known": 0, "new": 12, "moved": 0},
    }
    gate_decision = decide({"ner": scores}, data, [settings], GateSettings(required_labels=LABELS))
    return html(
        Material(
            title=ATTACKS[6],
            kicker=ATTACKS[0],
            name=ATTACKS[0],
            other=ATTACKS[1],
            blocks={"ner": scores},
            headline=gate_decision["headline"],
            mood="bad",
            reasons=gate_decision["reasons"],
            rules=gate_decision["rules"],
            predictions=predictions,
            history=[{"step": 1, "loss": 2.0, "f": 0.1}, {"step": 2, "loss": 1.0, "f": None}],
            data=data,
            split=split,
            changes=[Change(attack, attack, "") for attack in ATTACKS],
            review=ATTACKS[2],
        )
    )


@pytest.fixture(scope="module")
def report() -> str:
    return hostile_report()


def test_hostile_text_is_shown_and_does_nothing(visit: Visit, report: str) -> None:
    page = visit(report)
    page.wait_for_timeout(300)
    assert page.locator("script").count() == 1
    assert page.locator("iframe, img, a:not([href^='#']), link, base").count() == 0
    assert page.locator("svg:not([role=img])").count() == 0
    assert page.locator("style").count() == 1
    read = page.locator("main").inner_text()
    assert "<script>alert(1)</script>" in read
    assert "49" not in page.locator("h1").inner_text()
    attributes = page.evaluate(
        "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
        ".filter(name => name.startsWith('on'))"
    )
    assert attributes == []


def test_the_policy_stops_a_script_that_gets_in_all_the_same(
    browser: Browser, tmp_path: Path, report: str
) -> None:
    path = tmp_path / "smuggled.html"
    smuggled = (
        "<script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">"
    )
    path.write_text(report.replace("</main>", f"{smuggled}</main>"), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_timeout(300)
    assert page.title() != "owned"
    page.close()


def test_a_screen_reader_has_a_name_for_everything(visit: Visit, report: str) -> None:
    assert nameless(visit(report)) == []


def test_errors_can_be_filtered_by_kind_and_label(visit: Visit, report: str) -> None:
    page = visit(report)
    cards = page.locator("article[data-kind]")

    def shown() -> int:
        return cards.locator("visible=true").locator("h3").count()

    every = shown()
    assert every == cards.count() > 10
    page.get_by_role("combobox", name="Kind", exact=True).select_option(index=2)
    spurious = shown()
    assert 0 < spurious < every
    titles = cards.locator("h3").locator("visible=true").all_inner_texts()
    assert all("Spurious" in title for title in titles)
    assert f"{spurious} shown" in page.get_by_role("status").inner_text()
    page.get_by_role("combobox", name="Label", exact=True).select_option(label=LABELS[0])
    assert shown() < spurious
    page.get_by_role("combobox", name="Kind", exact=True).select_option(index=0)
    page.get_by_role("combobox", name="Label", exact=True).select_option(index=0)
    assert shown() == every


def test_without_scripts_everything_is_there(visit: Visit, report: str) -> None:
    page = visit(report, java_script_enabled=False)
    assert page.locator("article[data-kind]:visible").count() > 10
    assert not page.locator("#filters").is_visible()


def test_a_phone_need_not_scroll_sideways(visit: Visit, report: str) -> None:
    page = visit(report, viewport={"width": 360, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    small = page.evaluate(
        "[...document.querySelectorAll('svg text')]"
        ".filter(text => text.getBoundingClientRect().height < 8).length"
    )
    assert small == 0, "text in charts stays readable"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(visit: Visit, report: str, scheme: str) -> None:
    page = visit(report, color_scheme=scheme)
    for selector in ("main p", "td", "caption", ".note", ".headline", ".entity", "svg text", "a"):
        assert contrast(page, selector) >= 4.5, selector


def contrast(page: Page, selector: str) -> float:
    """WCAG's contrast ratio of the first such element's text with what is behind it."""
    colours = page.evaluate(
        """selector => {
            const element = document.querySelector(selector), style = getComputedStyle(element);
            const svg = element instanceof SVGElement;
            let behind = svg ? document.body : element;
            while (getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)')
                behind = behind.parentElement;
            return [svg ? style.fill : style.color, getComputedStyle(behind).backgroundColor];
        }""",
        selector,
    )
    bright, dark = sorted((luminance(colour) for colour in colours), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    channels = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_screen_reader_finds_its_way(visit: Visit, report: str) -> None:
    page = visit(report)
    assert page.locator("html[lang]").count() == 1
    assert page.get_by_role("main").count() == 1
    assert page.get_by_role("heading", level=1).count() == 1
    levels = [int(tag[1]) for tag in page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4')].map(h => h.tagName)"
    )]  # fmt: skip
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("thead th:not([scope]), tbody th:not([scope])").count() == 0
    for chart in page.get_by_role("img").all():
        assert chart.locator("title").text_content()
        assert chart.locator("desc").text_content()
    assert page.get_by_role("combobox", name="Kind", exact=True).count() == 1
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_printed_it_is_short_and_light(visit: Visit, report: str) -> None:
    page = visit(report, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible()
    assert len(page.pdf()) > 10_000
