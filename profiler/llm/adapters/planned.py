"""What the ports share: a planned way to ask for JSON, one call with its limit, what is learned."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from profiler.llm.adapters.reading import Received, read
from profiler.llm.errors import as_call_error, failure_of
from profiler.llm.model_options import changing_options
from profiler.llm.models import Learned
from profiler.llm.port import CallError, Method, Reply, Request
from profiler.llm.registry import Opening
from profiler.llm.timeouts import Timeout
from profiler.llm.wording import Wording
from store.errors import UserError


class PlannedPort:
    """A port whose plan, and what its service refused of it, stand in one wording.

    Parameters
    ----------
    opening
        Model, address, key, method, options and time limit.

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
        self._addressed: Method = opening.addressed_method
        self._wording = Wording(
            opening.model,
            opening.facts,
            opening.planned_method,
            fixed=opening.method is not None,
            options=opening.options,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, base_url={self.base_url!r})"

    @property
    def params(self) -> Mapping[str, Any]:
        """What decides an answer's address beside the request: the method, and model options."""
        options = changing_options(self._opening.options)
        return {"method": self._addressed} | ({"options": options} if options else {})

    @property
    def learned(self) -> Learned:
        """What the service refused so far."""
        return self._wording.learned

    def method_for(self, request: Request) -> Method:
        """The method in the address of an answer; the same for all requests of a port."""
        return self._addressed

    def problem(self, error: Exception, sent: Mapping[str, Any], method: Method) -> CallError:
        """What a call that brought no answer means, after learning from it.

        Parameters
        ----------
        error
            What the service's client raised.
        sent
            What was sent, by parameter.
        method
            How JSON was asked for.
        """
        problem = as_call_error(error, self.name, self._opening.key_name)
        if problem.outcome == "timeout":
            self.timeout.was_passed()
        return self._wording.learn(problem, failure_of(error).said, sent, method)


class ClientPort(PlannedPort, ABC):
    """A model that is called by a service's own client.

    A family says how a call is worded (:meth:`body`), how its client is opened, and how the client
    sends it (:meth:`send`); the rest is the same for all.
    """

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening)
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()

    async def ask(self, request: Request) -> Reply:
        """Make one call.

        Raises
        ------
        CallError
            The call brought no answer.
        """
        method = self._wording.method(request)
        body = self.body(request, method)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self.timeout.seconds(request.max_tokens)):
                received = await self.send(self._client(), request, body)
        except Exception as error:
            # "from None": a provider's exception holds the request, and so the key.
            raise self.problem(error, self.parameters(body), method) from None
        seconds = time.perf_counter() - started
        return read(received, self.name, method, seconds, self._opening.key_name)

    @abstractmethod
    def body(self, request: Request, method: Method) -> dict[str, Any]:
        """What is sent."""

    @abstractmethod
    def open_client(self) -> Any:
        """Open the service's client, which makes no call again by itself."""

    @abstractmethod
    async def send(self, client: Any, request: Request, body: Mapping[str, Any]) -> Received:
        """Send a call; what the client raises is translated by whoever calls this."""

    def parameters(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """What of a body may be refused by its name."""
        return body

    def _client(self) -> Any:
        """The client of the running loop: connections belong to a loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = self.open_client()
        return self._clients[loop]


def need_package(package: str, extra: str, opening: Opening) -> ModuleType:
    """Import the package that calls a service.

    Raises
    ------
    UserError
        It is missing.
    """
    try:
        return import_module(package)
    except ImportError:
        raise UserError(
            f"--llm {opening.name}: calling it needs the package {package.replace('.', '-')}; "
            f'install it with: pip install "interest-profiler[{extra}]"'
        ) from None


def need_key(opening: Opening) -> None:
    """Refuse a service that answers nobody without a key.

    Raises
    ------
    UserError
        There is none.
    """
    if opening.key is None:
        raise UserError(f"--llm {opening.name}: no key is set; set {opening.key_name}")
