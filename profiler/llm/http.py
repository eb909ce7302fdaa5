"""An HTTP client that stays quick with many calls under way.

The connection pool of httpx looks at every idle connection, with two system calls each, whenever a
call begins or ends; with 64 calls under way that took a third of a run's time. Several small pools
in turn have little to look at. Everything else is the provider's client as it comes.
"""

from __future__ import annotations

import itertools
import os
from importlib import import_module
from typing import Any

POOLS = 16
_PROXIES = [
    name for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") for name in (proxy, proxy.lower())
]


def openai_client(timeout: float) -> Any | None:
    """An ``http_async_client`` for OpenAI's protocol over several pools.

    None behind a proxy, which httpx finds by itself only in its own transport.

    Parameters
    ----------
    timeout
        Seconds, for connecting and for each read.
    """
    if any(os.environ.get(name) for name in _PROXIES):
        return None
    from openai import DefaultAsyncHttpxClient

    # The client's own library: httpx for older versions of openai, httpx2 for newer.
    library: Any = import_module(
        next(
            base.__module__.partition(".")[0]
            for base in DefaultAsyncHttpxClient.__mro__
            if base.__name__ == "AsyncClient"
        )
    )

    class Pools(library.AsyncBaseTransport):  # type: ignore[misc]
        """Hands requests to its transports in turn."""

        def __init__(self) -> None:
            trusted = library.create_ssl_context()  # takes longer to make than all the rest
            self._all = [library.AsyncHTTPTransport(verify=trusted) for _ in range(POOLS)]
            self._turn = itertools.cycle(self._all)

        async def handle_async_request(self, request: Any) -> Any:
            return await next(self._turn).handle_async_request(request)

        async def aclose(self) -> None:
            for transport in self._all:
                await transport.aclose()

    return DefaultAsyncHttpxClient(timeout=timeout, transport=Pools())
