"""Anthropic's models, called by Anthropic's own client."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from profiler.llm.adapters.planned import ClientPort, need_key, need_package
from profiler.llm.adapters.pooled_http import http_client, post
from profiler.llm.adapters.reading import Received, arguments_of, count_of, joined, total_of
from profiler.llm.model_options import merged
from profiler.llm.port import Message, Method, Reply, Request, ToolCall, storable
from profiler.llm.registry import Adapter, Opening
from profiler.llm.timeouts import LONGEST_S
from profiler.llm.wording import Wording

PATH = "/v1/messages"


class AnthropicPort(ClientPort):
    """One model, by the Messages API."""

    def body(self, request: Request, method: Method) -> dict[str, Any]:
        """The body of a call."""
        return body(request, self._wording, method)

    def open_client(self) -> Any:
        """Anthropic's client."""
        import anthropic

        opening = self._opening
        return anthropic.AsyncAnthropic(
            api_key=opening.key,
            base_url=opening.address,
            max_retries=0,
            timeout=opening.timeout or LONGEST_S,
            http_client=http_client("anthropic"),
        )

    async def send(self, client: Any, request: Request, body: Mapping[str, Any]) -> Received:
        """Send a call; the answer is read as it came."""
        response = await post("anthropic", client, PATH, body)
        return Received(response.content, response.headers, read_document)


class Anthropic(Adapter):
    """Anthropic, and gateways that speak its protocol."""

    def open(self, opening: Opening) -> AnthropicPort:
        """Return a port to the model; nothing is sent.

        Raises
        ------
        UserError
            The package ``anthropic`` is missing, or there is no key.
        """
        need_package("anthropic", "anthropic", opening)
        need_key(opening)
        return AnthropicPort(opening)


ANTHROPIC = Anthropic()


def body(request: Request, wording: Wording, method: Method) -> dict[str, Any]:
    """The body of a call, or of a row of a batch.

    Parameters
    ----------
    request, wording, method
        What is asked, how the model wants it worded, and how JSON is asked for.
    """
    told = [turn for turn in request.messages if turn.role != "system"]
    system = "\n\n".join(turn.content for turn in request.messages if turn.role == "system")
    found: dict[str, Any] = {
        "model": wording.model,
        "messages": [
            {"role": role, "content": [part for turn in turns for part in _parts(turn)]}
            for role, turns in groupby(told, key=_role)
        ],
        "max_tokens": request.max_tokens,
        **wording.sampling(request),
    }
    if system:
        found["system"] = system
    if request.tools:
        found["tools"] = [_tool(tool["function"]) for tool in request.tools]
    elif method == "json_schema":
        schema = {"type": "json_schema", "schema": wording.schema(request)}
        found["output_config"] = {"format": schema}
    return merged(found, wording.options)


def read_document(document: Mapping[str, Any]) -> Reply:
    """Read a message, as the service or a batch file has it.

    Raises
    ------
    ValueError, TypeError, KeyError, AttributeError
        It is none.
    """
    parts, usage = document["content"], document.get("usage") or {}
    reason = document.get("stop_reason")
    details = document.get("stop_details") or {}
    return Reply(
        text="".join(part["text"] for part in parts if part["type"] == "text"),
        finish_reason=reason,
        refusal=details.get("explanation") if reason == "refusal" else None,
        tokens_in=total_of(
            usage, "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"
        ),
        tokens_out=count_of(usage.get("output_tokens")),
        tokens_cached=count_of(usage.get("cache_read_input_tokens")),
        model=document.get("model") or "",
        reasoning=joined(parts, "thinking", "thinking"),
        tool_calls=tuple(
            ToolCall(part["id"], storable(part["name"]), arguments_of(part["input"]))
            for part in parts
            if part["type"] == "tool_use"
        ),
    )


def _role(turn: Message) -> str:
    return "assistant" if turn.role == "assistant" else "user"


def _parts(turn: Message) -> list[dict[str, Any]]:
    if turn.role == "tool":
        return [{"type": "tool_result", "tool_use_id": turn.tool_call_id, "content": turn.content}]
    said = [{"type": "text", "text": turn.content}] if turn.content else []
    calls = [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments or {}}
        for call in turn.tool_calls
    ]
    return [*said, *calls]


def _tool(function: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": function["name"],
        "description": function.get("description", ""),
        "input_schema": function["parameters"],
    }
