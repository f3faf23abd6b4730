"""Code blocks of Markdown, each with the mark that says whether it is run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*)$")
MARK = re.compile(r"^<!-- (?P<mark>(not )?run: .+?) -->$")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: of which file.
        line: where its code begins, from 1.
        language: after the fence; "" for none.
        mark: the mark that stands last before it on its page: `run: TEST`, `not run: WHY`, or "".
    """

    page: Path
    line: int
    language: str
    code: str
    mark: str


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page; a mark holds until the next one."""
    mark, opened, code = "", None, []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if opened is None and (found := MARK.match(line)):
            mark = found["mark"]
        elif opened is None and (opened := FENCE.match(line)):
            start, code = number + 1, []
        elif opened and line.strip() == "```":
            yield Block(page, start, opened["language"], "\n".join(code), mark)
            opened = None
        elif opened:
            code.append(line.removeprefix(opened["indent"]))


def commands(code: str) -> list[str]:
    """The commands of a block of shell, each on one line, without comments."""
    whole = re.sub(r"\\\n\s*", "", code)
    lines = [re.sub(r"(^|\s)#\s.*$", "", line).strip() for line in whole.splitlines()]
    return [line for line in lines if line]


def indented(page: Path) -> list[int]:
    """Lines on which code begins by being indented, which no language can be given."""
    text = re.sub(r"^```.*?^```$", blank, page.read_text(encoding="utf-8"), flags=re.M | re.S)
    lines = text.splitlines()
    return [
        number
        for number, line in enumerate(lines, 1)
        if line.startswith("    ")
        and number > 1
        and not lines[number - 2]
        and not listed(lines, number)
    ]


def blank(found: re.Match[str]) -> str:
    """As many lines of nothing."""
    return "#" + "\n#" * found[0].count("\n")


def listed(lines: list[str], number: int) -> bool:
    """Whether a line belongs to an item of a list."""
    above = [line for line in lines[: number - 1] if line and not line.startswith(" ")]
    return bool(above) and bool(re.match(r"[-*] |\d+\. ", above[-1]))
