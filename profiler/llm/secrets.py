"""Secrets that this process knows, kept out of all that it says, logs and stores.

A server, a gateway or a library may repeat a key in any text it returns. So every secret is
remembered when it is read, and every message, answer and log record is redacted by what is
remembered.
"""

from __future__ import annotations

import base64
import logging
import os
import re
import threading
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from store.errors import UserError

HIDDEN = "[secret]"
SHORTEST = 4
"""A shorter secret is not looked for: it would be found in every other word."""
SHORTEST_IN_ANSWERS = 8

_NAMES = re.compile(r"(?:API_?KEY|TOKEN|SECRET|PASSWORD|ACCESS_KEY(?:_ID)?)$", re.IGNORECASE)
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")

_lock = threading.Lock()
_known: set[str] = set()
_patterns: dict[int, re.Pattern[str]] = {}
_guarded = False


def remember(*secrets: str | None) -> None:
    """Redact these from now on, also where they are quoted for an address."""
    with _lock:
        for secret in secrets:
            text = (secret or "").strip()
            if len(text) >= SHORTEST:
                _known.update({text, quote(text, safe=""), unquote(text)})
        _patterns.clear()
    _guard_logs()


def remember_environment() -> None:
    """Remember what the environment holds under names of keys, and passwords of proxies."""
    named = [value for name, value in os.environ.items() if _NAMES.search(name)]
    remember(*(value for value in named if len(value.strip()) >= SHORTEST_IN_ANSWERS))
    for name in _PROXIES:
        for spelling in (name, name.lower()):
            without_credentials(os.environ.get(spelling) or "")


def names_secret(name: str) -> bool:
    """Whether a name is that of a key, a token or a password."""
    return _NAMES.search(name) is not None or name.lower() in ("authorization", "headers")


def holds_secret(text: str) -> bool:
    """Whether a text holds a known secret, or an address with a password in it."""
    remember_environment()
    without = without_credentials(text)
    return without != text or redact(text, SHORTEST_IN_ANSWERS) != text


def redact(text: str, shortest: int = SHORTEST) -> str:
    """The text with every known secret of at least ``shortest`` characters hidden."""
    if not any(secret in text for secret in tuple(_known)):
        return text
    pattern = _patterns.get(shortest)
    if pattern is None:
        with _lock:
            pattern = _patterns[shortest] = _compile(_known, shortest)
    return pattern.sub(HIDDEN, text)


def redact_answer(text: str) -> str:
    """The text of an answer with known secrets hidden, but not short words that may be meant."""
    return redact(text, SHORTEST_IN_ANSWERS)


def without_credentials(url: str) -> str:
    """The address without user and password, which are remembered as secrets."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:  # whoever opens it says what is wrong
        return url
    if host == parts.netloc:
        return url
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    both = base64.b64encode(f"{user}:{password}".encode()).decode()
    # A user without a password is a key, as in https://KEY@host.
    remember(password, both, None if password else user, parts.netloc.rpartition("@")[0])
    return urlunsplit(parts._replace(netloc=host))


def key_from(variables: Iterable[str]) -> str | None:
    """Key in the first of these environment variables that is set, without space around it.

    Raises
    ------
    UserError
        It holds what no key holds; the message names the variable and not the value.
    """
    for name in variables:
        value = os.environ.get(name, "").strip()
        if value:
            remember(value)
            return checked_key(value, name)
    return None


def checked_key(key: str, where: str) -> str:
    """Return the key.

    Raises
    ------
    UserError
        It could not be sent: it holds a space, a line break or a letter beyond ASCII.
    """
    for char in key:
        if not "!" <= char <= "~":
            name = {" ": "a space", "\r": "a line break", "\n": "a line break"}.get(
                char, f"the character U+{ord(char):04X}"
            )
            raise UserError(f"{where} holds {name}, which no key holds: copy the key again")
    return key


def _compile(known: Iterable[str], shortest: int) -> re.Pattern[str]:
    wanted = sorted((one for one in known if len(one) >= shortest), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, wanted)) or "(?!)")


def _guard_logs() -> None:
    """Redact every log record that is made from now on: libraries log what servers send."""
    global _guarded
    with _lock:
        if _guarded:
            return
        _guarded = True
    make = logging.getLogRecordFactory()
    formatter = logging.Formatter()

    def redacting(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        try:
            said = record.getMessage()
        except Exception:  # the handler says what is wrong with it
            return record
        clean = redact(said)
        if clean != said:
            record.msg, record.args = clean, ()
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = redact(formatter.formatException(record.exc_info))
        return record

    logging.setLogRecordFactory(redacting)
