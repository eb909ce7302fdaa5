"""Secrets: read clean, remembered, and hidden in all that is said, logged and stored."""

from __future__ import annotations

import asyncio
import base64
import io
import logging
import sqlite3
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiler.asking.runner import run_asking
from profiler.llm import secrets
from profiler.llm.port import CallError, Reply
from profiler.llm.registry import open_chat
from prompts import Template
from store.errors import UserError
from tests.asking_store import chat, fast, make_store, scalar
from tests.llm_server import Call, LlmServer, Step
from tests.profiler.llm.adapters.test_openai import REQUEST

KEY = "sk-Echoed0123456789abcdef"
PASSWORD = "hunter2pass"


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that any library says at DEBUG."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    names = ["", "openai", "httpx", "httpx2", "httpcore", "httpcore2", "langchain"]
    levels = {name: logging.getLogger(name).level for name in names}
    root.addHandler(handler)
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize("around", ["{}\r\n", "{}\n", " {} ", "\t{}"])
def test_space_around_a_key_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch, around: str) -> None:
    """Fault: a key from a file with CRLF was printed in an error and stored, after six tries."""
    monkeypatch.setenv("OPENAI_API_KEY", around.format(KEY))
    with LlmServer() as server:
        asyncio.run(chat(server.base_url).ask(REQUEST))
        assert server.record.calls[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("sk-one sk-two", "a space"),
        ("sk-one\nsk-two", "a line break"),
        ("sk-schlüssel", r"the character U\+00FC"),
        ("\ufeffsk-marked", r"the character U\+FEFF"),
        ("sk-\u201cquoted\u201d", r"the character U\+201C"),
        ("sk-\x7f", r"the character U\+007F"),
    ],
)
def test_what_is_no_key_is_refused_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, value: str, told: str
) -> None:
    """Fault: a key with a letter beyond ASCII was a traceback."""
    monkeypatch.setenv("OPENAI_API_KEY", value)
    with pytest.raises(UserError, match=f"OPENAI_API_KEY holds {told}") as caught:
        open_chat("openai:gpt-4o-mini")
    assert value not in str(caught.value)


def echoing(call: Call) -> Step:
    """A gateway that repeats what it was sent: in status, body, header, redirect and answer.

    The redirect and the 401 each end a run, so they come after the others and in turn.
    """
    key = call.headers["authorization"]
    said = f"Incorrect credentials: {key} for http://user:{PASSWORD}@proxy"
    plans = [
        Step(status=400, error={"message": said}, headers=(("X-Echo", key),)),
        Step(status=500, error={"message": said}, headers=(("X-Echo", key),)),
        Step(
            status=307,
            error={"message": said},
            headers=(("Location", f"http://x/?k={key}"),),
            latency=0.3,
        )
        if call.nth == 0
        else Step(),
        Step(text=f"I was sent {key}"),
        Step(headers=(("X-Echo", key),)),
        Step(status=401, error={"message": said}, latency=0.6),
    ]
    return plans[call.subject]


def everything_in(path: Path) -> bytes:
    """The store's bytes, its log's, and those of a copy."""
    with sqlite3.connect(path) as one, sqlite3.connect(path.with_suffix(".copy")) as other:
        one.backup(other)
    return b"".join(file.read_bytes() for file in path.parent.iterdir() if file.is_file())


@pytest.mark.parametrize("adapter", [None, "langchain"])
def test_a_key_that_a_server_repeats_is_nowhere(
    tmp_path: Path,
    template: Template,
    logged: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    adapter: str | None,
) -> None:
    """Fault: a gateway that repeats the key in a 401 or 400 leaked it into store and output."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    told = ""
    path = tmp_path / "s.db"
    with make_store(path, 6) as store, LlmServer(echoing) as server:
        url = server.base_url.replace("://", f"://user:{PASSWORD}@")
        port = chat(url, adapter=adapter)
        for _ in range(2):
            with pytest.raises(UserError) as caught:
                run_asking(
                    store,
                    store.subjects.load(),
                    port,
                    template=template,
                    options=fast(concurrency=6),
                )
            told += "".join(traceback.format_exception(caught.value)) + str(caught.value)
        assert "307" in told
        assert "401" in told
        assert {call.subject for call in server.record.calls} == set(range(6))
        reasons = scalar(store, "SELECT group_concat(reason) FROM subjects") or ""
        assert scalar(store, "SELECT count(*) FROM attempts WHERE error LIKE '%[secret]%'") > 0
        assert scalar(store, "SELECT DISTINCT base_url FROM responses") == server.base_url
    seen = capfd.readouterr()
    basic = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
    for text in (told, reasons, logged.getvalue(), seen.out, seen.err, repr(port)):
        for secret in (KEY, PASSWORD, basic):
            assert secret not in text
    assert "127.0.0.1" in logged.getvalue()  # the libraries were really listened to
    for secret in (KEY, PASSWORD, basic):
        assert secret.encode() not in everything_in(path)


def test_a_proxys_password_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:{PASSWORD}x@proxy:3128")
    open_chat("openai:gpt-4o-mini")
    assert secrets.redact(f"cannot connect to http://me:{PASSWORD}x@proxy:3128") == (
        "cannot connect to http://[secret]@proxy:3128"
    )


def test_a_password_is_hidden_as_it_is_written_in_an_address() -> None:
    assert secrets.without_credentials("http://u:p%40ss%3Aword@host/v1?a=b") == "http://host/v1?a=b"
    assert "p@ss:word" not in secrets.redact("logged in with p@ss:word")
    assert "p%40ss%3Aword" not in secrets.redact("at http://u:p%40ss%3Aword@host")
    assert secrets.without_credentials("http://host/v1") == "http://host/v1"
    assert secrets.without_credentials("http://[bad") == "http://[bad"


def test_errors_and_answers_are_redacted_wherever_they_are_made() -> None:
    secrets.remember("sk-made-anywhere-1")
    error = CallError("server_error", "no sk-made-anywhere-1", headers={"a": "sk-made-anywhere-1"})
    assert (str(error), error.headers["a"]) == ("no [secret]", "[secret]")
    reply = Reply("it is sk-made-anywhere-1", reasoning="sk-made-anywhere-1?")
    assert (reply.text, reply.reasoning) == ("it is [secret]", "[secret]?")


def test_a_short_word_in_an_answer_is_no_secret() -> None:
    secrets.remember("pens")
    assert Reply("likes pens").text == "likes pens"
    assert secrets.redact("password pens") == "password [secret]"


def test_a_traceback_in_a_log_is_redacted(logged: io.StringIO) -> None:
    secrets.remember("sk-in-a-traceback")
    try:
        raise ValueError("bad header sk-in-a-traceback")
    except ValueError:
        logging.getLogger("some.library").exception("failed with %s", "sk-in-a-traceback")
    assert "bad header [secret]" in logged.getvalue()
    assert "sk-in-a-traceback" not in logged.getvalue()
