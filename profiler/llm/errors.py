"""Providers' exceptions put into the few words that the retries know, by the table errors.yaml."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from profiler.llm.port import CallError

MAX_MESSAGE = 300

_TABLE = Path(__file__).with_name("errors.yaml")
_DELAY = re.compile(r"retrydelay\W{1,4}(\d+(?:\.\d+)?)s", re.IGNORECASE)
_AGAIN_IN = re.compile(
    r"(?:try again|retry) (?:in|after) ((?:\d+(?:\.\d+)?(?:ms|h|m|s)\s?)+|\d+(?:\.\d+)? seconds)",
    re.IGNORECASE,
)
_PART = re.compile(r"(\d+(?:\.\d+)?)\s?(ms|h|m|s)", re.IGNORECASE)
_SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class Rule(BaseModel):
    """One line of the table: which errors it is about and what they mean."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    outcome: str
    status: tuple[int, ...] = ()
    said: tuple[str, ...] = ()
    do: str | None = None

    def fits(self, status: int | None, said: str) -> bool:
        """Whether it is about an error with this status and these words, in lower case."""
        return (not self.status or status in self.status) and (
            not self.said or any(mark in said for mark in self.said)
        )


class Table(BaseModel):
    """The whole table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: tuple[Rule, ...]
    do: dict[str, str]
    unanswered: dict[str, frozenset[str]]
    clients: tuple[str, ...]


@cache
def table() -> Table:
    """The table of errors."""
    return Table.model_validate(yaml.safe_load(_TABLE.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Failure:
    """What a service said instead of an answer.

    Attributes
    ----------
    status
        HTTP status, None where there was none.
    message
        For people, cut.
    said
        All words by which it may be recognised, in lower case: message, code, body.
    headers
        Of the response, in lower case.
    """

    status: int | None
    message: str
    said: str
    headers: Mapping[str, str]

    @property
    def retry_after(self) -> float | None:
        """Seconds that the service asks to wait, by header or body; None where it does not say."""
        told = retry_after(self.headers)
        return _told_in_words(self.said) if told is None else told


def as_call_error(error: BaseException, model: str, key: str = "the provider's key") -> CallError:
    """Translate a provider's exception; what is not known counts as a bug.

    Parameters
    ----------
    error
        What was raised.
    model
        ``provider:model``, for messages.
    key
        Where the key of the provider is read from, for messages.

    Returns
    -------
    CallError
        Without the original exception, whose request may hold the key.

    Raises
    ------
    BaseException
        The error itself, if it is no failure of a call: a bug must not look like bad weather.
    """
    failure = failure_of(error)
    if failure.status is not None:
        return classified(failure, model, key)
    named = {base.__name__ for one in _chain(error) for base in type(one).__mro__}
    for outcome, names in table().unanswered.items():
        if named & names:
            if outcome == "connection":
                said = _with_cause(error)
                return CallError(outcome, said, unreachable=_is_unreachable(error, said))
            return CallError(outcome, failure.message)
    if _from_client(error):
        return _unread(error, model, failure.message)
    raise error


def classified(failure: Failure, model: str, key: str) -> CallError:
    """The failure in the words of the retries, with what to do where nothing else helps."""
    status = failure.status
    rule = next((rule for rule in table().rules if rule.fits(status, failure.said)), None)
    if rule is not None and rule.outcome == "provider_refused":
        do = table().do[rule.do or ""].format(key=key)
        return CallError(
            "provider_refused", f"{model}: {do} ({failure.message})", status_code=status
        )
    outcome = "server_error" if status is not None and status >= 500 else "bad_request"
    return CallError(
        outcome if rule is None else rule.outcome,
        failure.message,
        status_code=status,
        retry_after=failure.retry_after,
        headers=failure.headers,
    )


def failure_of(error: BaseException) -> Failure:
    """What an exception of any provider's package tells of a call."""
    chain = _chain(error)
    status = _status(chain)
    message = " ".join(str(error).split()) or type(error).__name__
    said = [message, *(word for one in chain for word in _words(one))]
    told = next(filter(None, map(_told, chain)), None)
    if told is not None and status is not None:
        message = f"Error code: {status} - {told}"
    return Failure(status, cut(message), " ".join(said).lower(), _headers(chain))


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


def cut(message: str) -> str:
    """The message on one line and of at most :data:`MAX_MESSAGE` characters."""
    text = " ".join(message.split())
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"


def _told_in_words(said: str) -> float | None:
    """Seconds by ``"retryDelay": "34s"`` (Google) or "try again in 1m2.5s" (OpenAI, Groq)."""
    delay = _DELAY.search(said)
    if delay:
        return float(delay[1])
    again = _AGAIN_IN.search(said)
    if again is None:
        return None
    return sum(float(n) * _SECONDS[unit.lower()] for n, unit in _PART.findall(again[1]))


def _unread(error: BaseException, model: str, message: str) -> CallError:
    """An error that arose in a provider's package: in the way it was called, or in an answer."""
    if isinstance(error, TypeError) and "argument" in str(error):
        return CallError(
            "provider_refused",
            f"{model}: the installed package of the provider does not take an option: {message}; "
            "install another version of it",
        )
    return CallError("server_error", message)


def _from_client(error: BaseException) -> bool:
    """Whether the error arose in a provider's package."""
    unreadable = ValueError | TypeError | KeyError | AttributeError | IndexError
    trace = error.__traceback__
    place = ""
    while trace is not None:
        place = str(trace.tb_frame.f_globals.get("__name__", ""))
        trace = trace.tb_next
    return isinstance(error, unreadable) and place.startswith(table().clients)


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in found:
        found.append(one)
        one = one.__cause__ or one.__context__
    return found


def _with_cause(error: BaseException) -> str:
    """What a client says of a broken connection, and what the system said to the client.

    Clients say "Connection error." of a server that is not there and of a cable that is not in.
    """
    first, *causes = [" ".join(str(one).split()) or type(one).__name__ for one in _chain(error)]
    cause = next((words for words in reversed(causes) if words not in first), None)
    return cut(first if cause is None else f"{first} ({cause})")


# What systems say where nobody listens, or where the address has no machine.
_NOBODY = re.compile(
    r"errno (?:111|61|10061)\b|connection refused|connect call failed|name or service not known"
    r"|nodename nor servname|getaddrinfo failed|name resolution",
    re.IGNORECASE,
)


def _is_unreachable(error: BaseException, said: str) -> bool:
    """Whether a connection was refused, or its address is unknown: nobody heard the call."""
    known = (ConnectionRefusedError, socket.gaierror)
    return any(isinstance(one, known) for one in _chain(error)) or bool(_NOBODY.search(said))


def _status(chain: list[BaseException]) -> int | None:
    for one in chain:
        response = getattr(one, "response", None)
        if isinstance(response, dict):  # Amazon's client
            meta = response.get("ResponseMetadata") or {}
            candidates = [meta.get("HTTPStatusCode")]
        else:
            candidates = [
                getattr(one, "status_code", None),
                getattr(response, "status_code", None),
                getattr(one, "code", None),  # Google's clients
            ]
        for status in candidates:
            if isinstance(status, int) and 300 <= status <= 599:
                return int(status)
    return None


def _headers(chain: list[BaseException]) -> dict[str, str]:
    for one in chain:
        response = getattr(one, "response", None)
        if isinstance(response, dict):
            headers: Any = (response.get("ResponseMetadata") or {}).get("HTTPHeaders")
        else:
            headers = getattr(response, "headers", None) or getattr(one, "headers", None)
        if headers is not None:
            return {str(name).lower(): str(value) for name, value in dict(headers).items()}
    return {}


def _told(error: BaseException) -> str | None:
    """What the service itself says in the body of an error, without what is around it."""
    response = getattr(error, "response", None)
    bodies = [getattr(error, "body", None), getattr(error, "details", None)]
    if isinstance(response, dict):  # Amazon's client
        bodies.append(response.get("Error", {}).get("Message"))
    for body in bodies:
        inner = body.get("error", body) if isinstance(body, dict) else body
        text = inner.get("message") if isinstance(inner, dict) else inner
        if isinstance(text, str) and text.strip() and not text.lstrip().startswith("<"):
            return text
    return None


def _words(error: BaseException) -> list[str]:
    """Code, type, status and body of an exception, as far as it has them."""
    names = ("code", "type", "status", "body", "details", "error_code")
    found = [getattr(error, name, None) for name in names]
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        found.append(response.get("Error"))
    return [str(one)[:2_000] for one in found if one and not callable(one)]
