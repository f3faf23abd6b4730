"""A double of Label Studio's API: what `annotations: [labelstudio://…]` asks of it.

Its answers, refusals too, are those of version 1.23.2; `make test-label-studio` reads a real one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PERSONAL = "header.personal.signature"  # a JWT has two dots
LEGACY = "0123abcd"  # pragma: allowlist secret


@dataclass
class LabelStudio:
    """One project with its tasks; what was asked is kept.

    Attributes:
        faults: HTTP statuses that the next requests get instead of an answer.
        access: the access token that is good now; None: legacy tokens only.
    """

    port: int = 0
    number: int = 3
    tasks: dict[int, dict[str, Any]] = field(default_factory=dict)
    imported: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    faults: list[int] = field(default_factory=list)
    access: str | None = "access-1"
    legacy: bool = False
    clock: int = 0

    @property
    def path(self) -> str:
        return f"labelstudio://127.0.0.1:{self.port}/{self.number}"

    def annotate(self, task: int, text: str, *results: dict[str, Any], **more: Any) -> None:
        """Add an annotation of a task, which is made if it is not there."""
        self.clock += 1
        one = self.tasks.setdefault(
            task, {"id": task, "data": {"text": text}, "annotations": [], "predictions": []}
        )
        number = 100 * task + len(one["annotations"])
        annotation = {"id": number, "result": [*results], "was_cancelled": False, "completed_by": 1}
        annotation |= {"prediction": {"created_ago": f"{self.clock} minutes"}, **more}
        one["annotations"].append(annotation)
        one["updated_at"] = f"2026-11-30T04:19:44.{self.clock:06}Z"

    def signed(self, authorization: str) -> bool:
        if self.legacy and authorization == f"Token {LEGACY}":
            return True
        return self.access is not None and authorization == f"Bearer {self.access}"

    def answer(self, route: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        """Status and body of a request that was signed."""
        if route == f"/api/projects/{self.number}":
            return 200, {"id": self.number}
        if route == "/api/tasks" and query["project"] == [str(self.number)]:
            size, page = int(query["page_size"][0]), int(query["page"][0])
            some = [one for _, one in sorted(self.tasks.items()) if one["annotations"]]
            if page > 1 and not some[(page - 1) * size :]:
                return 404, {"detail": "Invalid page."}
            return 200, {
                "total": len(some),
                "tasks": [listed(one) for one in some[(page - 1) * size : page * size]],
            }
        if route == f"/api/projects/{self.number}/export":
            ids = {int(each) for each in query.get("ids[]", map(str, self.tasks))}
            return 200, [
                {**one, "drafts": [], "comment_count": self.clock}
                for task, one in self.tasks.items()
                if task in ids and one["annotations"]
            ]
        return 404, {"detail": "No Project matches the given query."}


def listed(task: dict[str, Any]) -> dict[str, Any]:
    """A task as /api/tasks lists it."""
    cancelled = sum(one["was_cancelled"] for one in task["annotations"])
    return {
        "id": task["id"],
        "updated_at": task["updated_at"],
        "total_annotations": len(task["annotations"]) - cancelled,
        "cancelled_annotations": cancelled,
    }


@contextmanager
def label_studio() -> Iterator[LabelStudio]:
    """A server while the block runs."""
    state = LabelStudio()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

        def send(self, status: int, body: Any) -> None:
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == f"/api/projects/{state.number}/import":
                signed = state.signed(self.headers["Authorization"] or "")
                state.imported += given if signed else []
                self.send(201 if signed else 401, {"task_count": len(state.imported)})
                return
            state.asked.append("refresh")
            good = self.path == "/api/token/refresh/" and given == {"refresh": PERSONAL}
            said = {"access": state.access} if good else {"detail": "Token is invalid"}
            self.send(200 if good else 401, said)

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            state.asked.append(parts.path)
            if state.faults:
                self.send(state.faults.pop(0), "<html>")
            elif not state.signed(self.headers["Authorization"] or ""):
                self.send(401, {"detail": "Invalid token."})
            else:
                self.send(*state.answer(parts.path, parse_qs(parts.query)))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
