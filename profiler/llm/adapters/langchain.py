"""Any provider's chat model that LangChain opens.

The raw text is kept and validation is ours: LangChain's own structured output raises on a truncated
or malformed answer, and the text and its price are lost with it. Limits and sampling are set on a
copy of the model, under the names of its own fields, since every package names them otherwise.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from profiler.llm.adapters.planned import PlannedPort
from profiler.llm.adapters.pooled_http import http_client
from profiler.llm.adapters.reading import Received, joined, read
from profiler.llm.port import Method, Reply, Request, ToolCall, storable
from profiler.llm.registry import Adapter, Opening
from profiler.llm.secrets import redact
from profiler.llm.timeouts import LONGEST_S
from store.errors import UserError

_LIMITS = ("max_tokens", "max_output_tokens", "num_predict", "max_new_tokens")
_SEEDS = ("seed", "random_seed")
_OPENAIS = ("openai", "azure_openai")


class LangChainPort(PlannedPort):
    """One chat model that LangChain opened.

    Parameters
    ----------
    model
        A LangChain chat model with its own retries off.
    opening
        What it was opened by.
    """

    def __init__(self, model: Any, opening: Opening) -> None:
        super().__init__(opening)
        self._model = model
        self._addressed = self._wording.planned = _planned(opening)

    async def ask(self, request: Request) -> Reply:
        """Make one call.

        Raises
        ------
        CallError
            The call brought no answer.
        """
        method = self._wording.method(request)
        fields = self._fields(request)
        started = time.perf_counter()
        try:
            model = self._model.model_copy(update=fields)
            if request.tools:
                model = model.bind_tools(list(request.tools))
            with untraced():
                async with asyncio.timeout(self.timeout.seconds(request.max_tokens)):
                    message = await model.ainvoke(_messages(request), **_format(request, method))
            reply = read_message(message)
        except Exception as error:
            # "from None": a provider's exception holds the request, and so the key.
            told = {name: value for name, value in fields.items() if value is not None}
            raise self.problem(error, told, method) from None
        headers = message.response_metadata.get("headers") or {}
        received = Received({"message": reply}, headers, lambda document: document["message"])
        return read(
            received, self.name, method, time.perf_counter() - started, self._opening.key_name
        )

    def _fields(self, request: Request) -> dict[str, Any]:
        """Limit, temperature and seed as the model's own fields; what is None is not sent."""
        there = type(self._model).model_fields
        wanted: dict[str, Any] = {name: request.max_tokens for name in _LIMITS if name in there}
        sampling = self._wording.sampling(request)
        wanted["temperature"] = sampling.get("temperature")
        if request.seed is not None:
            wanted |= {name: request.seed for name in _SEEDS if self._wording.takes(name)}
        return {name: value for name, value in wanted.items() if name in there}


class LangChain(Adapter):
    """Every provider that LangChain's ``init_chat_model`` knows and that is installed."""

    def open(self, opening: Opening) -> LangChainPort:
        """Return a port to the model; nothing is sent.

        Raises
        ------
        UserError
            LangChain does not know the provider, its package is missing, or it refuses a setting.
        """
        name = opening.name
        try:
            return LangChainPort(_init(opening), opening)
        except ImportError as error:
            raise UserError(f"--llm {name}: {error}") from None
        except Exception as error:
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise UserError(f"--llm {name}: {redact(first)}; is its key set?") from None


LANGCHAIN = LangChain()


@contextmanager
def untraced() -> Iterator[None]:
    """Nothing that LangChain runs inside is sent to a tracing service, whatever is set."""
    from langsmith import tracing_context

    with tracing_context(enabled=False):
        yield


def _init(opening: Opening) -> Any:
    from langchain.chat_models import init_chat_model

    options: dict[str, Any] = {
        **opening.options,
        "max_retries": 0,
        "timeout": opening.timeout or LONGEST_S,
    }
    if opening.address is not None:
        options["base_url"] = opening.address
    if opening.provider in _OPENAIS:
        options["include_response_headers"] = True
        # A question, and the key with it, goes to the address that was named and to no other.
        options["http_async_client"] = http_client("openai")
    if opening.key is not None:
        _set_keys(opening)
    return init_chat_model(opening.name, **options)


def _set_keys(opening: Opening) -> None:
    """Have the provider's package read the key as it was checked: without space around it."""
    for name in opening.key_name.split(" or "):
        value = os.environ.get(name)
        if value is not None and value != value.strip():
            os.environ[name] = value.strip()


def _planned(opening: Opening) -> Method:
    """Only OpenAI's protocol is told a response format; others get the schema in the prompt."""
    if opening.provider not in _OPENAIS or opening.facts.api == "responses":
        return "text"
    return opening.planned_method


def _format(request: Request, method: Method) -> dict[str, Any]:
    """The response format: in the extra body, since as an argument LangChain reads by it."""
    if method == "json_schema":
        schema = {"name": request.schema_name, "schema": request.schema, "strict": True}
        wanted: dict[str, Any] = {"type": "json_schema", "json_schema": schema}
    elif method == "json_mode":
        wanted = {"type": "json_object"}
    else:
        return {}
    return {"extra_body": {"response_format": wanted}}


def _messages(request: Request) -> list[Any]:
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

    found: list[Any] = []
    for turn in request.messages:
        if turn.role == "tool":
            found.append(ToolMessage(turn.content, tool_call_id=turn.tool_call_id))
        elif turn.role == "assistant":
            calls = [
                {"id": call.id, "name": call.name, "args": call.arguments or {}}
                for call in turn.tool_calls
            ]
            found.append(AIMessage(turn.content, tool_calls=calls))
        else:
            found.append((SystemMessage if turn.role == "system" else HumanMessage)(turn.content))
    return found


def read_message(message: Any) -> Reply:
    """Read LangChain's message of any provider."""
    meta, more = message.response_metadata, message.additional_kwargs
    usage = message.usage_metadata or {}
    parts = message.content if isinstance(message.content, list) else []
    return Reply(
        text=message.text,
        finish_reason=_reason(meta),
        refusal=more.get("refusal") or joined(parts, "refusal", "refusal"),
        tokens_in=usage.get("input_tokens"),
        tokens_out=usage.get("output_tokens"),
        model=meta.get("model_name") or meta.get("model") or "",
        tool_calls=_tool_calls(message),
        reasoning=more.get("reasoning_content")
        or joined(parts, "thinking", "thinking")
        or joined(parts, "reasoning", "reasoning"),
    )


def _reason(meta: Mapping[str, Any]) -> str | None:
    """Why the answer ended, wherever the provider's package says it."""
    blocked = (meta.get("prompt_feedback") or {}).get("block_reason")
    # Google's packages say 0 where nothing is blocked.
    if blocked and str(blocked) not in ("0", "BLOCK_REASON_UNSPECIFIED"):
        return "content_filter"
    incomplete = (meta.get("incomplete_details") or {}).get("reason")
    names = ("finish_reason", "stop_reason", "stopReason", "done_reason", "status")
    told = incomplete or next((meta[name] for name in names if meta.get(name)), None)
    return None if told is None else str(told)


def _tool_calls(message: Any) -> tuple[ToolCall, ...]:
    """Tools that a message wants to be called; a call without an id gets one."""
    calls = [(call.get("id"), call["name"], call["args"]) for call in message.tool_calls]
    calls += [(call.get("id"), call.get("name") or "", None) for call in message.invalid_tool_calls]
    calls = json.loads(storable(json.dumps(calls, ensure_ascii=False)))
    return tuple(
        ToolCall(id_ or f"call-{number}", name, arguments)
        for number, (id_, name, arguments) in enumerate(calls)
    )
