"""Annotations of a Label Studio project, read over its API into the form of its own JSON export.

    labelstudio://label.example.org/3             https
    labelstudio://127.0.0.1:8080/3                http, as to every address of this machine
    labelstudio+http://label.intranet/tools/3     http, to a server below a path

Only the tasks that changed since they were last read are asked for, in pieces of `BATCH`: the tasks
are listed with the time and number of their annotations, a page at a time. What is kept of each is
what annotators said; predictions, drafts and comments come and go without a new annotation.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from components.errors import ConfigError, RemoteError
from components.files import writing
from components.secret_references import secret_of

SCHEME = re.compile(r"labelstudio(\+https?)?://")
PATH = re.compile(
    r"labelstudio(\+(?P<scheme>https?))?://(?P<place>[^/?#@\s]+(/[^?#\s]*)?)/(?P<project>\d+)/?"
)
TOKEN = "env:LABEL_STUDIO_API_KEY"  # noqa: S105 - where the token stands; the name of their SDK
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PAGE = 500  # tasks listed at once
BATCH = 100  # tasks read at once
LISTINGS = 3  # a project may change while it is listed
SECONDS = (10.0, 120.0)  # to connect, to answer
RETRIES = 5
PASSING = (429, 500, 502, 503, 504)
OF_TASK = ("id", "data", "meta", "annotations", "created_at", "inner_id", "project", "file_upload")
VOLATILE = ("prediction", "state")  # of an annotation: what it was made from, with its age
ANNOTATED = {
    "filters": {
        "conjunction": "or",
        "items": [
            {
                "filter": f"filter:tasks:{count}",
                "operator": "greater",
                "type": "Number",
                "value": 0,
            }
            for count in ("total_annotations", "cancelled_annotations")
        ],
    },
    "ordering": ["tasks:id"],
}

Known = dict[int, tuple[str, bytes]]  # task -> its state when it was read, and what it held


def is_project(path: str) -> bool:
    """Whether a source names a project of Label Studio."""
    return SCHEME.match(path) is not None


def file_name(path: str) -> str:
    """The name of the file that a project becomes."""
    return f"project-{path.rstrip('/').rpartition('/')[2]}.jsonl"


@dataclass(frozen=True)
class Project:
    """A project, and the way to its server.

    Attributes:
        path: as a config names it.
        token: where the token stands; see `components.secret_references`.
    """

    path: str
    token: str = TOKEN
    _access: dict[str, str] = field(default_factory=dict, compare=False)

    @cached_property
    def _parts(self) -> tuple[str, int]:
        match = PATH.fullmatch(self.path)
        if not match:
            raise ConfigError(
                f"{self.path}: expected labelstudio://HOST/PROJECT, PROJECT being the number in "
                "the project's address, e.g. labelstudio://label.example.org/3."
            )
        name = urlsplit(f"//{match['place']}").hostname
        scheme = match["scheme"] or ("http" if name in LOOPBACK else "https")
        return f"{scheme}://{match['place'].rstrip('/')}", int(match["project"])

    @property
    def address(self) -> str:
        """Where the server is."""
        return self._parts[0]

    @property
    def number(self) -> int:
        return self._parts[1]

    @cached_property
    def _session(self) -> Any:
        import requests  # type: ignore[import-untyped]
        from requests.adapters import HTTPAdapter  # type: ignore[import-untyped]
        from urllib3 import Retry

        patience = Retry(
            total=RETRIES,
            backoff_factor=0.5,
            status_forcelist=PASSING,
            allowed_methods=("GET", "POST"),  # the one POST asks for an access token
            raise_on_status=False,
        )
        session = requests.Session()
        session.mount("http://", HTTPAdapter(max_retries=patience))
        session.mount("https://", HTTPAdapter(max_retries=patience))
        return session

    def check(self) -> None:
        """Make sure that the project is there and may be read; raises as `get` does."""
        self.get(f"/api/projects/{self.number}")

    def get(self, route: str, query: Sequence[tuple[str, Any]] = ()) -> Any:
        """Ask the server for JSON.

        Raises:
            ConfigError: there is no token, or no such project.
            RemoteError: the server can't be reached, refused, or is none of Label Studio.
        """
        answer = self._ask("GET", route, params=query, auth=self._signed)
        if answer.status_code == 401 and self._access:
            self._access.clear()  # an access token is good for minutes
            answer = self._ask("GET", route, params=query, auth=self._signed)
        return self._json(answer)

    def _signed(self, request: Any) -> Any:
        """Put the token on a request; requests would put what .netrc says."""
        token = secret_of(self.token, self.path)
        if not token:
            raise ConfigError(
                f"{self.path}: no token in {self.token.removeprefix('env:')}. Make a personal "
                "access token in Label Studio (Account & Settings), and set that variable to it."
            )
        if not all("!" <= sign <= "~" for sign in token):
            raise ConfigError(f"{self.path}: {self.token} holds no token of Label Studio.")
        # A personal access token is a JWT, which buys access tokens; older ones are used as is.
        legacy = token.count(".") != 2
        request.headers["Authorization"] = (
            f"Token {token}" if legacy else f"Bearer {self._bought(token)}"
        )
        return request

    def _bought(self, token: str) -> str:
        if token not in self._access:
            answer = self._ask("POST", "/api/token/refresh/", json={"refresh": token}, auth=None)
            access = self._json(answer)
            if not isinstance(access, dict) or not isinstance(access.get("access"), str):
                raise self._not_label_studio()
            self._access[token] = access["access"]
        return self._access[token]

    def _ask(self, method: str, route: str, **options: Any) -> Any:
        import requests

        auth = options.pop("auth") or (lambda request: request)
        try:
            return self._session.request(
                method, self.address + route, auth=auth, timeout=SECONDS, **options
            )
        except requests.exceptions.RequestException as error:
            raise RemoteError(
                f"{self.path}: Label Studio at {self.address} does not answer "
                f"({type(error).__name__}). Is it running, and can this machine reach it?"
            ) from error

    def _json(self, answer: Any) -> Any:
        status = answer.status_code
        try:
            said = answer.json()
        except ValueError:
            said = None
        if said is None and status < 500 and status != 429:
            raise self._not_label_studio()
        if status in (404, 410):
            raise ConfigError(
                f"{self.path}: {self.address} has no project {self.number} that the token's user "
                "may see. Correct `annotations`."
            )
        if status in (401, 403):
            raise RemoteError(
                f"{self.path}: {self.address} refuses the token in {self.token} "
                f"({status}{detail(said)}). Make a new one in Label Studio, Account & Settings; "
                "its user must be a member who may export the project."
            )
        if status >= 400:
            raise RemoteError(
                f"{self.path}: {self.address} answers {status}{detail(said)}, after "
                f"{RETRIES + 1} attempts where that may pass. Run again later."
            )
        return said

    def _not_label_studio(self) -> RemoteError:
        return RemoteError(f"{self.path}: what answers at {self.address} is not Label Studio.")

    def states(self) -> dict[int, str]:
        """Task -> what tells its annotations from any earlier ones, of all that have some.

        Raises:
            RemoteError: as `get`, or the project changes faster than it can be listed.
        """
        for _ in range(LISTINGS):
            listed, totals = self._listing()
            # A task that goes away meanwhile moves one from a page to one that was read before.
            if len(totals) == 1 and totals == {len(listed)}:
                return dict(sorted(listed.items()))
        raise RemoteError(f"{self.path}: the project changes while it is listed. Run again later.")

    def _listing(self) -> tuple[dict[int, str], set[int]]:
        """The states of the tasks, and what each page said of their number."""
        query = [
            ("project", self.number),
            ("page_size", PAGE),
            ("include", "id,updated_at,total_annotations,cancelled_annotations"),
            ("query", json.dumps(ANNOTATED)),
        ]
        listed: dict[int, str] = {}
        totals: set[int] = set()
        page, last = 1, 1
        while page <= last:
            answer = self.get("/api/tasks", [*query, ("page", page)])
            try:
                for one in answer["tasks"]:
                    annotations = one["total_annotations"], one["cancelled_annotations"]
                    listed[int(one["id"])] = json.dumps([one["updated_at"], *annotations])
                totals.add(int(answer["total"]))
                last = -(-int(answer["total"]) // PAGE)
            except (KeyError, TypeError, ValueError) as error:
                raise self._not_label_studio() from error
            page += 1
        return listed, totals

    def read(self, kept: Path | None = None) -> Iterator[bytes]:
        """Yield the tasks that have annotations, each as a line of JSON, by their numbers.

        Args:
            kept: a file that remembers what was read, for the next time; what is there and
                unchanged is not asked for again.

        Raises:
            ConfigError, RemoteError: as `get`.
        """
        known = remembered(kept) if kept else {}
        states = self.states()
        changed = [task for task, state in states.items() if known.get(task, ("",))[0] != state]
        for start in range(0, len(changed), BATCH):
            known |= self._export(changed[start : start + BATCH], states)
        # What was deleted, or has no annotation any more, is not remembered.
        now: Known = {task: known[task] for task, state in states.items() if task in known}
        if kept and (changed or now.keys() != known.keys()):
            remember(kept, now)
        for _, line in now.values():
            if line:
                yield line

    def _export(self, tasks: Sequence[int], states: Mapping[int, str]) -> Known:
        """Tasks as the export has them; of one without an annotation by now nothing is read."""
        query = [("exportType", "JSON"), *(("ids[]", task) for task in tasks)]
        answer = self.get(f"/api/projects/{self.number}/export", query)
        try:
            lines = {int(one["id"]): line_of(one) for one in answer}
        except (KeyError, TypeError, ValueError) as error:
            raise self._not_label_studio() from error
        return {task: (states[task], lines.get(task, b"")) for task in tasks}


def line_of(task: Mapping[str, Any]) -> bytes:
    """A task as a line of JSON; the same bytes for the same annotations."""
    kept = {key: task[key] for key in OF_TASK if key in task}
    kept["annotations"] = [
        {key: value for key, value in annotation.items() if key not in VOLATILE}
        for annotation in sorted(task["annotations"], key=lambda one: int(one["id"]))
    ]
    return json.dumps(kept).encode() + b"\n"


def detail(said: Any) -> str:
    """What a server says of a refusal, after a colon; "" for nothing."""
    told = said.get("detail") if isinstance(said, dict) else None
    return f": {told}" if isinstance(told, str) and told else ""


def place_of(path: str, store: Path) -> Path:
    """The file of a store that remembers what was read of a project."""
    return store / "label-studio" / f"{hashlib.sha256(path.encode()).hexdigest()[:16]}.jsonl"


def remembered(file: Path) -> Known:
    """What `remember` wrote; nothing where that is damaged, since it can be read again."""
    known: Known = {}
    try:
        for line in file.read_bytes().splitlines():
            task, state, text = json.loads(line)
            known[int(task)] = (str(state), text.encode())
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
    return known


def remember(file: Path, known: Known) -> None:
    """Keep what was read of each task."""
    with writing(file) as temporary, temporary.open("wb") as lines:
        for task, (state, line) in known.items():
            lines.write(json.dumps([task, state, line.decode()]).encode() + b"\n")
