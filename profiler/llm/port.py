"""The port to chat models: what goes in, what comes out, what can go wrong.

Everything that asks a model speaks these words and no provider's: the adapters of this package and
the extractor that needs no model (:mod:`profiler.offline.extractor`) implement the same protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from profiler.llm.secrets import redact, redact_answer
from profiler.shown import ShownSubject
from store.digests import json_digest

__all__ = ["CallError", "ChatPort", "Message", "Reply", "Request"]

Role = Literal["system", "user", "assistant", "tool"]
Method = Literal["json_schema", "json_mode", "tool", "text", "offline"]

OFFLINE = "offline"
"""Name of the extractor that asks nobody."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool the model wants to be called; ``arguments`` are None where they were not JSON."""

    id: str
    name: str
    arguments: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation.

    Attributes
    ----------
    role, content
        Who says what.
    tool_calls
        Of an assistant's turn: the tools it wants to be called.
    tool_call_id
        Of a tool's turn: the call that it answers.
    """

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True)
class Expected:
    """What the answer to a question is read by; nothing of it is sent or addressed.

    Attributes
    ----------
    ids
        Under which each item shown stands in the prompt; empty where that is its own id.
    examples
        Labels and descriptions of the template's examples: an answer that repeats one of them says
        nothing of the items.
    taken
        Labels that the answer must not use.
    schema
        The schema with its bounds, for services that hold a model to them.
    """

    ids: tuple[str, ...] = ()
    examples: frozenset[str] = frozenset()
    taken: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None

    @property
    def numbered(self) -> bool:
        """Whether items stand in the prompt by their numbers, 1 the first."""
        return bool(self.ids) and self.ids == tuple(str(n + 1) for n in range(len(self.ids)))


@dataclass(frozen=True)
class Request:
    """One question, ready to be sent.

    Attributes
    ----------
    subject
        Who it is about; ``subject.items`` are the items the messages really show, after cutting.
    messages
        The rendered conversation.
    schema, schema_name
        JSON schema of the answer and the name it is sent under.
    task
        Name of the task that reads the answer: ``interests`` (EIMF's three parts), ``allocation``
        (LDMI: every item to a cluster), ...
    template, template_digest
        Which prompt template made it.
    max_tokens, temperature, seed
        Limits and sampling; what is None is not sent, nor a temperature the model does not take.
    tools
        Tools that the model may call, in OpenAI's format; part of the address of whoever offers
        any, not of :meth:`digest`.
    expected
        What the answer is read by.
    """

    subject: ShownSubject
    messages: tuple[Message, ...]
    schema: dict[str, Any]
    schema_name: str
    task: str
    template: str
    template_digest: str
    max_tokens: int
    temperature: float | None = 0.0
    seed: int | None = None
    tools: tuple[dict[str, Any], ...] = ()
    expected: Expected = field(default_factory=Expected)

    @property
    def shown(self) -> tuple[int, ...]:
        """``item_ix`` of the items shown, in the order shown."""
        return tuple(item.item_ix for item in self.subject.items)

    def digest(self, model: str, base_url: str | None, params: Mapping[str, Any]) -> str:
        """Content address of exactly what is sent.

        Parameters
        ----------
        model, base_url
            Who is asked: ``provider:model`` and the address of the service.
        params
            What else changes the call: the method of structured output, extra model options.

        Returns
        -------
        str
            Equal for two requests that would put the same bytes before the same model, whatever
            subject, store or template they come from.
        """
        return json_digest(
            {
                "messages": [[message.role, message.content] for message in self.messages],
                "schema": self.schema,
                "schema_name": self.schema_name,
                "model": model,
                "base_url": base_url,
                "max_tokens": self.max_tokens,
                "temperature": self.temperature,
                "seed": self.seed,
                "params": dict(params),
            }
        )


def storable(text: str) -> str:
    """The text with ``?`` for half a surrogate pair: valid in JSON, but not in a store.

    A service that cuts an emoji at the token limit sends one, and what was paid for must be kept.
    """
    return text.encode(errors="replace").decode()


def text_or_none(value: object) -> str | None:
    """What a service tells where a text belongs: the text, storable, None for anything else."""
    return storable(value) if isinstance(value, str) else None


@dataclass(frozen=True)
class Reply:
    """What a model answered, before anything reads it; its texts can always be stored.

    Attributes
    ----------
    text
        The raw text; empty where there was none.
    finish_reason
        The provider's word: ``stop``, ``length``, ``content_filter``, ...; None where not told.
    refusal
        The provider's own refusal text, apart from ``text``.
    tokens_in, tokens_out
        Billed tokens, those of a cached prompt and of reasoning included; None where the service
        does not tell.
    tokens_cached
        Tokens of the prompt that the service had in its cache, a part of ``tokens_in``; None where
        it does not tell.
    model
        The model that says it answered.
    method
        How structured output was asked for.
    latency_s
        Seconds from sending to the last byte.
    headers
        The response's headers in lower case (rate limits); never the request's.
    tool_calls
        Tools that the model wants to be called.
    reasoning
        What the model thought aloud, where the service tells it apart from the text.
    cost_usd
        Dollars by the service's own account, None where it does not tell.
    """

    text: str
    finish_reason: str | None = None
    refusal: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    model: str = ""
    method: Method = "text"
    latency_s: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str | None = None
    cost_usd: float | None = None
    tokens_cached: int | None = None

    def __post_init__(self) -> None:
        for name in ("text", "model", "finish_reason", "refusal", "reasoning"):
            text = text_or_none(getattr(self, name))
            if text is not None:
                text = redact_answer(text)
            object.__setattr__(self, name, (text or "") if name in ("text", "model") else text)

    def called(
        self, model: str, method: Method, latency_s: float, headers: Mapping[str, str]
    ) -> Reply:
        """The reply with what its document does not tell; ``model`` where it names none."""
        return replace(
            self,
            model=self.model or model,
            method=method,
            latency_s=latency_s,
            headers=headers,
        )

    @property
    def tokens(self) -> int | None:
        """Billed tokens, in and out; None where the service does not tell both."""
        if self.tokens_in is None or self.tokens_out is None:
            return None
        return self.tokens_in + self.tokens_out


class CallError(Exception):
    """A call that brought no answer.

    Attributes
    ----------
    outcome
        Word for the ledger: ``rate_limited``, ``server_error``, ``timeout``, ``connection``,
        ``conflict``, ``unsupported`` (the service does not take a parameter: the next call is
        worded without it), ``bad_request`` or ``provider_refused``.
    status_code
        HTTP status, None where there was none.
    retry_after
        Seconds the service asks to wait, None where it does not say.
    headers
        The response's headers in lower case.
    unreachable
        Whether nobody listens at the address, or it has none: the call was never heard.
    """

    def __init__(
        self,
        outcome: str,
        message: str,
        *,
        unreachable: bool = False,
        status_code: int | None = None,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(redact(storable(message)))
        self.outcome = outcome
        self.unreachable = unreachable
        self.status_code = status_code
        self.retry_after = retry_after
        self.headers: Mapping[str, str] = {
            name: redact(value) for name, value in (headers or {}).items()
        }

    @property
    def passing(self) -> bool:
        """Whether the same call may succeed later."""
        return self.outcome in PASSING

    @property
    def free(self) -> bool:
        """Whether the service surely did not bill it: it said an error, or never heard it."""
        return self.status_code is not None or self.unreachable


PASSING = frozenset(
    {"rate_limited", "server_error", "timeout", "connection", "conflict", "unsupported"}
)


def address(port: ChatPort, request: Request) -> str:
    """Content address of a request to a port: equal where the same reaches the same model."""
    return request.digest(port.name, port.base_url, sent_params(port, request))


def sent_params(port: ChatPort, request: Request) -> dict[str, Any]:
    """Options that change what is sent, beside the request's own."""
    return {**port.params, "method": port.method_for(request)}


class ChatPort(Protocol):
    """Anything that answers requests: one call in, one reply out, no retries of its own."""

    @property
    def name(self) -> str:
        """``provider:model``, or ``offline``."""

    @property
    def base_url(self) -> str | None:
        """Address of the service, None for the provider's own or where there is none."""

    @property
    def params(self) -> Mapping[str, Any]:
        """Options beyond the request's that change what is sent; JSON values, never a secret."""

    def method_for(self, request: Request) -> Method:
        """How structured output will be asked for."""

    async def ask(self, request: Request) -> Reply:
        """Make one call.

        Raises
        ------
        CallError
            The call brought no answer.
        """
