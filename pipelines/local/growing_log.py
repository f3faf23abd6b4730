"""A log that is written while somebody reads it."""

from __future__ import annotations

from pathlib import Path

from pipelines.local.runs import tail


class GrowingLog:
    """A log that is written while it is read."""

    def __init__(self, path: Path, lines: int | None = None) -> None:
        """Begin with the last lines that it has now, or with all."""
        self._path = path
        if lines is None:
            self._read = 0
            return
        text = b"".join(f"{line}\n".encode() for line in tail(path, lines)) if lines else b""
        self._read = max(0, path.stat().st_size - len(text))

    def more(self, over: bool) -> list[str]:
        """The lines that came since; the last one once it is whole, or everything is over."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        end = len(text) if over else text.rfind(b"\n") + 1
        self._read += end
        return text[:end].decode(errors="replace").splitlines()
