"""A real HTTP server on loopback that speaks the OpenAI chat-completions protocol and misbehaves.

What it answers is decided by a :class:`Script`: a function of the call (which items it shows, how
often this subject was asked before) that names one of :data:`KINDS`. It runs in a thread of the
test (:class:`LlmServer`) or as a process of its own, for benchmarks::

    python tests/llm_server.py --port 8123 --latency 0.2
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ITEM = re.compile(r"\bs(\d+)-i(\d+)\b")
NUMBERED = re.compile(r"^\[(\d+)\] .*?\b(s\d+-i\d+)\b", re.MULTILINE)

TRANSPORT = ("rate_limited", "rate_limited_bare", "server_error", "reset", "timeout")
SPOILT = (
    "empty",
    "refusal",
    "truncated",
    "wrong_type",
    "extra_key",
    "foreign_evidence",
    "duplicate_interests",
    "two_objects",
    "prose",
)
MENDED = ("fenced", "trailing_comma")
KINDS = ("valid", *TRANSPORT, *MENDED, *SPOILT)


@dataclass(frozen=True)
class Call:
    """One call as the server sees it: the subject is read off ids like ``s12-i3`` in the titles."""

    body: dict[str, Any]
    headers: dict[str, str]
    text: str
    items: tuple[str, ...]
    subject: int
    nth: int
    total: int


@dataclass(frozen=True)
class Step:
    """What to do with one call."""

    kind: str = "valid"
    latency: float | None = None
    retry_after: float | None = 0.02
    headers: tuple[tuple[str, str], ...] = ()
    status: int | None = None
    error: dict[str, Any] | None = None
    text: str | None = None
    tokens_out: int | None = None


Script = Callable[[Call], Step]


def always_valid(call: Call) -> Step:
    """The server without faults."""
    return Step()


def interests_answer(items: tuple[str, ...]) -> dict[str, Any]:
    """Two interests over the items shown; the same items always give the same answer."""
    half = max(1, len(items) // 2)
    groups = [part for part in (items[:half], items[half:]) if part]
    return {
        "interests": [
            {
                "label": f"Taste {'AB'[number]} of {part[0]}",
                "description": f"Likes things such as {part[0]} and {part[-1]}.",
                "evidence": list(part),
            }
            for number, part in enumerate(groups)
        ]
    }


def allocation_answer(items: tuple[str, ...]) -> dict[str, Any]:
    """Every item to one of two clusters."""
    answer = interests_answer(items)["interests"]
    return {
        "clusters": [
            {"label": c["label"], "description": c["description"], "items": c["evidence"]}
            for c in answer
        ]
    }


def cards_answer(items: tuple[str, ...]) -> dict[str, Any]:
    """A card for every item; the same item always gets the same one."""
    return {
        "cards": [
            {"id": item, "card": f"What is not said of {item}.", "next": [f"after {item}"]}
            for item in dict.fromkeys(items)
        ]
    }


def description_answer(call: Call) -> dict[str, Any]:
    """A description that is the same for the same question and never one of its lines."""
    told = hashlib.sha256(call.text.encode()).hexdigest()[:8]
    return {"description": f"Things that go with {call.items[0]}, note {told}."}


def answer_for(call: Call) -> dict[str, Any]:
    """A valid answer in the form that the request's schema or wording asks for."""
    asked = json.dumps(call.body.get("response_format", {})) + call.text
    if '"clusters"' in asked:
        return allocation_answer(call.items)
    if '"cards"' in asked:
        return cards_answer(call.items)
    if '"description"' in asked and '"label"' not in asked:
        return description_answer(call)
    answer = interests_answer(call.items)
    numbers = {named: int(number) for number, named in NUMBERED.findall(call.text)}
    for interest in answer["interests"]:
        interest["evidence"] = [numbers.get(item, item) for item in interest["evidence"]]
    return answer


def _listed(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return next(iter(answer.values()))


def _spoilt_description(kind: str, answer: dict[str, Any]) -> dict[str, Any]:
    wrong = {
        "wrong_type": {"description": 3},
        "extra_key": answer | {"mood": "sunny"},
        "foreign_evidence": {"description": "The customer is a Christian woman in her thirties."},
        "duplicate_interests": {"description": ""},
    }
    return wrong.get(kind, answer)


def spoil(kind: str, answer: dict[str, Any]) -> str:
    """The text of an answer gone wrong in the given way."""
    if "description" in answer:
        groups: list[dict[str, Any]] = [{"next": [], "label": ""}]
        answer = _spoilt_description(kind, answer)
    else:
        groups = _listed(answer)
    lists = [name for name in ("items", "evidence", "next") if name in groups[0]]
    cards = "card" in groups[0]
    whole = json.dumps(answer)
    if kind == "wrong_type":
        groups[0][lists[0]] = "all of them"
    elif kind == "extra_key":
        groups[0]["mood"] = "sunny"
    elif kind == "foreign_evidence" and cards:
        groups[0]["id"] = "s999999-i0"
    elif kind == "foreign_evidence":
        groups[0][lists[0]].append("s999999-i0")
    elif kind == "duplicate_interests" and cards:
        groups[-1]["id"] = groups[0]["id"]
    elif kind == "duplicate_interests":
        groups[-1]["label"] = groups[0]["label"].upper()
    texts = {
        "empty": "",
        "refusal": "",
        "fenced": f"```json\n{whole}\n```\n",
        "trailing_comma": whole[:-1] + ",}" if whole[-2] == '"' else whole[:-2] + ",]}",
        "truncated": whole[: len(whole) // 2],
        "two_objects": whole + "\n" + whole,
        "prose": "This person enjoys a good many different things, I would say.",
    }
    return texts.get(kind, json.dumps(answer))


def reply_body(call: Call, step: Step) -> dict[str, Any]:
    """A chat completion, spoilt where the step says so; tokens are a quarter of the characters."""
    text = step.text if step.text is not None else spoil(step.kind, answer_for(call))
    refusal = "I cannot help with that." if step.kind == "refusal" else None
    tokens_in = max(1, len(call.text) // 4)
    tokens_out = step.tokens_out if step.tokens_out is not None else max(1, len(text) // 4)
    return {
        "id": f"chatcmpl-{call.total}",
        "object": "chat.completion",
        "created": 1700000000,
        "model": call.body.get("model", "test"),
        "choices": [
            {
                "index": 0,
                "finish_reason": "length" if step.kind == "truncated" else "stop",
                "message": {"role": "assistant", "content": text, "refusal": refusal},
            }
        ],
        "usage": {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
        },
    }


ERRORS = {
    "rate_limited": (429, {"message": "Rate limit reached", "code": "rate_limit_exceeded"}),
    "rate_limited_bare": (429, {"message": "Rate limit reached", "code": "rate_limit_exceeded"}),
    "server_error": (500, {"message": "The server had an error", "code": None}),
    "insufficient_quota": (429, {"message": "Quota exceeded", "code": "insufficient_quota"}),
    "no_balance": (402, {"message": "Insufficient Balance", "code": "invalid_request_error"}),
    "bad_key": (401, {"message": "Incorrect API key provided", "code": "invalid_api_key"}),
    "unknown_model": (404, {"message": "The model does not exist", "code": "model_not_found"}),
    "too_long": (400, {"message": "too many tokens", "code": "context_length_exceeded"}),
}


@dataclass
class Record:
    """What the server saw: the proof that no call was made twice or left out."""

    calls: list[Call] = field(default_factory=list)
    by_subject: Counter[int] = field(default_factory=Counter)
    by_kind: Counter[str] = field(default_factory=Counter)
    answered: Counter[int] = field(default_factory=Counter)
    tokens_in: int = 0
    tokens_out: int = 0
    in_flight: int = 0
    most_in_flight: int = 0

    @property
    def total(self) -> int:
        """Calls received so far."""
        return sum(self.by_subject.values())


class LlmServer:
    """The server in a thread: ``with LlmServer(script) as server: ... server.base_url``."""

    def __init__(
        self,
        script: Script = always_valid,
        *,
        latency: float = 0.0,
        port: int = 0,
        keep_calls: bool = True,
        nagle_free: bool = True,
    ) -> None:
        self.script = script
        self.latency = latency
        self.port = port
        self.keep_calls = keep_calls
        self.record = Record()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """Address to hand to a client."""
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> LlmServer:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the loopback server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
        if self._thread is not None:
            self._thread.join(10)

    def reset(self) -> None:
        """Forget what was seen."""
        self.record = Record()

    def _run(self) -> None:
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=512)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (received := await self._read(reader)) is not None:
                if not await self._answer(*received, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _read(
        self, reader: asyncio.StreamReader
    ) -> tuple[dict[str, str], dict[str, Any]] | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        lines = head.decode("latin-1").split("\r\n")
        pairs = (line.split(":", 1) for line in lines[1:] if ":" in line)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return headers, json.loads(body or b"{}")

    def _note(self, headers: dict[str, str], body: dict[str, Any]) -> Call:
        text = "\n".join(str(message["content"]) for message in body.get("messages", ()))
        items = tuple(dict.fromkeys(match.group(0) for match in ITEM.finditer(text)))
        subject = int(ITEM.match(items[0]).group(1)) if items else -1  # type: ignore[union-attr]
        items = tuple(item for item in items if item.startswith(f"s{subject}-"))
        nth = self.record.by_subject[subject]
        call = Call(body, headers, text, items, subject, nth, self.record.total)
        self.record.by_subject[subject] += 1
        if self.keep_calls:
            self.record.calls.append(call)
        return call

    async def _answer(
        self, headers: dict[str, str], body: dict[str, Any], writer: asyncio.StreamWriter
    ) -> bool:
        call = self._note(headers, body)
        step = self.script(call)
        record = self.record
        record.by_kind[step.kind] += 1
        record.in_flight += 1
        record.most_in_flight = max(record.most_in_flight, record.in_flight)
        try:
            await asyncio.sleep(self.latency if step.latency is None else step.latency)
        finally:
            record.in_flight -= 1
        if step.kind == "reset":
            _reset(writer)
            return False
        if step.kind == "timeout":
            await asyncio.sleep(3600)
        status, payload = self._payload(call, step)
        extra = dict(step.headers)
        if step.kind == "rate_limited" and step.retry_after is not None:
            extra["Retry-After"] = str(step.retry_after)
        writer.write(_http(status, payload, extra))
        await writer.drain()
        return True

    def _payload(self, call: Call, step: Step) -> tuple[int, dict[str, Any]]:
        if step.error is not None:
            return step.status or 500, {"error": step.error}
        if step.kind in ERRORS:
            status, error = ERRORS[step.kind]
            return step.status or status, {"error": {"type": "error", "param": None, **error}}
        body = reply_body(call, step)
        self.record.answered[call.subject] += 1
        self.record.tokens_in += body["usage"]["prompt_tokens"]
        self.record.tokens_out += body["usage"]["completion_tokens"]
        return 200, body


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a TCP reset, not with an orderly end."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _http(status: int, payload: dict[str, Any], extra: dict[str, str]) -> bytes:
    body = json.dumps(payload).encode()
    head = [f"HTTP/1.1 {status} X", "Content-Type: application/json"]
    head += [f"{name}: {value}" for name, value in extra.items()]
    head += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


def main() -> None:
    """Serve until killed; prints the port on the first line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds before each answer")
    arguments = parser.parse_args()
    server = LlmServer(latency=arguments.latency, port=arguments.port, keep_calls=False)
    with server:
        print(server.port, flush=True)
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
