"""Why services say that an answer ended: one list for all of them.

A reason that is in no list is never taken for a whole answer.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

Ending: TypeAlias = Literal["whole", "truncated", "refused", "failed", "unknown"]

_ENDINGS: dict[Ending, tuple[str, ...]] = {
    "whole": (
        *("stop", "tool_calls", "function_call"),  # OpenAI and those that speak its protocol
        *("end_turn", "stop_sequence", "tool_use"),  # Anthropic, Bedrock
        *("completed", "complete", "tool_call", "stop_sequences"),  # Responses, Cohere
        *("eos", "eos_token", "end", "done"),  # local servers
    ),
    "truncated": (
        *("length", "max_tokens", "max_output_tokens", "incomplete"),
        *("model_length", "max_length", "max_len"),  # Mistral, local servers
        "model_context_window_exceeded",  # Anthropic, Bedrock
    ),
    "refused": (
        *("content_filter", "refusal"),
        *("safety", "blocklist", "prohibited_content", "recitation", "spii", "image_safety"),
        *("language", "content_filtered", "guardrail_intervened", "model_armor"),
    ),
    # The service broke off; the same request may succeed.
    "failed": (
        *("error", "failed", "cancelled", "canceled", "abort", "aborted", "timeout"),
        "insufficient_system_resource",  # DeepSeek
        *("pause_turn", "load", "unload"),  # Anthropic, Ollama
        *("malformed_function_call", "unexpected_tool_call", "other"),  # Google
        *("malformed_model_output", "malformed_tool_use"),  # Bedrock
    ),
}
_BY_REASON = {reason: ending for ending, reasons in _ENDINGS.items() for reason in reasons}


def ending_of(reason: str | None) -> Ending:
    """What a service's reason means; an answer whose service tells none counts as whole."""
    if not reason or not reason.strip():
        return "whole"
    # Google's packages write FinishReason.MAX_TOKENS, or a number that none of ours is.
    return _BY_REASON.get(reason.strip().lower().rpartition(".")[2], "unknown")
