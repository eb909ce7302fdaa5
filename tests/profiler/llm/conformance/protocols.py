"""What each service sends: answers in its own form, and its errors in its own words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.profiler.llm.conformance.wire_server import Asked, Sent

IN, CACHED, OUT, THOUGHT = 900, 300, 120, 40
"""Tokens that every server bills: ``IN`` with the cached ones, ``OUT`` with the thoughts."""

REFUSAL = "I cannot help with that."
THINKING = 'Let me see: {"interests": []} would be too little.'


@dataclass(frozen=True)
class Answer:
    """What an answer says, whatever its form: ``ending`` is one of the protocols' keys."""

    text: str
    ending: str = "whole"
    thinking: str | None = None


@dataclass(frozen=True)
class Protocol:
    """One form of calls and answers.

    Attributes
    ----------
    path
        End of the address that is called.
    answer
        The body of an answer.
    error
        The body of an error, from the status, a kind of error and what it says.
    hint
        Headers and words of a 429 that tell how long to wait: 0.05 seconds.
    """

    path: str
    answer: Callable[[Answer], Any]
    error: Callable[[int, str, str], Any]
    hint: tuple[dict[str, str], str] = ({"retry-after": "0.05"}, "slow down")
    headers: dict[str, str] = field(default_factory=dict)


def completions(endings: dict[str, str], *, parts: bool = False) -> Callable[[Answer], Any]:
    """Answers of OpenAI's chat completions; reasoning as DeepSeek and others tell it."""

    def body(answer: Answer) -> Any:
        message: dict[str, Any] = {"role": "assistant", "content": answer.text}
        if answer.ending == "refused":
            message |= {"content": None, "refusal": REFUSAL}
        if answer.thinking and parts:
            thought = {"type": "thinking", "thinking": [{"type": "text", "text": answer.thinking}]}
            message["content"] = [thought, {"type": "text", "text": answer.text}]
        elif answer.thinking:
            message["reasoning_content"] = answer.thinking
        return {
            "id": "c-1",
            "object": "chat.completion",
            "created": 1,
            "model": "the-model-that-answered",
            "choices": [{"index": 0, "message": message, "finish_reason": endings[answer.ending]}],
            "usage": {
                "prompt_tokens": IN,
                "completion_tokens": OUT,
                "total_tokens": IN + OUT,
                "prompt_tokens_details": {"cached_tokens": CACHED},
            },
        }

    return body


def xai(answer: Answer) -> Any:
    """xAI counts the tokens of its reasoning in the total alone."""
    body = completions(OPENAI_ENDINGS)(answer)
    body["usage"]["completion_tokens"] = OUT - THOUGHT
    return body


def openrouter(answer: Answer) -> Any:
    """OpenRouter tells what it cost: what the suite's prices would make it, and a cent more."""
    body = completions({**OPENAI_ENDINGS, "broken": "error"})(answer)
    body["usage"]["cost"] = 0.01114
    return body


def responses(answer: Answer) -> Any:
    """OpenAI's responses."""
    text: dict[str, Any] = {"type": "output_text", "text": answer.text, "annotations": []}
    if answer.ending == "refused":
        text = {"type": "refusal", "refusal": REFUSAL}
    output: list[Any] = [{"type": "message", "role": "assistant", "content": [text]}]
    if answer.thinking:
        summary = [{"type": "summary_text", "text": answer.thinking}]
        output.insert(0, {"type": "reasoning", "id": "r", "summary": summary})
    why = {"truncated": "max_output_tokens", "filtered": "content_filter"}.get(answer.ending)
    return {
        "id": "r-1",
        "object": "response",
        "status": "incomplete" if why else "failed" if answer.ending == "broken" else "completed",
        "incomplete_details": {"reason": why} if why else None,
        "error": None,
        "model": "the-model-that-answered",
        "output": output,
        "usage": {
            "input_tokens": IN,
            "input_tokens_details": {"cached_tokens": CACHED},
            "output_tokens": OUT,
            "total_tokens": IN + OUT,
        },
    }


def anthropic(answer: Answer) -> Any:
    """Anthropic's messages."""
    content: list[dict[str, Any]] = [{"type": "text", "text": answer.text}]
    if answer.thinking:
        content.insert(0, {"type": "thinking", "thinking": answer.thinking, "signature": "x"})
    reasons = {
        "whole": "end_turn",
        "truncated": "max_tokens",
        "refused": "refusal",
        "filtered": "refusal",
        "broken": "pause_turn",
        "context": "model_context_window_exceeded",
    }
    refused = reasons[answer.ending] == "refusal"
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "the-model-that-answered",
        "content": [] if refused else content,
        "stop_reason": reasons[answer.ending],
        "stop_details": {"type": "refusal", "explanation": REFUSAL} if refused else None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": IN - CACHED,
            "cache_read_input_tokens": CACHED,
            "cache_creation_input_tokens": 0,
            "output_tokens": OUT,
        },
    }


def gemini(answer: Answer) -> Any:
    """Gemini's answers; a prompt that is filtered has no candidates."""
    usage = {
        "promptTokenCount": IN,
        "cachedContentTokenCount": CACHED,
        "candidatesTokenCount": OUT - THOUGHT,
        "thoughtsTokenCount": THOUGHT,
        "totalTokenCount": IN + OUT,
    }
    if answer.ending == "filtered":
        usage = {"promptTokenCount": IN, "totalTokenCount": IN}
        blocked = {"blockReason": "PROHIBITED_CONTENT"}
        return {"promptFeedback": blocked, "usageMetadata": usage, "modelVersion": "m"}
    parts: list[dict[str, Any]] = [{"text": answer.text}]
    if answer.thinking:
        parts.insert(0, {"text": answer.thinking, "thought": True})
    reasons = {
        "whole": "STOP",
        "truncated": "MAX_TOKENS",
        "refused": "SAFETY",
        "broken": "MALFORMED_FUNCTION_CALL",
    }
    candidate: dict[str, Any] = {"finishReason": reasons[answer.ending], "index": 0}
    if answer.ending != "refused":
        candidate["content"] = {"role": "model", "parts": parts}
    return {
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": "the-model-that-answered",
    }


def ollama(answer: Answer) -> Any:
    """Ollama's chats; it knows neither refusals nor filters."""
    message = {"role": "assistant", "content": answer.text}
    if answer.thinking:
        message["thinking"] = answer.thinking
    return {
        "model": "the-model-that-answered",
        "created_at": "2026-12-01T00:00:00Z",
        "message": message,
        "done": True,
        "done_reason": {"whole": "stop", "truncated": "length", "broken": "load"}[answer.ending],
        "prompt_eval_count": IN,
        "eval_count": OUT,
        "total_duration": 1,
    }


def bedrock(answer: Answer) -> Any:
    """Bedrock's conversations."""
    content: list[dict[str, Any]] = [{"text": answer.text}]
    if answer.thinking:
        thought = {"reasoningText": {"text": answer.thinking, "signature": "x"}}
        content.insert(0, {"reasoningContent": thought})
    reasons = {
        "whole": "end_turn",
        "truncated": "max_tokens",
        "refused": "guardrail_intervened",
        "filtered": "content_filtered",
        "broken": "malformed_model_output",
        "context": "model_context_window_exceeded",
    }
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": reasons[answer.ending],
        "usage": {
            "inputTokens": IN - CACHED,
            "cacheReadInputTokens": CACHED,
            "outputTokens": OUT,
            "totalTokens": IN + OUT,
        },
        "metrics": {"latencyMs": 1},
    }


def openai_error(status: int, code: str, message: str) -> Any:
    return {"error": {"message": message, "type": "error", "param": None, "code": code}}


def anthropic_error(status: int, code: str, message: str) -> Any:
    return {"type": "error", "error": {"type": code, "message": message}, "request_id": "req_1"}


def google_error(status: int, code: str, message: str) -> Any:
    return {"error": {"code": status, "message": message, "status": code, "details": []}}


def google_hint() -> tuple[dict[str, str], str]:
    """A RetryInfo among the details; the words are put there by :func:`google_limit`."""
    return {}, "retryDelay"


def google_limit(status: int, code: str, message: str) -> Any:
    """Gemini's 429: how long to wait stands in the body."""
    body = google_error(status, code, message)
    if message == "retryDelay":
        kind = "type.googleapis.com/google.rpc.RetryInfo"
        body["error"]["details"] = [{"@type": kind, "retryDelay": "0.05s"}]
    return body


def plain_error(status: int, code: str, message: str) -> Any:
    """Mistral's and Ollama's short forms."""
    return {"error": message, "message": message}


def mistral_error(status: int, code: str, message: str) -> Any:
    return {"object": "error", "message": message, "type": code, "param": None, "code": str(status)}


def xai_error(status: int, code: str, message: str) -> Any:
    return {"code": code, "error": message}


def bedrock_error(status: int, code: str, message: str) -> Any:
    return {"message": message, "__type": code}


OPENAI_ENDINGS = {
    "whole": "stop",
    "truncated": "length",
    "refused": "stop",
    "filtered": "content_filter",
    "broken": "error",
}

CHAT = Protocol("/chat/completions", completions(OPENAI_ENDINGS), openai_error)
RESPONSES = Protocol("/responses", responses, openai_error)
DEEPSEEK = Protocol(
    "/chat/completions",
    completions({**OPENAI_ENDINGS, "broken": "insufficient_system_resource"}),
    openai_error,
)
GROQ = Protocol(
    "/chat/completions",
    completions(OPENAI_ENDINGS),
    openai_error,
    ({}, "Rate limit reached on tokens per minute. Please try again in 50ms."),
)
XAI = Protocol("/chat/completions", xai, xai_error)
OPENROUTER = Protocol("/chat/completions", openrouter, openai_error)
MISTRAL = Protocol(
    "/chat/completions",
    completions({**OPENAI_ENDINGS, "broken": "error"}, parts=True),
    mistral_error,
)
ANTHROPIC = Protocol("/v1/messages", anthropic, anthropic_error)
GEMINI = Protocol(":generateContent", gemini, google_limit, google_hint())
OLLAMA = Protocol("/api/chat", ollama, plain_error)
BEDROCK = Protocol("/converse", bedrock, bedrock_error)


def sent(asked: Asked, protocol: Protocol, answer: Answer) -> Sent:
    """An answer as it goes over the wire; a call to another address is not answered."""
    if not asked.path.partition("?")[0].endswith(protocol.path):
        return Sent(404, {"message": f"no such path: {asked.path}"})
    return Sent(200, protocol.answer(answer), protocol.headers)


def sent_error(
    protocol: Protocol, status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> Sent:
    """An error as it goes over the wire."""
    body = protocol.error(status, code, message)
    extra = dict(headers or {})
    if protocol is BEDROCK:
        extra["x-amzn-ErrorType"] = code
    return Sent(status, body, extra)
