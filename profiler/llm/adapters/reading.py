"""What every service's answer is read with: the document, an error in its place, texts, numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from profiler.llm.errors import Failure, classified, cut
from profiler.llm.port import CallError, Method, Reply, storable
from profiler.llm.secrets import redact_answer
from profiler.llm.stop_reasons import ending_of

Reader = Callable[[Mapping[str, Any]], Reply]
"""Reads one JSON document; raises what reading raises where it is none of its kind."""

UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError)


@dataclass(frozen=True)
class Received:
    """What a service sent with a status that means success.

    Attributes
    ----------
    content
        The bytes, or the document where the service's client has read them.
    headers
        Of the response.
    read
        Reads the document.
    """

    content: bytes | Mapping[str, Any]
    headers: Mapping[str, str]
    read: Reader


def read(
    received: Received,
    name: str,
    method: Method,
    latency_s: float = 0.0,
    key: str = "the provider's key",
) -> Reply:
    """Read what a service sent; the text stays as it came.

    Parameters
    ----------
    received
        What it sent.
    name, method, latency_s
        Of the port and the call, for the reply.
    key
        Where the key is read from, for messages.

    Raises
    ------
    CallError
        It is no answer: a gateway's page, half a body, an error in the place of an answer, or an
        answer that the service broke off.
    """
    headers = {name_.lower(): value for name_, value in received.headers.items()}
    content = received.content
    try:
        document = json.loads(content) if isinstance(content, bytes) else content
        if document.get("error"):
            raise error_inside(document["error"], headers, name, key)
        reply = received.read(document)
    except UNREADABLE:
        size = f"{len(content)} bytes" if isinstance(content, bytes) else "a document"
        raise CallError(
            "server_error", f"the service answered with {size}, which is no answer of a model"
        ) from None
    if ending_of(reply.finish_reason) == "failed":
        raise CallError(
            "server_error", f"the service broke the answer off: {reply.finish_reason!r}"
        )
    return reply.called(name, method, latency_s, headers)


def error_inside(
    error: Any, headers: Mapping[str, str], name: str, key: str = "the provider's key"
) -> CallError:
    """An error in the body of an answer: OpenRouter and some gateways send it with status 200."""
    code = str(error.get("code")) if isinstance(error, dict) else ""
    status = int(code) if code.isdigit() and 300 <= int(code) <= 599 else None
    said = json.dumps(error, ensure_ascii=False)
    told = error.get("message") if isinstance(error, dict) else None
    failure = Failure(
        status, cut(f"the answer holds an error: {told or said}"), said.lower(), headers
    )
    if status is None:
        return CallError("server_error", failure.message)
    return classified(failure, name, key)


def arguments_of(text: Any) -> dict[str, Any] | None:
    """Arguments of a tool call, None where they are no JSON object."""
    try:
        document = json.loads(text) if isinstance(text, str | bytes) else text
        # Half a surrogate pair in a text or a name cannot be stored.
        value = json.loads(storable(redact_answer(json.dumps(document, ensure_ascii=False))))
    except (ValueError, TypeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def count_of(value: Any) -> int | None:
    """A number of tokens, None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def total_of(usage: Mapping[str, Any], *names: str) -> int | None:
    """The sum of several numbers of tokens; None where the first is not told."""
    if count_of(usage.get(names[0])) is None:
        return None
    return sum(count_of(usage.get(name)) or 0 for name in names)


def joined(parts: Any, kind: str | None, name: str) -> str | None:
    """The texts under ``name`` of all parts of a kind, one a line; None where there are none."""
    texts = [
        part[name]
        for part in parts or ()
        if isinstance(part, dict)
        and (kind is None or part.get("type") == kind)
        and isinstance(part.get(name), str)
    ]
    return "\n".join(texts) or None
