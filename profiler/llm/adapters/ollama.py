"""Models that Ollama runs, called by Ollama's own client.

Ollama's own protocol, unlike its copy of OpenAI's, takes the size of the context: left alone it
cuts longer prompts off without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from profiler.llm.adapters.planned import ClientPort, need_package
from profiler.llm.adapters.reading import Received, arguments_of, count_of
from profiler.llm.budget import prompt_tokens
from profiler.llm.model_options import merged
from profiler.llm.port import Message, Method, Reply, Request, ToolCall, storable
from profiler.llm.registry import NO_KEY, Adapter, Opening
from profiler.llm.timeouts import LONGEST_S

SMALLEST_CONTEXT = 4_096
"""What Ollama gives a model that nobody says anything about."""

TOP_LEVEL = ("think", "keep_alive", "logprobs", "top_logprobs")
"""Options that stand beside the model's own ones."""

_headers: ContextVar[Mapping[str, str]] = ContextVar("_headers")


class OllamaPort(ClientPort):
    """One model of an Ollama server."""

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening)
        self._context = SMALLEST_CONTEXT

    def body(self, request: Request, method: Method) -> dict[str, Any]:
        """Arguments of a call."""
        limit = dict.fromkeys(self._wording.limits(), request.max_tokens)
        given = self._wording.options
        top = {name: value for name, value in given.items() if name in TOP_LEVEL}
        own = {name: value for name, value in given.items() if name not in TOP_LEVEL}
        options = {**limit, "num_ctx": self._context_for(request)} | self._wording.sampling(request)
        found: dict[str, Any] = {
            "model": self._wording.model,
            "messages": _messages(request),
            "options": merged(options, own),
            **top,
        }
        if request.tools:
            found["tools"] = list(request.tools)
        elif method == "json_schema":
            found["format"] = self._wording.schema(request)
        elif method == "json_mode":
            found["format"] = "json"
        return found

    def open_client(self) -> Any:
        """Ollama's client."""
        import ollama

        opening = self._opening
        key = {} if opening.key in (None, NO_KEY) else {"Authorization": f"Bearer {opening.key}"}
        return ollama.AsyncClient(
            host=opening.address,
            headers=key,
            timeout=opening.timeout or LONGEST_S,
            follow_redirects=False,
            event_hooks={"response": [_note_headers]},
        )

    async def send(self, client: Any, request: Request, body: Mapping[str, Any]) -> Received:
        """Send a call; the client's answer as the JSON document that it was read from."""
        _headers.set({})
        try:
            answer = await client.chat(**body)
        except Exception as error:
            if getattr(error, "status_code", None) in (None, -1):
                raise
            error.headers = _headers.get()  # type: ignore[attr-defined]
            raise
        return Received(answer.model_dump(mode="json"), _headers.get(), read_document)

    def parameters(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """What may be refused by its name stands among the options, or beside them."""
        return {**body, **body["options"]}

    def _context_for(self, request: Request) -> int:
        """The context that prompt and answer fit in; it only grows, since each size loads anew."""
        need = prompt_tokens(request) + request.max_tokens
        while self._context < need:
            self._context *= 2
        most = self._opening.facts.context
        return self._context if most is None else min(self._context, most)


class Ollama(Adapter):
    """An Ollama server, on this machine unless ``--base-url`` or ``OLLAMA_HOST`` says otherwise."""

    def open(self, opening: Opening) -> OllamaPort:
        """Return a port to the model; nothing is sent.

        Raises
        ------
        UserError
            The package ``ollama`` is missing.
        """
        need_package("ollama", "ollama", opening)
        return OllamaPort(opening)


OLLAMA = Ollama()


def read_document(document: Mapping[str, Any]) -> Reply:
    """Read the answer of a chat.

    Raises
    ------
    ValueError, TypeError, KeyError, AttributeError
        It is none.
    """
    said = document["message"]
    calls = said.get("tool_calls") or []
    return Reply(
        text=said.get("content") or "",
        finish_reason=document.get("done_reason"),
        tokens_in=count_of(document.get("prompt_eval_count")),
        tokens_out=count_of(document.get("eval_count")),
        model=document.get("model") or "",
        reasoning=said.get("thinking"),
        tool_calls=tuple(
            ToolCall(
                f"call-{number}",
                storable(call["function"]["name"]),
                arguments_of(call["function"]["arguments"]),
            )
            for number, call in enumerate(calls)
        ),
    )


async def _note_headers(response: Any) -> None:
    _headers.set({name.lower(): value for name, value in response.headers.items()})


def _messages(request: Request) -> list[dict[str, Any]]:
    names = {call.id: call.name for turn in request.messages for call in turn.tool_calls}
    return [_message(turn, names) for turn in request.messages]


def _message(turn: Message, names: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"role": turn.role, "content": turn.content}
    if turn.role == "tool":
        found["tool_name"] = names.get(turn.tool_call_id or "", "")
    if turn.tool_calls:
        found["tool_calls"] = [
            {"function": {"name": call.name, "arguments": call.arguments or {}}}
            for call in turn.tool_calls
        ]
    return found
