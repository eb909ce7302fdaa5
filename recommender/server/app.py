"""The web application of the service: typed requests and answers, typed errors, health, metrics."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from recommender.server.batching import Batcher, Place
from recommender.server.contract import (
    ErrorAnswer,
    ErrorDetail,
    ExplainRequest,
    ExplanationAnswer,
    HealthAnswer,
    ItemAnswer,
    ListAnswer,
    RecommendRequest,
)
from recommender.server.errors import STATUS, ErrorKind, ServiceError
from recommender.server.metrics import Metrics
from recommender.server.sources import Source
from store.errors import UserError
from store.version import __version__

Next = Callable[[Request], Awaitable[Response]]
OPEN = {"/health"}
"""Paths that need no token: a load balancer asks them."""
ERRORS = {status: {"model": ErrorAnswer} for status in sorted(set(STATUS.values()))}


def make_app(
    source: Source,
    batcher: Batcher,
    metrics: Metrics,
    *,
    token: str | None = None,
    hosts: frozenset[str] | None = None,
) -> FastAPI:
    """Build the application.

    Parameters
    ----------
    source
        The model with what is known of users and items.
    batcher, metrics
        What answers, and what counts.
    token
        What the header ``Authorization: Bearer`` must hold; None asks for none.
    hosts
        Names and ports by which it may be reached, such as ``127.0.0.1:8770``; None allows any.
        They keep pages of a browser away that reach this machine by a name of their own.
    """
    app = FastAPI(
        title="Recommendations",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        responses=ERRORS,  # type: ignore[arg-type]
    )

    @app.middleware("http")
    async def watch(request: Request, call_next: Next) -> Response:
        started = time.perf_counter()
        answer = _refused(request, token, hosts) or await call_next(request)
        route = request.scope.get("route")
        path = getattr(route, "path", "other")
        metrics.answered(path, answer.status_code, time.perf_counter() - started)
        return answer

    _errors(app)
    _answers(app, source, batcher)
    _state(app, source, batcher, metrics)
    return app


def _refused(request: Request, token: str | None, hosts: frozenset[str] | None) -> Response | None:
    if hosts is not None and request.headers.get("host") not in hosts:
        return _error("request", "wrong host", 421)
    if token is None or request.url.path in OPEN:
        return None
    given = request.headers.get("authorization", "").encode()
    if secrets.compare_digest(given, f"Bearer {token}".encode()):
        return None
    return _error("unauthorised", "send the header Authorization: Bearer TOKEN")


def _error(kind: ErrorKind, message: str, status: int | None = None) -> JSONResponse:
    content = ErrorAnswer(error=ErrorDetail(kind=kind, message=message)).model_dump()
    headers = {"Retry-After": "1"} if kind in ("overloaded", "source") else None
    return JSONResponse(content, status or STATUS[kind], headers=headers)


def _errors(app: FastAPI) -> None:
    @app.exception_handler(ServiceError)
    async def of_the_service(request: Request, error: ServiceError) -> JSONResponse:
        return _error(error.kind, str(error))

    @app.exception_handler(UserError)
    async def of_the_library(request: Request, error: UserError) -> JSONResponse:
        return _error("request", str(error))

    @app.exception_handler(HTTPException)
    async def of_the_address(request: Request, error: HTTPException) -> JSONResponse:
        answer = _error("request", str(error.detail), error.status_code)
        answer.headers.update(error.headers or {})  # 405 says what is allowed
        return answer

    @app.exception_handler(RequestValidationError)
    async def of_the_request(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part != "body")
        return _error("request", f"{place}: {first['msg']}" if place else str(first["msg"]))


def _answers(app: FastAPI, source: Source, batcher: Batcher) -> None:
    @app.post("/v1/recommend", summary="The best items for a user or a history")
    def recommend(asked: RecommendRequest) -> ListAnswer:
        history = source.history(asked.user, asked.history)
        places = batcher.best(history, asked.k, seen=asked.seen)
        ids = [source.item_ids[place.number - 1] for place in places]
        titles = source.titles(ids) if ids else {}
        why = source.sentences(asked.user, history, ids) if asked.explain and ids else {}
        items = [
            _item(rank, item, place, titles, why)
            for rank, (item, place) in enumerate(zip(ids, places, strict=True), start=1)
        ]
        return ListAnswer(user=asked.user, items=items)

    @app.post("/v1/explain", summary="Why an item has its score")
    def explain(asked: ExplainRequest) -> ExplanationAnswer:
        source.number_of(asked.item)
        history = source.history(asked.user, asked.history)
        return source.explain(asked.user, history, asked.item)


def _item(
    rank: int, item: str, place: Place, titles: dict[str, str | None], why: dict[str, str]
) -> ItemAnswer:
    return ItemAnswer(
        rank=rank,
        item_id=item,
        title=titles.get(item),
        score=place.score,
        interest=place.interest,
        sentence=why.get(item),
    )


def _state(app: FastAPI, source: Source, batcher: Batcher, metrics: Metrics) -> None:
    @app.get("/health", summary="Whether lists can be had")
    def health(response: Response) -> HealthAnswer:
        detail, version = "", None
        try:
            version = source.version()
        except ServiceError as error:
            detail, response.status_code = str(error), error.status
        return HealthAnswer(
            status="degraded" if detail else "ok",
            backbone=source.manifest.backbone,
            items=len(source.item_ids),
            source=source.name,
            version=version,
            detail=detail,
        )

    @app.get("/metrics", summary="Counts for Prometheus", response_class=PlainTextResponse)
    def counts() -> str:
        return metrics.text(batcher.waiting())
