"""A model file of one's own, run by llama.cpp here: no key, no price, one call at a time.

The server is started with the first call and ends with the program. It is asked in OpenAI's
protocol, and holds the model to the schema with its bounds: whatever comes back has the right form.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Any
from weakref import WeakKeyDictionary

import httpx

from profiler.llm.adapters import completions
from profiler.llm.adapters.planned import PlannedPort
from profiler.llm.adapters.reading import Received, read
from profiler.llm.budget import prompt_tokens
from profiler.llm.errors import Failure, classified, cut
from profiler.llm.local_model.files import ModelFile, checked_file
from profiler.llm.local_model.process import LocalServer
from profiler.llm.port import CallError, Method, Reply, Request
from profiler.llm.registry import Adapter, Opening
from store.errors import UserError

START_S = 120.0
READS, WRITES = 4.0, 1.0
"""Tokens a second that a small model reads and writes at least, on one busy core."""
PATH = "/v1/chat/completions"


class LocalPort(PlannedPort):
    """A model file as a chat port.

    Parameters
    ----------
    opening
        Its ``model`` is the path of the file.
    file
        The file, checked.

    Attributes
    ----------
    name
        ``local:`` and the file's name, wherever it lies.
    base_url
        None: the port of the server is another each time.
    at_once
        Calls that it answers at once.
    """

    at_once = 1

    def __init__(self, opening: Opening, file: ModelFile) -> None:
        super().__init__(replace(opening, model=file.path.name))
        self.server = LocalServer(file)
        self._file = file
        self._turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
            WeakKeyDictionary()
        )

    @property
    def params(self) -> Mapping[str, Any]:
        """The planned method, and the content of the file: another file is another model."""
        return {**super().params, "file": self._file.sha256[:16]}

    async def ask(self, request: Request) -> Reply:
        """Make one call, when those before it are answered.

        Raises
        ------
        CallError
            The call brought no answer.
        """
        loop = asyncio.get_running_loop()
        async with self._turns.setdefault(loop, asyncio.Lock()):
            return await self._ask(request)

    async def _ask(self, request: Request) -> Reply:
        method = self._wording.method(request)
        address = await asyncio.to_thread(self.server.address)
        body = completions.body(request, self._wording, method)
        started = time.perf_counter()
        seconds = self.timeout.given or patience(request)
        try:
            # A client for each call: calls are few, and a connection belongs to an event loop.
            async with httpx.AsyncClient(timeout=seconds, trust_env=False) as client:
                response = await client.post(
                    address + PATH,
                    json=body,
                    headers={"Authorization": f"Bearer {self.server.key}"},
                )
        except httpx.TimeoutException:
            raise CallError("timeout", f"no answer within {seconds:.0f} s") from None
        except httpx.HTTPError as error:
            raise CallError("connection", f"the local model's server broke off: {error}") from None
        return self._read(response, method, time.perf_counter() - started)

    def _read(self, response: httpx.Response, method: Method, seconds: float) -> Reply:
        headers = dict(response.headers)
        if response.status_code >= 400:
            failure = Failure(
                response.status_code, cut(response.text), response.text.lower(), headers
            )
            raise classified(failure, self.name, "no key")
        received = Received(response.content, headers, completions.read_document)
        reply = read(received, self.name, method, seconds)
        # llama.cpp names the file with its folder, which is nobody's business.
        return replace(reply, model=self._file.path.name, cost_usd=0.0)


class Local(Adapter):
    """Model files in GGUF form."""

    def open(self, opening: Opening) -> LocalPort:
        """Return a port to a model file; the server is started with the first call.

        Raises
        ------
        UserError
            llama.cpp is not installed, or there is no such file.
        """
        if opening.base_url is not None:
            raise UserError("--base-url: a local model is run by this program; leave it out")
        if find_spec("xllamacpp") is None:
            raise UserError(
                f"--llm {opening.name}: running a model file needs llama.cpp; install it with: "
                'pip install "interest-profiler[local]"'
            )
        return LocalPort(opening, checked_file(opening.model))


LOCAL = Local()


def patience(request: Request) -> float:
    """Seconds for a call: a slow answer of a server of one's own is better than none."""
    return START_S + prompt_tokens(request) / READS + request.max_tokens / WRITES
