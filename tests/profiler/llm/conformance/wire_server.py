"""A loopback server that answers any HTTP call with what a script says, byte for byte."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.llm_server import ITEM, NUMBERED


@dataclass(frozen=True)
class Asked:
    """One call as it came.

    Attributes
    ----------
    path, headers, body
        Of the request; headers in lower case.
    subject
        Number of the subject that the prompt shows, -1 for none.
    nth
        How often this subject was asked about before.
    items
        Ids of the items shown.
    numbers
        The number that each is shown under.
    """

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    subject: int
    nth: int
    items: tuple[str, ...]
    numbers: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Sent:
    """What is answered: a status, headers and a body, or ``instead`` a ``reset`` or ``hang``."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    instead: str | None = None
    reason: str | None = None

    @property
    def content(self) -> bytes:
        """The bytes of the body: JSON, or a page as it is."""
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


class WireServer:
    """``with WireServer(script) as server: ... server.url``; what it was asked is in ``asked``."""

    def __init__(
        self, script: Callable[[Asked], Sent], on_hang: Callable[[], None] = lambda: None
    ) -> None:
        self.script, self.asked, self.on_hang = script, list[Asked](), on_hang
        self._counts: Counter[int] = Counter()
        self._lock, self._over = threading.Lock(), threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                server._answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass

        self._http = Quiet(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> WireServer:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._http.shutdown()
        self._http.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        content = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        text = content.decode()
        lines = text.replace("\\n", "\n")
        items = tuple(dict.fromkeys(match.group(0) for match in ITEM.finditer(lines)))
        subject = int(items[0][1:].partition("-")[0]) if items else -1
        with self._lock:
            asked = Asked(
                handler.path,
                {name.lower(): value for name, value in handler.headers.items()},
                json.loads(text),
                subject,
                self._counts[subject],
                items,
                {named: int(number) for number, named in NUMBERED.findall(lines)},
            )
            self._counts[subject] += 1
            self.asked.append(asked)
        self._send(handler, self.script(asked))

    def _send(self, handler: BaseHTTPRequestHandler, sent: Sent) -> None:
        if sent.instead == "hang":
            self.on_hang()
            self._over.wait(30)
        if sent.instead is not None:
            off = struct.pack("ii", 1, 0)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, off)
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return
        kind = "text/html" if isinstance(sent.body, str) else "application/json"
        handler.send_response_only(sent.status, sent.reason)
        for name, value in {"Content-Type": kind, **sent.headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(sent.content)))
        handler.end_headers()
        handler.wfile.write(sent.content)
