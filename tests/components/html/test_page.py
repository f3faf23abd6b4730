from __future__ import annotations

from pathlib import Path

from components.html import charts, page

TEMPLATE = """{% extends "page.html" %}
{% block content %}<p>{{ text }}</p><p>{{ none|percent }} {{ f|percent }} {{ drop|points }}</p>
{% endblock %}"""


def write_page(folder: Path, text: str, script: str = "") -> str:
    template = folder / "page_under_test.html"
    template.write_text(TEMPLATE, encoding="utf-8")
    return page.render(
        template, title=text, script=script, text=text, none=None, f=0.8731, drop=-0.0049
    )


def test_text_is_escaped_wherever_it_stands(tmp_path: Path) -> None:
    html = write_page(tmp_path, "</title><script>alert(1)</script>")
    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 3


def test_numbers_read_as_a_person_writes_them(tmp_path: Path) -> None:
    assert "<p>\N{EN DASH} 87.3 \N{MINUS SIGN}0.5</p>" in write_page(tmp_path, "x")


def test_only_the_named_script_may_run(tmp_path: Path) -> None:
    assert "script-src &#39;none&#39;" in write_page(tmp_path, "x")
    assert "script-src &#39;sha256-" in write_page(tmp_path, "x", script="document.title += 1;")


def test_the_same_data_gives_the_same_chart() -> None:
    def draw() -> str:
        return charts.bars("F", "By label", ["ORG"], {"new": [0.5]}, {"new": [(0.4, 0.6)]})

    assert draw() == draw()


def test_charts_escape_their_labels_and_follow_the_page_colours() -> None:
    hostile = "<script>$x$</script>"
    drawn = charts.heat_map(
        hostile, "d", [hostile[:20], "b"], [[1, 0], [0, 2]], x_axis="", y_axis=""
    )
    assert "<script" not in drawn
    assert "&lt;script&gt;$x$" in drawn
    assert "var(--series-1)" in drawn
    assert "#0102" not in drawn


def test_charts_have_a_name_and_a_description() -> None:
    drawn = charts.lines(
        "Loss", "It falls", {"loss": [(0, 2), (1, 1)]}, x_axis="step", y_axis="loss"
    )
    assert 'role="img"' in drawn
    assert ">Loss</title>" in drawn
    assert ">It falls</desc>" in drawn


def test_no_axis_goes_beyond_all_of_a_hundred() -> None:
    drawn = charts.lines("F", "all", {"F": [(0, 100), (9, 100)]}, x_axis="step", y_axis="F (%)")
    assert ">100<" in drawn
    assert not any(f">{beyond}<" in drawn for beyond in (101, 102, 105))


def test_charts_of_nothing_still_stand() -> None:
    assert charts.bars("F", "none", [], {"new": []})
    assert charts.lines("F", "none", {}, x_axis="x", y_axis="y")
    assert charts.histogram("F", "none", [0, 1], [0], x_axis="x", y_axis="y")
