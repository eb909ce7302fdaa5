"""Chat completions, the form of a call in OpenAI's protocol: what is sent, what comes back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from profiler.llm.errors import Failure, classified, cut
from profiler.llm.port import CallError, Message, Method, Reply, Request, ToolCall, storable
from profiler.llm.secrets import redact_answer
from profiler.llm.stop_reasons import ending_of
from profiler.llm.wording import Wording

URL = "/v1/chat/completions"


def body(request: Request, wording: Wording, method: Method) -> dict[str, Any]:
    """The body of a call."""
    found: dict[str, Any] = {
        "model": wording.model,
        "messages": [message(turn) for turn in request.messages],
        **dict.fromkeys(wording.limits(), request.max_tokens),
        **wording.sampling(request),
        **wording.facts.body,
    }
    if request.tools:
        found["tools"] = list(request.tools)
    elif method == "json_schema":
        schema = {"name": request.schema_name, "schema": request.schema, "strict": True}
        found["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif method == "json_mode":
        found["response_format"] = {"type": "json_object"}
    return found


def message(turn: Message) -> dict[str, Any]:
    """One turn as it is sent."""
    found: dict[str, Any] = {"role": turn.role, "content": turn.content}
    if turn.tool_call_id is not None:
        found["tool_call_id"] = turn.tool_call_id
    if turn.tool_calls:
        found["content"] = turn.content or None
        found["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": json.dumps(call.arguments or {}, ensure_ascii=False),
                },
            }
            for call in turn.tool_calls
        ]
    return found


def read(
    content: bytes,
    headers: Mapping[str, str],
    name: str,
    method: Method,
    latency_s: float,
    key: str = "the provider's key",
) -> Reply:
    """Read what a service answered with 200; the text stays as it came.

    Parameters
    ----------
    content, headers
        Of the response.
    name, method, latency_s
        Of the port and the call, for the reply.
    key
        Where the key is read from, for messages.

    Raises
    ------
    CallError
        It is no answer: a gateway's page, half a body, an error in the place of an answer.
    """
    lower = {key_.lower(): value for key_, value in headers.items()}
    try:
        document = json.loads(content)
        if document.get("error"):
            raise error_inside(document["error"], lower, name, key)
        reply = read_document(document)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        raise CallError(
            "server_error", f"the service answered with {len(content)} bytes that are no completion"
        ) from None
    return finished(reply, name, method, latency_s, lower)


def read_document(document: Mapping[str, Any]) -> Reply:
    """Read the JSON document of a completion, as a service or a batch file has it.

    Raises
    ------
    ValueError, TypeError, KeyError, IndexError, AttributeError
        It is none.
    """
    choice = document["choices"][0]
    said, usage = choice["message"], document.get("usage") or {}
    reasoning = said.get("reasoning_content") or said.get("reasoning")
    return Reply(
        text=text_of(said.get("content")),
        finish_reason=choice.get("finish_reason"),
        refusal=said.get("refusal"),
        tokens_in=count_of(usage.get("prompt_tokens")),
        tokens_out=count_of(usage.get("completion_tokens")),
        model=document.get("model") or "",
        reasoning=reasoning if isinstance(reasoning, str) else thinking_of(said.get("content")),
        cost_usd=_cost(usage),
        tool_calls=tool_calls(said.get("tool_calls") or []),
    )


def finished(
    reply: Reply, name: str, method: Method, latency_s: float, headers: Mapping[str, str]
) -> Reply:
    """The reply with what only the caller knows.

    Raises
    ------
    CallError
        The service broke the answer off: the same call may succeed.
    """
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


def text_of(content: Any) -> str:
    """Text of an answer: a text, nothing, or parts of which some are texts."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    parts = (part.get("text") or "" for part in content if part.get("type") in _TEXTS)
    return "".join(parts)


_TEXTS = ("text", "output_text")


def thinking_of(content: Any) -> str | None:
    """Reasoning among the parts of an answer (Mistral), None where there is none."""
    if not isinstance(content, list):
        return None
    parts = [part for part in content if isinstance(part, dict) and part.get("type") == "thinking"]
    texts = [
        inner if isinstance(inner, str) else text_of(inner)
        for inner in (part.get("thinking") for part in parts)
    ]
    return "\n".join(texts) or None


def tool_calls(calls: Any) -> tuple[ToolCall, ...]:
    """Tools that an answer wants to be called; a call without an id gets one."""
    found = []
    for number, call in enumerate(calls):
        function = call["function"]
        name, id_ = storable(str(function["name"])), call.get("id")
        found.append(ToolCall(id_ or f"call-{number}", name, arguments_of(function["arguments"])))
    return tuple(found)


def arguments_of(text: Any) -> dict[str, Any] | None:
    """Arguments of a tool call, None where they are no JSON object."""
    try:
        # Half a surrogate pair in a text or a name cannot be stored.
        told = redact_answer(json.dumps(json.loads(text), ensure_ascii=False))
        value = json.loads(storable(told))
    except (ValueError, TypeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def count_of(value: Any) -> int | None:
    """A number of tokens, None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _cost(usage: Mapping[str, Any]) -> float | None:
    """Dollars by the service's own account (OpenRouter)."""
    cost = usage.get("cost")
    known = isinstance(cost, int | float) and not isinstance(cost, bool) and cost >= 0
    return float(cost) if known and cost is not None else None
