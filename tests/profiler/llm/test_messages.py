"""What a provider says is cut before it is kept or shown, and told with its cause."""

from __future__ import annotations

import httpx

from profiler.llm.errors import MAX_MESSAGE, as_call_error


def test_a_message_that_echoes_the_whole_question_is_cut() -> None:
    """Mutant: no cap, so that a provider's echo of the prompt lands in the ledger and in logs."""
    error = as_call_error(ConnectionError("your prompt was: " + "x" * 10_000), "openai:m")
    assert len(str(error)) <= MAX_MESSAGE + 100
    assert "x" * (MAX_MESSAGE + 1) not in str(error)


def test_a_server_that_is_not_there_is_told_with_what_the_system_said() -> None:
    """Fault: an address that nobody listens at was "Connection error." and nothing more."""
    from openai import APIConnectionError

    broken = APIConnectionError(request=httpx.Request("POST", "http://127.0.0.1:9/v1"))
    broken.__cause__ = httpx.ConnectError("All attempts failed")
    broken.__cause__.__cause__ = ConnectionRefusedError(111, "Connection refused")
    told = as_call_error(broken, "openai:m")
    assert (told.outcome, str(told)) == (
        "connection",
        "Connection error. ([Errno 111] Connection refused)",
    )
