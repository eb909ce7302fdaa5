"""The HTTP client under OpenAI's and Anthropic's clients: several small pools, no redirects."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

POOLS = 16
_PROXIES = [
    name for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") for name in (proxy, proxy.lower())
]


def http_client(package: str) -> Any:
    """The HTTP client of a package, so that it stays quick with many calls and follows no redirect.

    The connection pool of httpx looks at every idle connection, with two system calls each,
    whenever a call begins or ends; with 64 calls under way that took a third of a run's time.
    Several small pools in turn have little to look at. Behind a proxy, which httpx finds by itself
    only in its own transport, it is one pool.
    """
    client: Any = import_module(package).DefaultAsyncHttpxClient
    if any(os.environ.get(name) for name in _PROXIES):
        return client(follow_redirects=False)
    return client(transport=_pools(_library(package))(), follow_redirects=False)


async def post(package: str, client: Any, path: str, body: Mapping[str, Any]) -> Any:
    """Send a body by the client of a package, and return the response as it came.

    The client's methods by name would look at every value of the body once more, which takes as
    long as the call itself; this way it sends what it is given.
    """
    return await client.post(path, body=body, cast_to=import_module(_library(package)).Response)


@cache
def _library(package: str) -> str:
    """The library that the installed client calls by: httpx, or its successor."""
    name: str = next(
        base.__module__.partition(".")[0]
        for base in import_module(package).DefaultAsyncHttpxClient.__mro__
        if base.__name__ == "AsyncClient"
    )
    return name


@cache
def _pools(name: str) -> Any:
    """The transport of a library: several pools in turn."""
    library: Any = import_module(name)
    trusted = library.create_ssl_context()  # takes longer to make than all the rest

    class Pools(library.AsyncBaseTransport):  # type: ignore[misc]
        """Hands requests to its transports in turn."""

        def __init__(self) -> None:
            self._all = [library.AsyncHTTPTransport(verify=trusted) for _ in range(POOLS)]
            self._turn = itertools.cycle(self._all)

        async def handle_async_request(self, request: Any) -> Any:
            return await next(self._turn).handle_async_request(request)

        async def aclose(self) -> None:
            for transport in self._all:
                await transport.aclose()

    return Pools
