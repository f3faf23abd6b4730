"""XML of people one does not know, as a tree with line numbers.

A document type is refused: with it come entities, which may name files of this machine or grow
without end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from components.errors import ConfigError

LONGEST = 5_000_000  # bytes
DEEPEST = 100  # elements, one inside another


@dataclass
class Element:
    """An element, its line, and the elements inside; text between them is left out."""

    tag: str
    attributes: dict[str, str]
    line: int
    children: list[Element] = field(default_factory=list)

    def walk(self) -> Iterator[Element]:
        """The element and all inside it, in the order of the text."""
        yield self
        for child in self.children:
            yield from child.walk()

    def get(self, name: str) -> str:
        """An attribute; "" if it is not there."""
        return self.attributes.get(name, "")


def parse(content: bytes, source: str) -> Element:
    """The root of a document.

    Raises:
        ConfigError: it is no XML, too large, or has a document type; with the line.
    """
    if len(content) > LONGEST:
        raise ConfigError(f"{source}: {len(content):,} bytes: no labelling config is so long.")
    parser = expat.ParserCreate()
    root = Element("", {}, 0)
    within = [root]

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(within) > DEEPEST:
            raise ConfigError(f"{source}:{parser.CurrentLineNumber}: nested too deeply.")
        element = Element(tag, attributes, parser.CurrentLineNumber)
        within[-1].children.append(element)
        within.append(element)

    def refuse(*_: object) -> None:
        raise ConfigError(
            f"{source}:{parser.CurrentLineNumber}: a document type (<!DOCTYPE) is not read: take "
            "it out; a labelling config needs none."
        )

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _tag: within.pop()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise ConfigError(f"{source}:{error.lineno}: no XML: {error}.") from error
    return root.children[0]
