"""The web application of the explorer: loopback, a token on start, typed answers.

Whoever starts it gets an address with a token; opening it once sets a cookie, and nothing is
answered without. Host and Origin are checked, so that no page elsewhere can reach it through a
name that points here, and nothing it answers may be read by another origin or kept by a browser.
"""

from __future__ import annotations

import html
import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.middleware.gzip import GZipMiddleware

from profiler.explorer.answers import (
    Atlas,
    ChangeAnswer,
    ChangeRequest,
    ChangesAnswer,
    InterestAnswer,
    ListAnswer,
    PeopleAnswer,
    PersonAnswer,
    SearchAnswer,
)
from profiler.reporting.page import served
from store.errors import UserError

if TYPE_CHECKING:
    from profiler.explorer.curation import Curation
    from profiler.explorer.lookups import Explorer

COOKIE = "explorer"
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
LONGEST = 200

Words = Annotated[str, Query(max_length=LONGEST)]
Numbers = Annotated[str, Query(max_length=LONGEST, pattern=r"^(\d{1,15}(,\d{1,15})*)?$")]
Next = Callable[[Request], Awaitable[Response]]
T = TypeVar("T")


def make_app(
    explorer: Explorer, hosts: set[str], token: str, curation: Curation | None = None
) -> FastAPI:
    """Build the application.

    Parameters
    ----------
    explorer
        What answers.
    hosts
        Names and ports it is reached by, such as ``127.0.0.1:8765``; others are refused.
    token
        What the first address must hold.
    curation
        Makes changes by hand; without it the application only reads.
    """
    app = FastAPI(title="Interests", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.add_middleware(GZipMiddleware, minimum_size=2_000)
    origins = {f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts}

    @app.middleware("http")
    async def guard(request: Request, call_next: Next) -> Response:
        answer = _refused(request, hosts, origins, token)
        if answer is None:
            answer = await call_next(request)
        answer.headers.update(HEADERS)
        return answer

    @app.exception_handler(UserError)
    async def said(request: Request, error: UserError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=400)

    _pages(app, served())
    _answers(app, explorer)
    if curation is not None:
        _changes(app, curation)
    return app


def _refused(request: Request, hosts: set[str], origins: set[str], token: str) -> Response | None:
    """An answer for whoever may not ask, or who just showed the token; None for anybody else."""
    if request.headers.get("host") not in hosts:
        return Response("wrong host", 421)
    # A browser names the origin of everything that may change something; without it who asks is
    # no page of ours.
    reads = request.method in ("GET", "HEAD")
    if request.headers.get("origin") not in {*origins, *([None] if reads else [])}:
        return Response("wrong origin", 403)
    shown = request.query_params.get("token")
    if request.url.path == "/" and shown and secrets.compare_digest(shown, token):
        answer = RedirectResponse("/", 303)
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        return answer
    kept = request.cookies.get(COOKIE, "")
    if not secrets.compare_digest(kept.encode(), token.encode()):
        return Response("open the address that profiler serve printed", 403)
    return None


def _pages(app: FastAPI, page: str) -> None:
    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    def start() -> str:
        return page

    @app.get("/api", response_class=HTMLResponse, include_in_schema=False)
    def listing() -> str:
        rows = "".join(
            f"<tr><td><code>{method.upper()} {html.escape(path)}</code></td>"
            f"<td>{html.escape(str(what.get('summary', '')))}</td></tr>"
            for path, methods in app.openapi()["paths"].items()
            for method, what in methods.items()
        )
        return (
            "<!doctype html><meta charset=utf-8><title>Answers of the explorer</title>"
            "<h1>Answers of the explorer</h1><p>As OpenAPI: "
            f"<a href=/api/openapi.json>openapi.json</a></p><table>{rows}</table>"
        )


def _answers(app: FastAPI, explorer: Explorer) -> None:
    short = {"response_model_exclude_defaults": True}

    @app.get("/api/atlas", response_model=Atlas, summary="The map with its findings", **short)  # type: ignore[arg-type]
    def atlas() -> Atlas:
        return explorer.atlas()

    @app.get("/api/interests/{interest}", summary="One interest, with its answer")
    def interest(interest: int) -> InterestAnswer:
        return _found(explorer.interest(interest), "interest")

    @app.get("/api/people", summary="People by name or by what they show")
    def people(q: Words = "") -> PeopleAnswer:
        return explorer.people(q)

    @app.get("/api/people/{name}", response_model=PersonAnswer, summary="One person", **short)  # type: ignore[arg-type]
    def person(name: str) -> PersonAnswer:
        return _found(explorer.person(name[:LONGEST]), "person")

    @app.get("/api/people/{name}/list", summary="A list without some interests, or with more")
    def steered(name: str, without: Numbers = "", more: Numbers = "") -> ListAnswer:
        found = explorer.list_for(name[:LONGEST], _numbers(without), _numbers(more))
        return _found(found, "list")

    @app.get("/api/search", summary="Interests by words and by what shows them")
    def search(q: Words) -> SearchAnswer:
        return explorer.search(q)


def _changes(app: FastAPI, curation: Curation) -> None:
    """Answers that change the store; a body is JSON, which no form of another page can send."""

    @app.get("/api/changes", summary="Changes by hand, with who and when")
    def changes(interest: int | None = None, person: Words = "") -> ChangesAnswer:
        return curation.changes(interest, person)

    @app.post("/api/changes", summary="Merge, rename or pin an interest, or call it wrong")
    def make(asked: ChangeRequest) -> ChangeAnswer:
        return curation.make(asked)

    @app.post("/api/changes/{edit}/undo", summary="Take back a change by hand")
    def take_back(edit: int) -> ChangeAnswer:
        return curation.take_back(edit)


def _numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",") if one]


def _found(answer: T | None, what: str) -> T:
    if answer is None:
        raise HTTPException(404, f"there is no such {what}")
    return answer
