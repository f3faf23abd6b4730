"""Accepted advisories have a reason and a day, and do not stay accepted for ever."""

from __future__ import annotations

import tomllib
from datetime import date

from scripts.audit import ADVISORIES, overdue

ACCEPTED = tomllib.loads(ADVISORIES.read_text(encoding="utf-8"))["accepted"]


def test_each_says_why_and_until_when() -> None:
    assert ACCEPTED
    for entry in ACCEPTED:
        assert set(entry) == {"id", "package", "reason", "review"}
        assert len(entry["reason"]) > 40
        assert isinstance(entry["review"], date)


def test_one_is_overdue_on_its_day_and_not_before() -> None:
    entry = {"id": "CVE-1", "review": date(2027, 2, 1)}
    assert overdue([entry], date(2027, 1, 31)) == []
    assert overdue([entry], date(2027, 2, 1)) == ["CVE-1"]
