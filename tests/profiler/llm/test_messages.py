"""A provider's message is cut before it is kept or shown."""

from __future__ import annotations

from profiler.llm.errors import MAX_MESSAGE, as_call_error


def test_a_message_that_echoes_the_whole_question_is_cut() -> None:
    """Mutant: no cap, so that a provider's echo of the prompt lands in the ledger and in logs."""
    error = as_call_error(ConnectionError("your prompt was: " + "x" * 10_000), "openai:m")
    assert len(str(error)) <= MAX_MESSAGE + 100
    assert "x" * (MAX_MESSAGE + 1) not in str(error)
