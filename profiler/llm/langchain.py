"""The LangChain port: any provider's chat model behind :class:`profiler.asking.port.ChatPort`.

The response format is bound and the raw text kept; validation is ours. LangChain's own structured
output raises on a truncated or malformed answer, and the text and its price are lost with it. So
does ``response_format`` as a LangChain argument when an answer is cut off, which is why it travels
in the request's extra body. Where the call is a chat completion of OpenAI's protocol, LangChain
makes its body and :mod:`profiler.asking.direct` sends it.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Mapping
from typing import Any, get_args

from profiler.choices import JsonMethod
from profiler.llm.errors import as_call_error
from profiler.llm.openai import Direct, direct_for
from profiler.llm.port import CallError, Method, Reply, Request, ToolCall, storable
from store.errors import UserError

METHODS: tuple[JsonMethod, ...] = get_args(JsonMethod)
DEFAULT_TIMEOUT = 120.0
OPENAI = ("openai:", "azure_openai:")


class LangChainPort:
    """One chat model.

    Parameters
    ----------
    model
        A LangChain chat model with its own retries off.
    name
        ``provider:model``.
    base_url
        Address of the service where it is not the provider's own.
    method
        How to ask for JSON; None chooses by what the model is known to support.
    timeout
        Seconds for one call, from sending to the last byte.
    direct
        How to send without LangChain; None sends through it.
    """

    def __init__(
        self,
        model: Any,
        name: str,
        *,
        base_url: str | None = None,
        method: Method | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        direct: Direct | None = None,
    ) -> None:
        self.model = model
        self.direct = direct
        self.timeout = timeout
        self._method: Method = method or _method_of(model)
        self.name = name
        self.base_url = base_url

    @property
    def params(self) -> Mapping[str, Any]:
        """Options beyond the request's that change what is sent."""
        return {"method": self._method}

    def method_for(self, request: Request) -> Method:
        """How structured output is asked for: the same for all requests of a port."""
        return self._method

    async def ask(self, request: Request) -> Reply:
        """Make one call.

        Raises
        ------
        CallError
            The call brought no answer.
        """
        messages = _messages(request)
        arguments = self._arguments(request)
        method: Method = "tool" if request.tools else self._method
        model = self.model.bind_tools(list(request.tools)) if request.tools else self.model
        try:
            async with asyncio.timeout(self.timeout):
                if self.direct is not None and not request.tools:
                    payload = self.model._get_request_payload(messages, stop=None, **arguments)
                    return await self.direct.send(payload, self.name, self._method)
                started = time.perf_counter()
                message = await model.ainvoke(messages, **arguments)
        except CallError:
            raise
        except Exception as error:
            # "from None": a provider's exception holds the request, and so the key.
            raise as_call_error(error, self.name) from None
        return _reply(message, self.name, method, time.perf_counter() - started)

    def _arguments(self, request: Request) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "temperature": request.temperature,
            "max_tokens": request.max_tokens,
        }
        if request.seed is not None:
            arguments["seed"] = request.seed
        if request.tools:
            return arguments
        if self._method == "json_schema":
            schema = {"name": request.schema_name, "schema": request.schema, "strict": True}
            arguments["extra_body"] = {
                "response_format": {"type": "json_schema", "json_schema": schema}
            }
        elif self._method == "json_mode":
            arguments["extra_body"] = {"response_format": {"type": "json_object"}}
        return arguments


def open_chat(
    spec: str,
    *,
    base_url: str | None = None,
    method: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> LangChainPort:
    """Open a chat model by ``provider:model``, such as ``openai:gpt-4o-mini``.

    The key comes from the provider's own environment variable; it is never stored or printed.

    Raises
    ------
    UserError
        If the provider is not known or not installed, its key is not set, or the method does not
        exist.
    """
    if ":" not in spec:
        raise UserError(
            f"--llm {spec!r}: write provider:model, such as openai:gpt-4o-mini, or offline"
        )
    if method is not None and method not in METHODS:
        raise UserError(f"--method {method!r}: one of {', '.join(METHODS)}")
    client = _own_client(timeout) if spec.startswith(OPENAI) else None
    try:
        model = _init(spec, base_url, timeout, client)
    except ImportError as error:
        raise UserError(f"--llm {spec}: {error}") from None
    except Exception as error:
        raise UserError(f"--llm {spec}: {_first_line(error)}; is its key set?") from None
    direct = direct_for(model, client)
    return LangChainPort(
        model, spec, base_url=base_url, method=method, timeout=timeout, direct=direct
    )


def method_for(spec: str, base_url: str | None = None) -> Method:
    """The method that a run would choose for a model; no key is needed and nothing is sent.

    A model that no installed package opens is taken to be one of OpenAI's protocol.
    """
    try:
        return _method_of(_init(spec, base_url, DEFAULT_TIMEOUT, None, api_key="unused"))
    except Exception:
        return "json_schema"


def _init(spec: str, base_url: str | None, timeout: float, client: Any, **more: Any) -> Any:
    # Tracing would send prompts elsewhere; it is nobody's choice here.
    os.environ.setdefault("LANGSMITH_TRACING", "false")
    from langchain.chat_models import init_chat_model

    options: dict[str, Any] = {"max_retries": 0, "timeout": timeout, **more}
    if base_url is not None:
        options["base_url"] = base_url
    if spec.startswith(OPENAI):
        options["include_response_headers"] = True
    if client is not None:
        options["http_async_client"] = client
    return init_chat_model(spec, **options)


def _own_client(timeout: float) -> Any | None:
    try:
        from profiler.llm.http import openai_client

        return openai_client(timeout)
    except ImportError:  # init_chat_model says what is missing, and how to install it
        return None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _method_of(model: Any) -> Method:
    """Strongest method the model is known to take; models not listed are asked by schema.

    Only OpenAI's protocol knows ``response_format``; others get the schema in the prompt alone.
    """
    if not any(base.__name__ == "BaseChatOpenAI" for base in type(model).__mro__):
        return "text"
    profile = getattr(model, "profile", None) or {}
    return "json_schema" if profile.get("structured_output", True) else "json_mode"


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


def _tool_calls(message: Any) -> tuple[ToolCall, ...]:
    """Tools that a LangChain message wants to be called; a call without an id gets one."""
    calls = [(call.get("id"), call["name"], call["args"]) for call in message.tool_calls]
    calls += [(call.get("id"), call.get("name") or "", None) for call in message.invalid_tool_calls]
    calls = json.loads(storable(json.dumps(calls, ensure_ascii=False)))
    return tuple(
        ToolCall(id_ or f"call-{number}", name, arguments)
        for number, (id_, name, arguments) in enumerate(calls)
    )


def _reply(message: Any, name: str, method: Method, latency_s: float) -> Reply:
    meta = message.response_metadata
    usage = message.usage_metadata or {}
    headers = {str(key).lower(): str(value) for key, value in (meta.get("headers") or {}).items()}
    return Reply(
        text=message.text,
        finish_reason=meta.get("finish_reason") or meta.get("stop_reason"),
        refusal=message.additional_kwargs.get("refusal"),
        tokens_in=usage.get("input_tokens"),
        tokens_out=usage.get("output_tokens"),
        model=meta.get("model_name") or name,
        method=method,
        latency_s=latency_s,
        headers=headers,
        tool_calls=_tool_calls(message),
    )
