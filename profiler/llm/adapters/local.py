"""A model file of one's own, run by llama.cpp here: no key, no price, one call at a time.

The server is started with the first call and ends with the program. It is asked in OpenAI's
protocol, and holds the model to the schema with its bounds: whatever comes back has the right form.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Any
from weakref import WeakKeyDictionary, finalize

import httpx

from profiler.llm.adapters import completions
from profiler.llm.adapters.planned import PlannedPort
from profiler.llm.budget import prompt_tokens
from profiler.llm.errors import Failure, classified, cut
from profiler.llm.local_files import ModelFile, checked_file
from profiler.llm.port import CallError, Method, Reply, Request
from profiler.llm.registry import Adapter, Opening
from profiler.llm.secrets import remember
from profiler.llm.wording import Wording
from store.errors import UserError

CONTEXT = 8_192
"""Tokens of prompt and answer together."""
START_S = 120.0
READS, WRITES = 4.0, 1.0
"""Tokens a second that a small model reads and writes at least, on one busy core."""
LOADING_S = 300.0
PATH = "/v1/chat/completions"


class LocalServer:
    """The process that runs a model file; it is started when it is first asked for.

    Parameters
    ----------
    file
        A model file.
    """

    def __init__(self, file: ModelFile) -> None:
        self._file, self._lock = file, threading.Lock()
        self.key = secrets.token_urlsafe(24)
        remember(self.key)
        self._process: subprocess.Popen[str] | None = None
        self._address = ""

    def address(self) -> str:
        """Where it listens; it is started, or started again, where it does not run.

        Raises
        ------
        CallError
            It does not start: the file is damaged, or memory is short.
        """
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._start()
            return self._address

    def stop(self) -> None:
        """End the process, where it runs."""
        if self._process is not None:
            _end(self._process)

    def _start(self) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "profiler.llm.adapters.local_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the program, which then ends the server
        )
        finalize(self, _end, process)
        self._process = process
        heard: list[str] = []
        said: list[str] = []
        threading.Thread(target=_keep_last, args=(process.stderr, said), daemon=True).start()
        settings = {
            "file": str(self._file.path.resolve()),
            "key": self.key,
            "context": CONTEXT,
            "threads": max(1, len(os.sched_getaffinity(0))),
        }
        if process.stdin is None or process.stdout is None:
            raise CallError("connection", "the local model's server has no input")
        try:
            process.stdin.write(json.dumps(settings) + "\n")
            process.stdin.flush()
            heard.append(_line(process))
            self._address = json.loads(heard[0])["address"]
        except (OSError, ValueError, KeyError):
            _end(process)
            why = cut(" ".join(said[-3:])) or "it ended without a word"
            raise CallError(
                "provider_refused",
                f"local:{self._file.path.name}: llama.cpp cannot run this file: {why}",
            ) from None


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
        self.name, self.base_url = f"{opening.provider}:{file.path.name}", None
        self.server = LocalServer(file)
        self._file, self._timeout = file, opening.timeout
        self._wording = Wording(
            file.path.name,
            opening.facts,
            opening.planned_method,
            fixed=opening.method is not None,
        )
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
        if method == "json_schema" and request.expected.schema is not None:
            body["response_format"]["json_schema"]["schema"] = dict(request.expected.schema)
        started = time.perf_counter()
        seconds = self._timeout or patience(request)
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
        reply = completions.read(response.content, headers, self.name, method, seconds)
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


def _line(process: subprocess.Popen[str]) -> str:
    """The first line that a server prints, once the model is loaded."""
    ended = threading.Timer(LOADING_S, process.kill)
    ended.start()
    try:
        for line in process.stdout or ():
            if line.startswith("{"):
                return line
        return ""
    finally:
        ended.cancel()


def _keep_last(stream: Any, said: list[str]) -> None:
    for line in stream:
        said.append(line.strip())
        del said[:-20]


def _end(process: subprocess.Popen[str]) -> None:
    """End a server: it goes when its input is closed, and is made to go if it does not."""
    if process.poll() is not None:
        return
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
