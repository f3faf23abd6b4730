"""Links in Markdown lead to files that are there; `make docs` checks the headings, too."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("bench/*.md"), *ROOT.glob("docs/**/*.md")]
LINK = re.compile(r"\]\(\s*(?!https?:|mailto:|#)([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_to_a_file(page):
    targets = [(page.parent / link).resolve() for link in LINK.findall(page.read_text("utf-8"))]
    assert [str(target) for target in targets if not target.exists()] == []
    if page.is_relative_to(ROOT / "docs"):  # the site holds nothing else
        outside = [str(each) for each in targets if not each.is_relative_to(ROOT / "docs")]
        assert outside == []


def test_every_page_is_in_the_menu_of_the_site() -> None:
    site = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))
    listed = re.findall(r"'([\w/-]+\.md)'", str(site["project"]["nav"]))
    pages = [str(page.relative_to(ROOT / "docs")) for page in ROOT.glob("docs/**/*.md")]
    assert sorted(listed) == sorted(pages)
