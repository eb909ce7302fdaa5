"""OpenAI's Responses API, by which some of its models are reached alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from profiler.llm.adapters.reading import arguments_of, count_of
from profiler.llm.model_options import merged
from profiler.llm.port import Message, Method, Reply, Request, ToolCall, storable
from profiler.llm.wording import Wording

PATH = "/responses"


def body(request: Request, wording: Wording, method: Method) -> dict[str, Any]:
    """The body of a call."""
    found: dict[str, Any] = {
        "model": wording.model,
        "input": [item for turn in request.messages for item in _items(turn)],
        "max_output_tokens": request.max_tokens,
        "store": False,
    }
    found |= {
        name: value for name, value in wording.sampling(request).items() if name == "temperature"
    }
    if request.tools:
        found["tools"] = [{"type": "function", **tool["function"]} for tool in request.tools]
    elif method == "json_schema":
        schema = {
            "name": request.schema_name,
            "schema": wording.schema(request),
            "strict": True,
        }
        found["text"] = {"format": {"type": "json_schema", **schema}}
    elif method == "json_mode":
        found["text"] = {"format": {"type": "json_object"}}
    return merged(found, wording.options)


def _items(turn: Message) -> list[dict[str, Any]]:
    if turn.role == "tool":
        return [
            {
                "type": "function_call_output",
                "call_id": turn.tool_call_id,
                "output": turn.content,
            }
        ]
    said = [{"role": turn.role, "content": turn.content}] if turn.content else []
    calls = [
        {
            "type": "function_call",
            "call_id": call.id,
            "name": call.name,
            "arguments": json.dumps(call.arguments or {}, ensure_ascii=False),
        }
        for call in turn.tool_calls
    ]
    return [*said, *calls]


def read_document(document: Mapping[str, Any]) -> Reply:
    """Read the JSON document of a response, as the service or a batch file has it.

    Raises
    ------
    ValueError, TypeError, KeyError, AttributeError
        It is none.
    """
    items = document["output"]
    parts = [part for item in items if item.get("type") == "message" for part in item["content"]]
    refusals = [part["refusal"] for part in parts if part.get("type") == "refusal"]
    usage = document.get("usage") or {}
    return Reply(
        text="".join(part["text"] for part in parts if part.get("type") == "output_text"),
        finish_reason=_reason(document),
        refusal="".join(refusals) or None,
        tokens_in=count_of(usage.get("input_tokens")),
        tokens_out=count_of(usage.get("output_tokens")),
        tokens_cached=count_of((usage.get("input_tokens_details") or {}).get("cached_tokens")),
        model=document.get("model") or "",
        reasoning=_reasoning(items),
        tool_calls=tuple(_tool_call(item) for item in items if item.get("type") == "function_call"),
    )


def _reason(document: Mapping[str, Any]) -> str | None:
    """Why the answer ended: the detail where it is incomplete, else the status."""
    details = document.get("incomplete_details") or {}
    reason: str | None = details.get("reason") or document.get("status")
    return reason


def _reasoning(items: list[Any]) -> str | None:
    texts = [
        part.get("text") or ""
        for item in items
        if item.get("type") == "reasoning"
        for part in (item.get("summary") or [])
    ]
    return "\n".join(texts) or None


def _tool_call(item: Mapping[str, Any]) -> ToolCall:
    return ToolCall(
        str(item["call_id"]), storable(str(item["name"])), arguments_of(item["arguments"])
    )
