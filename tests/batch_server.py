"""A loopback server that speaks the batch services of OpenAI and Anthropic."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[dict[str, Any]], dict[str, Any]]
"""From a row that was sent to the row that comes back."""


class BatchServer:
    """The server in a thread: ``with BatchServer(answer) as server: ... server.base_url``.

    Attributes
    ----------
    batches
        What was handed in, by the provider's name for it.
    ended
        Whether batches have ended.
    fail_create
        Status with which a batch is refused; after it has been taken, where it is 500 or more.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.files: dict[str, list[dict[str, Any]]] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.ended = True
        self.fail_create: int | None = None
        self.cancelled: list[str] = []

    def __enter__(self) -> BatchServer:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.handle(self, b"")

            def do_POST(self) -> None:
                outer.handle(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    @property
    def root(self) -> str:
        """Address of the server, as Anthropic's client wants it."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def base_url(self) -> str:
        """The same with the path of OpenAI's protocol."""
        return f"{self.root}/v1"

    def handle(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        """Answer one request."""
        path = handler.path.partition("?")[0]
        status, content, kind = self._respond(handler.command, path, body)
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def _respond(self, verb: str, path: str, body: bytes) -> tuple[int, Any, str]:
        parts = path.strip("/").split("/")[1:]
        if parts[:2] == ["messages", "batches"]:
            return self._anthropic(verb, parts[2:], body)
        return self._openai(verb, parts, body)

    def _create(self, name: str, record: dict[str, Any], rows: list[dict[str, Any]]) -> Any:
        failing = self.fail_create
        if failing is None or failing >= 500:
            self.batches[name], self.rows[name] = record, rows
        if failing is not None:
            error = {"type": "invalid_request_error", "message": "no batch today", "code": None}
            return failing, {"type": "error", "error": error}, "application/json"
        return 200, self._shown(name), "application/json"

    def _openai(self, verb: str, parts: list[str], body: bytes) -> tuple[int, Any, str]:
        plain = "application/json"
        if parts == ["files"]:
            text = body.decode()
            rows = [json.loads(line) for line in re.findall(r"^\{.*\}$", text, re.MULTILINE)]
            name = f"file-{len(self.files)}"
            self.files[name] = rows
            shown = {"id": name, "object": "file", "bytes": 1, "created_at": 1, "filename": "f"}
            return 200, shown | {"purpose": "batch", "status": "processed"}, plain
        if parts[0] == "files":
            name = parts[1].removeprefix("out-")
            lines = (json.dumps(self.answer(row)) for row in self.rows[name])
            return 200, ("\n".join(lines) + "\n").encode(), "application/jsonl"
        if parts == ["batches"] and verb == "POST":
            asked = json.loads(body)
            name = f"batch_{len(self.batches)}"
            record = {
                "object": "batch",
                "created_at": int(time.time()),
                "metadata": asked["metadata"],
                "endpoint": asked["endpoint"],
                "input_file_id": asked["input_file_id"],
                "completion_window": asked["completion_window"],
            }
            return self._create(name, record, self.files[asked["input_file_id"]])
        if parts == ["batches"]:
            data = [self._shown(name) for name in reversed(self.batches)]
            return 200, {"object": "list", "data": data, "has_more": False}, plain
        if parts[-1] == "cancel":
            self.cancelled.append(parts[1])
        return 200, self._shown(parts[1]), plain

    def _anthropic(self, verb: str, parts: list[str], body: bytes) -> tuple[int, Any, str]:
        plain = "application/json"
        if not parts and verb == "POST":
            name = f"msgbatch_{len(self.batches)}"
            at = datetime.now(UTC).isoformat()
            record = {"type": "message_batch", "created_at": at, "expires_at": at}
            return self._create(name, record, json.loads(body)["requests"])
        if not parts:
            data = [self._shown(name) for name in reversed(self.batches)]
            shown = {"data": data, "has_more": False, "first_id": None, "last_id": None}
            return 200, shown, plain
        if parts[-1] == "results":
            lines = (json.dumps(self.answer(row)) for row in self.rows[parts[0]])
            return 200, ("\n".join(lines) + "\n").encode(), "application/x-jsonl"
        if parts[-1] == "cancel":
            self.cancelled.append(parts[0])
        return 200, self._shown(parts[0]), plain

    def _shown(self, name: str) -> dict[str, Any]:
        record, size = {"id": name, **self.batches[name]}, len(self.rows[name])
        if record.get("type") == "message_batch":
            counts = dict.fromkeys(("canceled", "errored", "expired"), 0)
            counts |= {"processing": 0 if self.ended else size}
            counts |= {"succeeded": size if self.ended else 0}
            word = "ended" if self.ended else "in_progress"
            url = f"{self.root}/v1/messages/batches/{name}/results" if self.ended else None
            return record | {
                "processing_status": word,
                "request_counts": counts,
                "results_url": url,
                "ended_at": record["created_at"] if self.ended else None,
                "archived_at": None,
                "cancel_initiated_at": None,
            }
        return record | {
            "status": "completed" if self.ended else "in_progress",
            "output_file_id": f"out-{name}" if self.ended else None,
            "error_file_id": None,
            "request_counts": {"total": size, "completed": size, "failed": 0},
        }
