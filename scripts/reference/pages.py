"""Which reference pages there are."""

from __future__ import annotations

from pathlib import Path

from scripts.reference.command_line import command_line_page
from scripts.reference.config import config_page
from scripts.reference.json_output import json_page

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


def pages() -> dict[str, str]:
    """File name in docs/reference -> its text."""
    return {
        "config.md": config_page(),
        "command-line.md": command_line_page(),
        "json.md": json_page(),
    }
