"""Write the reference pages: `python -m scripts.reference`."""

from __future__ import annotations

from scripts.reference.pages import FOLDER, pages


def main() -> None:
    """Write every page that is made from the code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(FOLDER.name, name, sep="/")


if __name__ == "__main__":
    main()
