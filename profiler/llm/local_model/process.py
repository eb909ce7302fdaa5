"""The process that runs a model file: started with the first call, ended with the program."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any
from weakref import finalize

from profiler.llm.errors import cut
from profiler.llm.local_model.files import ModelFile
from profiler.llm.port import CallError
from profiler.llm.secrets import remember

CONTEXT = 8_192
"""Tokens of prompt and answer together."""
LOADING_S = 300.0
COMMAND = (sys.executable, "-m", "profiler.llm.local_model.server")
"""What runs a model file: told which on its input, it prints the address it listens on."""


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
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the program, which then ends the server
        )
        finalize(self, _end, process)
        self._process = process
        output: list[str] = []
        said: list[str] = []
        threading.Thread(target=_keep_last, args=(process.stderr, said), daemon=True).start()
        settings = {
            "file": str(self._file.path.resolve()),
            "key": self.key,
            "context": CONTEXT,
            # Threads wait for each other busily: where others use the cores, fewer are faster.
            "threads": max(1, len(os.sched_getaffinity(0)) // 2),
        }
        if process.stdin is None or process.stdout is None:
            raise CallError("connection", "the local model's server has no input")
        try:
            process.stdin.write(json.dumps(settings) + "\n")
            process.stdin.flush()
            output.append(_line(process))
            self._address = json.loads(output[0])["address"]
        except (OSError, ValueError, KeyError):
            _end(process)
            why = cut(_cause(said)) or "it ended without a word"
            raise CallError(
                "provider_refused",
                f"local:{self._file.path.name}: llama.cpp cannot run this file: {why}",
            ) from None


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


def _cause(said: Sequence[str]) -> str:
    """What a server that did not start said last, without the marks of a Python trace."""
    lines = [line for line in said if line and not re.match(r"[\^~]+$|File |Traceback", line)]
    error = next(
        (line for line in reversed(lines) if re.match(r"\w*(Error|Exception): ", line)), ""
    )
    return error.partition(": ")[2] or " ".join(lines[-3:])


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
