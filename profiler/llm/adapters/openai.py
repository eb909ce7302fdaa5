"""Models of OpenAI's protocol, called by OpenAI's own client.

OpenAI itself, and every service or server that speaks its protocol: vLLM, Ollama, llama.cpp,
LM Studio, gateways. The client builds and sends the call; its answer is read here, as it came:
reading it into the client's classes would cost more than all the rest of a call, and what is billed
would be lost where an answer is malformed.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

from profiler.llm.adapters import completions, responses
from profiler.llm.adapters.planned import PlannedPort
from profiler.llm.errors import as_call_error, failure_of
from profiler.llm.port import CallError, Method, Reply, Request
from profiler.llm.registry import Adapter, Opening
from profiler.llm.timeouts import LONGEST_S, Timeout
from profiler.llm.wording import Wording
from store.errors import UserError

POOLS = 16
AZURE = "azure_openai"
_PROXIES = [
    name for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") for name in (proxy, proxy.lower())
]


class OpenAIPort(PlannedPort):
    """One chat model of OpenAI's protocol.

    Parameters
    ----------
    opening
        Model, address, key, method and time limit.

    Attributes
    ----------
    name
        ``provider:model``.
    base_url
        The address that was given, without credentials.
    timeout
        How long a call may take.
    """

    def __init__(self, opening: Opening) -> None:
        self.name, self.base_url = opening.name, opening.known_url
        self.timeout = Timeout(opening.timeout)
        self._opening = opening
        self._wording = Wording(
            opening.model,
            opening.facts,
            opening.planned_method,
            fixed=opening.method is not None,
        )
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()

    async def ask(self, request: Request) -> Reply:
        """Make one call.

        Raises
        ------
        CallError
            The call brought no answer.
        """
        facts = self._opening.facts
        api = facts.tools_api if request.tools else facts.api
        by_responses = api == "responses"
        method = self._wording.method(request)
        write = responses.body if by_responses else completions.body
        body = write(request, self._wording, method)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self.timeout.seconds(request.max_tokens)):
                response = await self._send(api, body)
        except Exception as error:
            # "from None": a provider's exception holds the request, and so the key.
            raise self._problem(error, body, method) from None
        seconds = time.perf_counter() - started
        read = responses.read if by_responses else completions.read
        return read(
            response.content,
            response.headers,
            self.name,
            method,
            seconds,
            self._opening.key_name,
        )

    async def _send(self, api: str, body: Mapping[str, Any]) -> Any:
        # The client's methods by name would look at every value of the body once more, which takes
        # as long as the call itself; this way it sends what it is given.
        path = "/responses" if api == "responses" else "/chat/completions"
        return await self._client().post(path, body=body, cast_to=_library().Response)

    def _client(self) -> Any:
        """The client of the running loop: connections belong to a loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = open_client(self._opening)
        return self._clients[loop]

    def _problem(self, error: Exception, body: Mapping[str, Any], method: Method) -> CallError:
        problem = as_call_error(error, self.name, self._opening.key_name)
        if problem.outcome == "timeout":
            self.timeout.was_passed()
        return self._wording.learn(problem, failure_of(error).said, body, method)


class OpenAI(Adapter):
    """OpenAI, and every service and server that speaks its protocol."""

    def open(self, opening: Opening) -> OpenAIPort:
        """Return a port to the model; nothing is sent.

        Raises
        ------
        UserError
            The package ``openai`` is missing, or there is no key.
        """
        try:
            import_module("openai")
        except ImportError:
            raise UserError(
                f"--llm {opening.name}: calling it needs the package openai; install it with: "
                'pip install "interest-profiler[openai]"'
            ) from None
        if opening.key is None:
            raise UserError(f"--llm {opening.name}: no key is set; set {opening.key_name}")
        if opening.provider == AZURE:
            _azure(opening)
        return OpenAIPort(opening)


OPENAI = OpenAI()


def open_client(opening: Opening) -> Any:
    """The provider's own client for an opened model, for the running event loop."""
    import openai

    common: dict[str, Any] = {
        "api_key": opening.key,
        "max_retries": 0,
        "timeout": opening.timeout or LONGEST_S,
        "http_client": http_client(),
    }
    if opening.provider == AZURE:
        azure: Any = openai.AsyncAzureOpenAI
        return azure(**common, **_azure(opening))
    return openai.AsyncOpenAI(**common, base_url=opening.address)


def _azure(opening: Opening) -> dict[str, str]:
    """Where a resource of Azure's is reached.

    Raises
    ------
    UserError
        That is not said.
    """
    wanted = {
        "azure_endpoint": opening.address or os.environ.get("AZURE_OPENAI_ENDPOINT", ""),
        "api_version": os.environ.get("OPENAI_API_VERSION", ""),
    }
    if not all(wanted.values()):
        raise UserError(
            f"--llm {opening.name}: set AZURE_OPENAI_ENDPOINT (or give --base-url) and "
            "OPENAI_API_VERSION"
        )
    return wanted


def http_client() -> Any:
    """An HTTP client that stays quick with many calls under way and follows no redirect.

    The connection pool of httpx looks at every idle connection, with two system calls each,
    whenever a call begins or ends; with 64 calls under way that took a third of a run's time.
    Several small pools in turn have little to look at. Behind a proxy, which httpx finds by itself
    only in its own transport, it is one pool.
    """
    from openai import DefaultAsyncHttpxClient

    if any(os.environ.get(name) for name in _PROXIES):
        return DefaultAsyncHttpxClient(follow_redirects=False)
    return DefaultAsyncHttpxClient(transport=_pools()(), follow_redirects=False)


@cache
def _library() -> Any:
    """The library that the installed client calls by: httpx, or its successor."""
    from openai import DefaultAsyncHttpxClient

    return import_module(
        next(
            base.__module__.partition(".")[0]
            for base in DefaultAsyncHttpxClient.__mro__
            if base.__name__ == "AsyncClient"
        )
    )


@cache
def _pools() -> Any:
    """The transport: several pools in turn."""
    library: Any = _library()
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
