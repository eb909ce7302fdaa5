"""Google's Gemini models, called by Google's own client."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from profiler.llm.adapters.planned import ClientPort, need_key, need_package
from profiler.llm.adapters.reading import Received, arguments_of, count_of, total_of
from profiler.llm.model_options import merged
from profiler.llm.port import Message, Method, Reply, Request, ToolCall, storable
from profiler.llm.registry import Adapter, Opening
from profiler.llm.timeouts import LONGEST_S
from profiler.llm.wording import Wording


class GooglePort(ClientPort):
    """One Gemini model."""

    def body(self, request: Request, method: Method) -> dict[str, Any]:
        """Arguments of a call, under the names of the client."""
        return {
            "model": self._wording.model,
            "contents": contents(request),
            "config": config(request, self._wording, method),
        }

    def open_client(self) -> Any:
        """Google's client."""
        from google import genai

        opening = self._opening
        http: dict[str, Any] = {
            "timeout": int((opening.timeout or LONGEST_S) * 1_000),
            "retry_options": {"attempts": 1},
            "async_client_args": {"follow_redirects": False},
        }
        if opening.address is not None:
            http["base_url"] = opening.address
        client: Any = genai.Client
        return client(api_key=opening.key, vertexai=False, http_options=http).aio

    async def send(self, client: Any, request: Request, body: Mapping[str, Any]) -> Received:
        """Send a call; the client's answer as the JSON document that it was read from."""
        answer = await client.models.generate_content(**body)
        told = answer.sdk_http_response
        document = answer.model_dump(
            mode="json", by_alias=True, exclude_none=True, exclude={"sdk_http_response", "parsed"}
        )
        return Received(document, (told.headers if told else None) or {}, read_document)

    def parameters(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """What may be refused by its name stands in the configuration."""
        return dict(body["config"])


class Google(Adapter):
    """The Gemini API."""

    def open(self, opening: Opening) -> GooglePort:
        """Return a port to the model; nothing is sent.

        Raises
        ------
        UserError
            The package ``google-genai`` is missing, or there is no key.
        """
        need_package("google.genai", "google", opening)
        need_key(opening)
        return GooglePort(opening)


GOOGLE = Google()


def contents(request: Request) -> list[dict[str, Any]]:
    """The turns of a conversation but the system's."""
    told = [turn for turn in request.messages if turn.role != "system"]
    names = {call.id: call.name for turn in told for call in turn.tool_calls}
    return [
        {"role": role, "parts": [part for turn in turns for part in _parts(turn, names)]}
        for role, turns in groupby(told, key=_role)
    ]


def config(request: Request, wording: Wording, method: Method) -> dict[str, Any]:
    """Limits, sampling and response format, under the names of Google's client."""
    system = "\n\n".join(turn.content for turn in request.messages if turn.role == "system")
    found: dict[str, Any] = {
        **dict.fromkeys(wording.limits(), request.max_tokens),
        **wording.sampling(request),
    }
    if system:
        found["system_instruction"] = system
    if request.tools:
        functions = [_tool(tool["function"]) for tool in request.tools]
        found["tools"] = [{"function_declarations": functions}]
        found["automatic_function_calling"] = {"disable": True}
    elif method in ("json_schema", "json_mode"):
        found["response_mime_type"] = "application/json"
        if method == "json_schema":
            found["response_json_schema"] = wording.schema(request)
    return merged(found, wording.options)


def read_document(document: Mapping[str, Any]) -> Reply:
    """Read an answer, as the service or a batch file has it.

    Raises
    ------
    ValueError, TypeError, KeyError, AttributeError
        It is none.
    """
    blocked = (document.get("promptFeedback") or {}).get("blockReason")
    usage, candidates = document.get("usageMetadata") or {}, document.get("candidates") or []
    if not (candidates or blocked or usage):
        raise KeyError("candidates")
    first = candidates[0] if candidates else {}
    parts = (first.get("content") or {}).get("parts") or []
    return Reply(
        text=_said(parts, thought=False),
        finish_reason="content_filter" if blocked else first.get("finishReason"),
        refusal=first.get("finishMessage"),
        tokens_in=total_of(usage, "promptTokenCount", "toolUsePromptTokenCount"),
        tokens_out=_tokens_out(usage),
        tokens_cached=count_of(usage.get("cachedContentTokenCount")),
        model=document.get("modelVersion") or "",
        reasoning=_said(parts, thought=True) or None,
        tool_calls=_tool_calls(parts),
    )


def _said(parts: list[Any], *, thought: bool) -> str:
    """The texts of the answer, or of the thoughts before it."""
    return "".join(part.get("text") or "" for part in parts if bool(part.get("thought")) == thought)


def _tool_calls(parts: list[Any]) -> tuple[ToolCall, ...]:
    calls = [part["functionCall"] for part in parts if part.get("functionCall")]
    return tuple(
        ToolCall(
            call.get("id") or f"call-{number}",
            storable(call["name"]),
            arguments_of(call.get("args") or {}),
        )
        for number, call in enumerate(calls)
    )


def _tokens_out(usage: Mapping[str, Any]) -> int | None:
    """Tokens billed as output: of the answer and of the thoughts; none where it was blocked."""
    if count_of(usage.get("promptTokenCount")) is None:
        return None
    return sum(
        count_of(usage.get(name)) or 0 for name in ("candidatesTokenCount", "thoughtsTokenCount")
    )


def _role(turn: Message) -> str:
    return "model" if turn.role == "assistant" else "user"


def _parts(turn: Message, names: Mapping[str, str]) -> list[dict[str, Any]]:
    if turn.role == "tool":
        name = names.get(turn.tool_call_id or "", "")
        return [{"function_response": {"name": name, "response": {"result": turn.content}}}]
    said = [{"text": turn.content}] if turn.content else []
    calls = [
        {"function_call": {"name": call.name, "args": call.arguments or {}}}
        for call in turn.tool_calls
    ]
    return [*said, *calls]


def _tool(function: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": function["name"],
        "description": function.get("description", ""),
        "parameters_json_schema": function["parameters"],
    }
