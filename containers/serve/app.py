"""The app: predict, health and metrics, and the life of a server around them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Response
from fastapi import Request as HttpRequest
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse

from components.answers.findings import Findings
from components.answers.models import Models, Question
from containers.serve import label_studio
from containers.serve.batcher import (
    Batcher,
    BatchLimits,
    QueueFullError,
    TooMuchError,
    WaitedTooLongError,
)
from containers.serve.body import JsonRoute, invalid
from containers.serve.contract import Parameters, Prediction, Request
from containers.serve.contract import Response as Answer
from containers.serve.guards import BodyLimit, LocalHost, Watch, log
from containers.serve.metrics import Metrics
from containers.serve.options import Options
from containers.serve.throughput import Throughput

PAGE = Path(__file__).parent / "page"
POLICY = (
    "default-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
WARM_UP = "Send form P60 to HM Revenue and Customs in London by 31 January 2025. "
WARM_UP_TEXTS = [WARM_UP * 14] * 4  # a full batch, to see how long one takes
NEWER_SECONDS = 5.0
LEFT = 499  # the client did; nobody reads this but the log


@dataclass(frozen=True)
class Served:
    """Models, and what has them answer."""

    models: Models
    batcher: Batcher


class Server:
    """The state of one server: loading, ready, or draining.

    Args:
        load: returns the models; called on a thread, so that health checks are answered meanwhile.
        newer: returns what loads others in their place, None while there are none; asked for every
            NEWER_SECONDS, on a thread.
    """

    def __init__(
        self,
        options: Options,
        load: Callable[[], Models],
        newer: Callable[[], Callable[[], Models] | None] | None = None,
    ) -> None:
        self.options = options
        self.metrics = Metrics()
        self.draining = False
        self.failed: Callable[[Exception], None] = lambda _error: None
        self.announce: Callable[[], None] = lambda: None
        self._load = load
        self._newer = newer
        self._served: Served | None = None

    @property
    def ready(self) -> bool:
        """Whether the models have answered a first text and the server is to be sent more."""
        return self._served is not None and not self.draining

    @property
    def models(self) -> Models | None:
        """The models that answer now; None before any does."""
        return self._served.models if self._served else None

    @asynccontextmanager
    async def life(self, _app: FastAPI) -> AsyncIterator[None]:
        """Load and predict while the app lives."""
        work = asyncio.create_task(self._work())
        yield
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work

    async def _work(self) -> None:
        try:
            served = await asyncio.to_thread(self._started, self._load)
        except Exception as error:
            self.failed(error)
            return
        async with asyncio.TaskGroup() as batchers:
            running = self._serve(served, batchers)
            self.announce()
            while self._newer:
                await asyncio.sleep(NEWER_SECONDS)
                if newer := await self._newer_models():
                    # What it was asked is answered by it; then it has no more to do.
                    batchers.create_task(stopped(running, served.batcher))
                    served = newer
                    running = self._serve(served, batchers)

    def _started(self, load: Callable[[], Models]) -> Served:
        """Load models, and let them predict for the first time."""
        models = load()
        throughput = warm_up(models)
        options = self.options
        limits = BatchLimits(
            texts=options.batch_texts,
            wait=options.batch_wait,
            queue=options.max_queue,
            seconds=options.max_seconds,
            threads=options.threads,
        )
        batcher = Batcher(models.analyse, models.vocabulary, throughput, limits, self.metrics)
        return Served(models, batcher)

    def _serve(self, served: Served, batchers: asyncio.TaskGroup) -> asyncio.Task[None]:
        """Let these models answer from now on."""
        running = batchers.create_task(served.batcher.run())
        self._served = served
        log("ready", versions=served.models.versions)
        return running

    async def _newer_models(self) -> Served | None:
        """What is to be served instead, once it has predicted; None if nothing is, or can be."""
        assert self._newer
        try:
            load = await asyncio.to_thread(self._newer)
            return await asyncio.to_thread(self._started, load) if load else None
        except Exception as error:
            # Whoever labels goes on with the models that there are.
            log("newer models cannot be served", severity="ERROR", error=str(error))
            return None

    async def predict(self, request: Request, asked: Parameters) -> Answer:
        """Answer a request.

        Raises:
            HTTPException: 503 before the models are ready, 422 for what cannot be predicted, 413
                for too much work, 429 when too much waits or for too long, 500 when a model fails
                on a text.
        """
        texts = request.texts()
        self._check(texts)
        findings, versions = await self.findings(texts, asked)
        return Answer(
            predictions=[
                Prediction(**dict(each), versions=versions, meta=meta)
                for each, meta in zip(findings, request.metas(), strict=True)
            ]
        )

    async def findings(
        self, texts: list[str], asked: Parameters
    ) -> tuple[list[Findings], dict[str, str]]:
        """What the models say of each text, and the versions of those that were asked.

        Raises:
            HTTPException: as `predict` does.
        """
        served = self._served
        if served is None:
            raise HTTPException(503, "The models are still loading.", {"Retry-After": "5"})
        question = Question(wanted(served.models, asked.phases), asked.confidence)
        try:
            findings = await served.batcher.submit(texts, question)
        except QueueFullError as error:
            raise HTTPException(
                429,
                f"More than max_queue = {self.options.max_queue} texts or max_seconds = "
                f"{self.options.max_seconds:g} of work wait.",
                {"Retry-After": "1"},
            ) from error
        except WaitedTooLongError as error:
            raise HTTPException(
                429,
                f"A text has waited for max_seconds = {self.options.max_seconds:g} and is not "
                "begun: the server is busy, or slower than it seemed. Send it again later.",
                {"Retry-After": "1"},
            ) from error
        except TooMuchError as error:
            raise HTTPException(
                413,
                f"This takes about {error.args[0]:.0f} s, more than max_seconds = "
                f"{self.options.max_seconds:g}. Send fewer or shorter texts, or no `confidence`.",
            ) from error
        except Exception as error:
            # Not its message: that may quote the text.
            log("a model failed", severity="ERROR", error=type(error).__name__)
            raise HTTPException(500, "A model failed on one of the texts.") from error
        self.metrics.texts.inc(len(texts))
        return findings, {name: served.models.versions[name] for name in question.phases}

    def _check(self, texts: list[str]) -> None:
        """Refuse what is over a limit, naming it."""
        most = self.options.max_texts
        if len(texts) > most:
            raise HTTPException(422, f"{len(texts)} instances are more than max_texts = {most}.")
        longest = self.options.max_characters
        for number, text in enumerate(texts):
            if len(text) > longest:
                raise HTTPException(
                    422,
                    f"instances[{number}] has {len(text)} characters, more than "
                    f"max_characters = {longest}.",
                )


def wanted(models: Models, phases: list[str] | None) -> tuple[str, ...]:
    """The phases to ask, in their declared order.

    Raises:
        HTTPException: 422, there is no such phase.
    """
    unknown = [name for name in phases or () if name not in models.phases]
    if unknown:
        known = ", ".join(models.phases)
        raise HTTPException(422, f"There is no phase {unknown[0]!r} here, only: {known}.")
    return tuple(name for name in models.phases if phases is None or name in phases)


async def stopped(running: asyncio.Task[None], batcher: Batcher) -> None:
    """End a batcher once it has answered what it was asked."""
    await batcher.idle()
    running.cancel()


def warm_up(models: Models) -> Throughput:
    """Let models predict for the first time, and see how long they take from then on."""
    throughput = Throughput()
    plain = Question(tuple(models.phases))
    models.analyse([WARM_UP], plain)
    for question in (plain, replace(plain, confidence=True)):
        started = time.perf_counter()
        models.analyse(WARM_UP_TEXTS, question)
        throughput.learn(WARM_UP_TEXTS, question, time.perf_counter() - started)
    return throughput


def build(server: Server, local: bool = False) -> FastAPI:
    """The app of a server.

    Args:
        local: it listens to its own machine alone, so its clients call it by a name of that.
    """
    options = server.options
    app = FastAPI(
        title="retrain",
        lifespan=server.life,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json" if options.openapi else None,
    )
    app.router.route_class = JsonRoute
    app.add_middleware(BodyLimit, limit=options.max_body, seconds=options.body_seconds)
    if local:
        app.add_middleware(LocalHost)
    app.add_middleware(Watch, metrics=server.metrics)
    app.add_exception_handler(RequestValidationError, invalid)

    @app.get(options.health_route)
    async def health() -> JSONResponse:
        """200 once the models have answered a first text, 503 before and while draining."""
        state = "ready" if server.ready else "draining" if server.draining else "loading"
        return JSONResponse({"status": state}, 200 if server.ready else 503)

    @app.post(options.predict_route, response_model_exclude_none=True)
    async def predict(request: Request, http: HttpRequest, response: Response) -> Answer:
        """Predict with every phase, or those that `parameters.phases` names."""
        asked = request.parameters or Parameters()
        return await answered(server, request, asked, http, response)

    @app.post("/phases/{phase}/predict", response_model_exclude_none=True)
    async def predict_phase(
        phase: str, request: Request, http: HttpRequest, response: Response
    ) -> Answer:
        """Predict with one phase."""
        asked = (request.parameters or Parameters()).model_copy(update={"phases": [phase]})
        return await answered(server, request, asked, http, response)

    @app.get("/metrics")
    async def metrics() -> PlainTextResponse:
        """What the server has counted, for Prometheus."""
        return PlainTextResponse(server.metrics.page())

    if options.page:
        add_page(app, server)
    if options.label_studio:
        label_studio.add_routes(app, server)
    return app


async def answered(
    server: Server, request: Request, asked: Parameters, http: HttpRequest, out: Response
) -> Answer:
    """Predict, leave the sizes for the log, and send clients elsewhere while draining."""
    texts = request.texts()
    http.state.sizes = {"texts": len(texts), "characters": sum(map(len, texts))}
    if server.draining:
        out.headers["Connection"] = "close"
    return await unless_left(http, server.predict(request, asked))


async def unless_left(http: HttpRequest, answer: Coroutine[Any, Any, Answer]) -> Answer:
    """An answer, whose work is dropped when the client does not wait for it."""
    work, left = asyncio.create_task(answer), asyncio.create_task(disconnected(http))
    try:
        await asyncio.wait({work, left}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise HTTPException(LEFT, "The client has left.")
        return work.result()
    finally:
        work.cancel()
        left.cancel()


async def disconnected(http: HttpRequest) -> None:
    """Wait until a client has left; its body has come."""
    while (await http.receive())["type"] != "http.disconnect":
        pass


def add_page(app: FastAPI, server: Server) -> None:
    """Serve the page to try the models, and what it needs to know about them."""

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(PAGE / "page.html", headers={"Content-Security-Policy": POLICY})

    @app.get("/page/{name}", include_in_schema=False)
    async def part(name: str) -> FileResponse:
        if name not in ("page.css", "page.js"):
            raise HTTPException(404)
        return FileResponse(PAGE / name)

    @app.get("/models", include_in_schema=False)
    async def models() -> dict[str, object]:
        return {
            "predict": server.options.predict_route,
            "versions": server.models.versions if server.models else {},
        }
