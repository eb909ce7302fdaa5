"""Chat completions, the form of a call in OpenAI's protocol: what is sent, what comes back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from profiler.llm.adapters.reading import arguments_of, count_of
from profiler.llm.model_options import merged
from profiler.llm.port import Message, Method, Reply, Request, ToolCall, storable
from profiler.llm.wording import Wording

PATH = "/chat/completions"
URL = "/v1/chat/completions"
"""As a line of a batch file names it."""


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
        schema = {
            "name": request.schema_name,
            "schema": wording.schema(request),
            "strict": True,
        }
        found["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif method == "json_mode":
        found["response_format"] = {"type": "json_object"}
    return merged(found, wording.options)


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
        tokens_out=_tokens_out(usage),
        tokens_cached=_cached(usage),
        model=document.get("model") or "",
        reasoning=reasoning if isinstance(reasoning, str) else thinking_of(said.get("content")),
        cost_usd=_cost(usage),
        tool_calls=tool_calls(said.get("tool_calls") or []),
    )


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


def _tokens_out(usage: Mapping[str, Any]) -> int | None:
    """Tokens billed as output; xAI and Gemini count those of the reasoning in the total alone."""
    told, total = count_of(usage.get("completion_tokens")), count_of(usage.get("total_tokens"))
    prompt = count_of(usage.get("prompt_tokens"))
    if told is None or total is None or prompt is None:
        return told
    return max(told, total - prompt)


def _cached(usage: Mapping[str, Any]) -> int | None:
    """Tokens of the prompt that the service had in its cache."""
    details = usage.get("prompt_tokens_details") or {}
    hit = usage.get("prompt_cache_hit_tokens")  # DeepSeek
    return count_of(details.get("cached_tokens") if hit is None else hit)


def _cost(usage: Mapping[str, Any]) -> float | None:
    """Dollars by the service's own account (OpenRouter)."""
    cost = usage.get("cost")
    known = isinstance(cost, int | float) and not isinstance(cost, bool) and cost >= 0
    return float(cost) if known and cost is not None else None
