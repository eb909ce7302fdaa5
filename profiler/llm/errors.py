"""Providers' exceptions put into the few words that the transport knows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from profiler.llm.port import CallError

_NO_QUOTA = ("insufficient_quota", "billing_hard_limit", "credit balance is too low")
_NO_METHOD = ("response_format", "json_schema", "structured output")
_NO_CREDIT = "the account has no credit left: top it up, then run again"
_REFUSED = {
    401: "the key is wrong or missing: set the provider's environment variable "
    "(OPENAI_API_KEY for openai)",
    402: _NO_CREDIT,
    403: "the key may not use this model or service: check its permissions",
    404: "there is no such model or address: check --llm and --base-url",
}
MAX_MESSAGE = 300


def as_call_error(error: BaseException, model: str) -> CallError:
    """Translate a provider's exception; what is not known counts as a broken connection or bug.

    Returns
    -------
    CallError
        Without the original exception, whose request may hold the key.

    Raises
    ------
    BaseException
        The error itself, if it is no failure of a call: a bug must not look like bad weather.
    """
    status = _status(error)
    headers = _headers(error)
    message = _message(error)
    if status is None:
        return CallError(_unanswered(error), message)
    refused = _refusal(status, message, error)
    if refused is not None:
        return CallError("provider_refused", f"{model}: {refused} ({message})", status_code=status)
    outcome = {408: "timeout", 409: "conflict", 429: "rate_limited"}.get(
        status, "server_error" if status >= 500 else "bad_request"
    )
    return CallError(
        outcome, message, status_code=status, retry_after=retry_after(headers), headers=headers
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by ``retry-after-ms`` or ``retry-after`` (seconds or a date)."""
    for name, scale in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if not value:
            continue
        try:
            return max(float(value) * scale, 0.0)
        except ValueError:
            pass
        try:
            when = parsedate_to_datetime(value)
        except ValueError:
            continue
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return max((when - datetime.now(UTC)).total_seconds(), 0.0)
    return None


def _refusal(status: int, message: str, error: BaseException) -> str | None:
    """Why no call can succeed and what to do about it; None if another may."""
    said = f"{message} {getattr(error, 'code', '') or ''}".lower()
    if any(mark in said for mark in _NO_QUOTA):
        return _NO_CREDIT
    if status == 400 and any(mark in said for mark in _NO_METHOD):
        return "the model does not take this response format: try --method json_mode or text"
    return _REFUSED.get(status)


def _unanswered(error: BaseException) -> str:
    names = {base.__name__ for one in _chain(error) for base in type(one).__mro__}
    if names & {"TimeoutError", "TimeoutException", "APITimeoutError"}:
        return "timeout"
    if names & {"APIConnectionError", "RequestError", "ConnectionError", "OSError"}:
        return "connection"
    # An answer that the provider's client cannot read: a gateway's error page, half a body.
    if names & {"APIError", "JSONDecodeError", "APIResponseValidationError"}:
        return "server_error"
    if isinstance(error, ValueError | TypeError | KeyError) and _from_client(error):
        return "server_error"
    raise error


def _from_client(error: BaseException) -> bool:
    """Whether the error arose in a provider's package while it read an answer."""
    trace = error.__traceback__
    place = ""
    while trace is not None:
        place = str(trace.tb_frame.f_globals.get("__name__", ""))
        trace = trace.tb_next
    return place.startswith(("langchain_", "openai", "anthropic", "google", "json"))


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in found:
        found.append(one)
        one = one.__cause__ or one.__context__
    return found


def _status(error: BaseException) -> int | None:
    for one in _chain(error):
        for holder in (one, getattr(one, "response", None)):
            status = getattr(holder, "status_code", None)
            if isinstance(status, int):
                return status
    return None


def _headers(error: BaseException) -> dict[str, str]:
    for one in _chain(error):
        headers: Any = getattr(getattr(one, "response", None), "headers", None)
        if headers is not None:
            return {str(name).lower(): str(value) for name, value in dict(headers).items()}
    return {}


def _message(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"
