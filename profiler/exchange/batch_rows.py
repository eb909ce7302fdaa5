"""Rows of batch files in the forms of the providers: one question written, one answer read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from profiler.choices import BatchFormat
from profiler.exchange.batch_options import BatchOptions
from profiler.llm.adapters import anthropic, completions, google_genai, responses
from profiler.llm.adapters.reading import count_of
from profiler.llm.port import Reply, Request, storable, text_or_none
from profiler.llm.stop_reasons import ending_of

_SHORT_ID = re.compile(r"[0-9a-f]{64}")
_PREFIX = "s256:"


@dataclass(frozen=True)
class Failed:
    """A question that the provider gave no answer to.

    Attributes
    ----------
    address
        Of the question.
    outcome
        ``errored``, ``expired`` or ``canceled``.
    reason
        What the provider says.
    final
        Whether the same question would fail again: it was refused, not lost.
    """

    address: str
    outcome: str
    reason: str
    final: bool = False


@dataclass(frozen=True)
class Arrived:
    """A question's answer as a file has it; ``batch`` where a batch service gave it."""

    address: str
    reply: Reply
    batch: bool = True


def custom_id(address: str) -> str:
    """The name of a question in a batch file: 64 letters and digits, all that providers take."""
    return address.removeprefix(_PREFIX)


def address_of(name: str) -> str:
    """The address of the question that a file calls by this name; also as 0.1.0 wrote it."""
    return _PREFIX + name if _SHORT_ID.fullmatch(name) else storable(name)


def format_for(options: BatchOptions) -> BatchFormat:
    """The form of the provider's own batch service."""
    provider = options.llm.partition(":")[0]
    if provider in ("anthropic", "bedrock_converse"):
        return "anthropic"
    if provider == "google_genai":
        return "gemini"
    return "openai-responses" if options.wording.facts.api == "responses" else "openai"


def write_row(
    address: str, request: Request, options: BatchOptions, form: BatchFormat
) -> dict[str, Any]:
    """One row of a provider's batch format, with the body a run would send."""
    wording = options.wording
    method, name = wording.method(request), custom_id(address)
    if form == "anthropic":
        return {"custom_id": name, "params": anthropic.body(request, wording, method)}
    if form == "gemini":
        return {"key": name, "request": _gemini(request, wording, method)}
    if form == "openai-responses":
        body, url = responses.body(request, wording, method), "/v1/responses"
    else:
        body, url = completions.body(request, wording, method), completions.URL
    return {"custom_id": name, "method": "POST", "url": url, "body": body}


def _gemini(request: Request, wording: Any, method: Any) -> dict[str, Any]:
    """The request in the words of Google's own API, where its client has words of its own."""
    config = google_genai.config(request, wording, method)
    found: dict[str, Any] = {"contents": google_genai.contents(request)}
    system = config.pop("system_instruction", None)
    if system:
        found["systemInstruction"] = {"parts": [{"text": system}]}
    found["generationConfig"] = {_camel(name): value for name, value in config.items()}
    return found


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def read_row(row: Any) -> Arrived | Failed:
    """An answer, or why the provider gave none.

    Raises
    ------
    ValueError, TypeError, KeyError, IndexError, AttributeError
        It is neither.
    """
    address = _address(row)
    if "text" in row:
        return Arrived(address, _plain(row), batch=False)
    if isinstance(row.get("result"), dict):
        return _anthropic(address, row["result"])
    response = row.get("response") or {}
    if not row.get("error") and any(name in response for name in _OF_GEMINI):
        return _read(address, response, google_genai.read_document)
    body = response.get("body") or {}
    status = response.get("status_code")
    error = row.get("error") or body.get("error")
    if error or status != 200:
        return _errored(address, error or f"status {status}", status)
    read = responses.read_document if "output" in body else completions.read_document
    return _read(address, body, read)


_OF_GEMINI = ("candidates", "promptFeedback", "usageMetadata")


def _address(row: Any) -> str:
    name = row.get("custom_id", row.get("key", (row.get("metadata") or {}).get("key")))
    if name is None:
        raise KeyError("custom_id")
    if not isinstance(name, str):
        raise TypeError("custom_id must be a text")
    return address_of(name)


def _plain(row: Mapping[str, Any]) -> Reply:
    """A line of ``custom_id`` and ``text``, written by whoever answered."""
    if not isinstance(row["text"], str):
        raise TypeError("text must be a text")
    return Reply(
        text=row["text"],
        refusal=text_or_none(row.get("refusal")),
        finish_reason=text_or_none(row.get("finish_reason")),
        tokens_in=count_of(row.get("tokens_in")),
        tokens_out=count_of(row.get("tokens_out")),
        model=text_or_none(row.get("model")) or "",
    )


def _anthropic(address: str, result: Mapping[str, Any]) -> Arrived | Failed:
    kind = result["type"]
    if kind == "succeeded":
        return _read(address, result["message"], anthropic.read_document)
    error = result.get("error") or {}
    inner = error.get("error") or error
    final = kind == "errored" and inner.get("type") in _FINAL
    reason = inner.get("message") or inner.get("type") or kind
    outcome = kind if kind in ("expired", "canceled") else "errored"
    return Failed(address, outcome, short(reason), final)


_FINAL = ("invalid_request_error", "invalid_request", "request_too_large", "INVALID_ARGUMENT")


def _errored(address: str, error: Any, status: Any) -> Failed:
    """A failure in OpenAI's or Google's form."""
    told = error if isinstance(error, dict) else {"message": str(error)}
    code = str(told.get("code") or told.get("status") or told.get("type") or "")
    reason = short(told.get("message") or code or error)
    outcome = next(
        (word for word in ("expired", "canceled") if word in f"{code} {reason}".lower()), "errored"
    )
    if "cancelled" in f"{code} {reason}".lower():
        outcome = "canceled"
    final = status in (400, 413, 422) or code in _FINAL
    return Failed(address, outcome, reason, final and outcome == "errored")


def _read(
    address: str, document: Mapping[str, Any], read: Callable[[Mapping[str, Any]], Reply]
) -> Arrived | Failed:
    reply = read(document)
    if ending_of(reply.finish_reason) == "failed":
        return Failed(address, "errored", f"the answer was broken off: {reply.finish_reason!r}")
    return Arrived(address, reply)


def short(value: object) -> str:
    """One line of at most 200 characters."""
    text = f"no {value}" if isinstance(value, KeyError) else str(value)
    return storable(" ".join(text.split())[:200])
