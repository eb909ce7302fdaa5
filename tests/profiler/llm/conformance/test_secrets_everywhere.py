"""Keys and passwords that servers repeat are nowhere, whatever service and whatever client."""

from __future__ import annotations

import base64
import io
import logging
import sqlite3
import traceback
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch
from urllib.parse import quote

import pytest

from profiler.asking.runner import run_asking
from profiler.llm.registry import open_chat
from prompts import Template
from store.errors import UserError
from tests.asking_store import fast, make_store
from tests.profiler.llm.conformance.protocols import Answer, sent
from tests.profiler.llm.conformance.services import SERVICES, Service
from tests.profiler.llm.conformance.wire_server import Asked, Sent, WireServer

PASSWORD = "hunter2-password"
AROUND = ["{}\r\n", " {}\n", "\t{} "]
SAME = ("Mistral", "Groq", "DeepSeek", "xAI", "OpenRouter")
"""Called by OpenAI's client, as OpenAI is: looked at by `make test-slow`."""
NUMBERS = [
    pytest.param(number, id=one.name, marks=[pytest.mark.slow] if one.name in SAME else [])
    for number, one in enumerate(SERVICES)
]


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that any library says at DEBUG."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def repeating(service: Service, asked: Asked) -> Sent:
    """Repeats what it was sent: in status, body, header, redirect and answer, a way a subject."""
    told = [value for name, value in asked.headers.items() if "key" in name or "auth" in name]
    said = f"wrong: {' '.join(told)} {service.key} at http://me:{PASSWORD}@proxy{asked.path}"
    line = quote(said, safe=" :/@")
    body = {"error": {"message": said, "code": said}}
    plans = [
        Sent(400, body, {"X-Echo": line}),
        Sent(500, body, {"X-Echo": line}, reason=line),
        Sent(307, body, {"Location": f"http://127.0.0.1:9/?key={quote(service.key)}"}),
        sent(asked, service.protocol, Answer(f"I was sent {said}")),
        Sent(200, f"<html>{said}</html>"),
        Sent(401, body, {"X-Echo": line}, reason=line),
    ]
    return plans[min(asked.subject, len(plans) - 1)]


@pytest.mark.parametrize("number", NUMBERS)
def test_what_a_server_repeats_is_nowhere(
    number: int,
    tmp_path: Path,
    template: Template,
    logged: io.StringIO,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Fault: a gateway that repeats the key in a 401 or 400 leaked it into store and output."""
    service = SERVICES[number]
    if service.missing is not None:
        pytest.skip(service.missing)
    dirty = {**service.keys, service.key_name: AROUND[number % 3].format(service.key)}
    told = ""
    with (
        make_store(tmp_path / "s.db", 6) as store,
        WireServer(lambda asked: repeating(service, asked)) as server,
        patch.dict("os.environ", {**dirty, "HTTPS_PROXY": f"http://me:{PASSWORD}@proxy:1"}),
    ):
        url = server.url + service.address
        if service.package != "boto3":  # Amazon's client takes no credentials in an address
            url = url.replace("://", f"://me:{PASSWORD}@")
        for key in range(6):
            one = [subject for subject in store.subjects.load() if subject.name.endswith(f"u{key}")]
            try:
                port = open_chat(service.spec, base_url=url)
                run_asking(store, one, port, template=template, options=fast(concurrency=1))
            except UserError as error:
                told += "".join(traceback.format_exception(error)) + str(error)
        assert {asked.subject for asked in server.asked} == set(range(6))
        with store.read() as connection:
            told += str(connection.exec_driver_sql("SELECT name, reason FROM subjects").all())
            told += str(connection.exec_driver_sql("SELECT * FROM attempts").all())
        told += repr(port) + repr(vars(port).get("_wording"))
    seen = capfd.readouterr()
    with sqlite3.connect(tmp_path / "s.db") as one_, sqlite3.connect(tmp_path / "copy") as other:
        one_.backup(other)
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert "[secret]" in told + logged.getvalue()
    basic = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
    for secret in (service.key, PASSWORD, basic):
        for where, text in {
            "messages": told,
            "logs": logged.getvalue(),
            "output": seen.out + seen.err,
            "store and backup": stored.decode("latin-1"),
        }.items():
            assert secret not in text, (where, secret)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
@pytest.mark.parametrize("bad", ["sk-one sk-two", "sk-one\nsk-two", "sk-schl\u00fcssel"])
def test_what_is_no_key_is_refused_by_the_name_of_its_variable(service: Service, bad: str) -> None:
    """Fault: a key with a letter beyond ASCII was a traceback."""
    with (
        patch.dict("os.environ", {**service.keys, service.key_name: bad}),
        pytest.raises(UserError, match=f"{service.key_name} holds") as caught,
    ):
        open_chat(service.spec)
    assert bad not in str(caught.value)
