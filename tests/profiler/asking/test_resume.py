"""Killed, split in two, started again: nothing is lost and nothing is paid twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from profiler.asking.options import AskingOptions
from profiler.asking.questions import CORRECTION, boundary_key, make_request
from profiler.asking.runner import run_asking
from profiler.asking.subjects import shown_subjects
from profiler.llm.port import address as request_digest
from prompts import Template
from store.store import Store, open_store
from store.tables.ledger import NewResponse
from tests.asking_store import MODEL, chat, contents, fast, make_store, scalar
from tests.llm_server import Call, LlmServer, Step

ROOT = Path(__file__).resolve().parents[3]

# A program of its own, so that it can be killed: asks until done, and says what was acknowledged.
PROGRAM = """
import sys
from prompts import load_template
from profiler.asking.runner import run_asking
from store.store import open_store
from tests.asking_store import chat, fast
with open_store(sys.argv[1]) as store:
    def told(summary):
        print(summary.ok, flush=True)
    print("ready", flush=True)
    run_asking(store, store.subjects.load(), chat(sys.argv[2], timeout=5), progress=told,
               template=load_template("exemplar_interests"), options=fast(concurrency=4))
"""

# Forks such a program for each line it reads, so that two hundred do not import two hundred times.
FORKS = """
import os, sys
import langchain_openai, openai
from prompts import load_template
from profiler.llm.registry import open_chat
from profiler.asking.runner import run_asking
from store.store import open_store
from tests.asking_store import chat, fast
print("up", flush=True)
for line in sys.stdin:
    pid = os.fork()
    if pid:
        print(pid, flush=True)
        os.waitpid(pid, 0)
        print("gone", flush=True)
        continue
    said = os.open(sys.argv[3], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    with open_store(sys.argv[1]) as store:
        run_asking(store, store.subjects.load(), chat(sys.argv[2], timeout=5),
                   template=load_template("exemplar_interests"), options=fast(concurrency=4),
                   progress=lambda summary: os.write(said, b"%d\\n" % summary.ok))
    os._exit(0)
"""


def start(path: Path, server: LlmServer) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path), server.base_url],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@contextmanager
def forks(path: Path, server: LlmServer, said: Path) -> Iterator[Callable[[float], None]]:
    """A function that runs the program for some seconds and then kills it."""
    parent = subprocess.Popen(
        [sys.executable, "-c", FORKS, str(path), server.base_url, str(said)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    assert parent.stdout.readline() == "up\n"

    def kill_after(seconds: float) -> None:
        parent.stdin.write("go\n")
        parent.stdin.flush()
        child = int(parent.stdout.readline())
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        assert parent.stdout.readline() == "gone\n"

    try:
        yield kill_after
    finally:
        parent.kill()
        parent.wait()


def flaky(call: Call) -> Step:
    """Now and then something has to be asked twice.

    Spoilt answers depend on what is asked, not on how often: a call that was under way at a kill
    must not change how many answers the rest of the run needs.
    """
    limit = call.body.get("max_completion_tokens") or call.body["max_tokens"]
    if call.subject % 7 == 0 and CORRECTION not in call.text:
        return Step("prose")
    if call.subject % 7 == 1 and limit <= AskingOptions().max_tokens:
        return Step("truncated")
    return Step("server_error") if call.subject % 7 == 2 and call.nth == 0 else Step()


def consistent(store: Store) -> None:
    """No half-written subject: ok exactly where there are interests, each with evidence."""
    assert scalar(store, "PRAGMA integrity_check") == "ok"
    assert (
        scalar(
            store,
            "SELECT count(*) FROM subjects s WHERE (state = 'ok') <> EXISTS "
            "(SELECT 1 FROM interests n WHERE n.subject_id = s.subject_id)",
        )
        == 0
    )
    assert (
        scalar(
            store,
            "SELECT count(*) FROM interests WHERE interest_id NOT IN "
            "(SELECT interest_id FROM evidence)",
        )
        == 0
    )
    assert (
        scalar(
            store,
            "SELECT count(*) FROM (SELECT count(*) AS n FROM interests "
            "GROUP BY subject_id) WHERE n <> 2",
        )
        == 0
    )
    assert (
        scalar(
            store,
            "SELECT count(*) FROM attempts WHERE outcome = 'answered' AND response_id IS NULL",
        )
        == 0
    )


def kill_and_resume(folder: Path, template: Template, kills: int, subjects: int) -> None:
    with make_store(folder / "clean.db", subjects) as store, LlmServer(flaky) as server:
        run_asking(
            store, store.subjects.load(), chat(server.base_url), template=template, options=fast()
        )
        expected, needed = contents(store), server.record.answered.total()

    path, draw, said = folder / "killed.db", random.Random(3), folder / "said"
    make_store(path, subjects).close()
    with LlmServer(flaky, latency=0.01) as server, forks(path, server, said) as kill_after:
        for number in range(1, kills + 1):
            said.write_text("0\n")
            kill_after(draw.uniform(0.0, 0.8))
            with open_store(path) as store:
                consistent(store)
                ok = scalar(store, "SELECT count(*) FROM subjects WHERE state = 'ok'")
                assert ok >= int(said.read_text().split()[-1])  # what was acknowledged is there
                stored = scalar(store, "SELECT count(*) FROM responses")
            lost = server.record.answered.total() - stored
            assert lost <= 4 * number  # only calls under way at a kill
        before, stored_before = server.record.answered.total(), stored
        with open_store(path) as store:
            summary = run_asking(
                store,
                store.subjects.load(),
                chat(server.base_url),
                template=template,
                options=fast(),
            )
            assert (summary.ok, summary.pending) == (subjects, 0)
            assert contents(store) == expected
            # Exactly the missing answers were bought.
            assert server.record.answered.total() - before == needed - stored_before
            assert scalar(store, "SELECT count(*) FROM responses") == needed
            assert (
                scalar(
                    store,
                    "SELECT count(*) FROM (SELECT 1 FROM responses "
                    "GROUP BY request_digest HAVING count(*) > 1)",
                )
                == 0
            )


def test_kill_and_resume(tmp_path: Path, template: Template) -> None:
    kill_and_resume(tmp_path, template, kills=10, subjects=300)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_hundred_kills(tmp_path: Path, template: Template) -> None:
    kill_and_resume(tmp_path, template, kills=200, subjects=6_000)


@pytest.mark.parametrize("done", [0, 1, 37, 50, 99, 100])
def test_resume_makes_exactly_the_missing_calls(
    tmp_path: Path, template: Template, done: int
) -> None:
    with make_store(tmp_path / "a.db", 100) as store, LlmServer() as server:
        port = chat(server.base_url)
        subjects = store.subjects.load()
        run_asking(store, subjects[:done], port, template=template, options=fast())
        assert server.record.total == done
        run_asking(store, store.subjects.load(), port, template=template, options=fast())
        assert server.record.total == 100
        run_asking(store, store.subjects.load(), port, template=template, options=fast())
        assert server.record.total == 100


def test_a_stored_but_unread_answer_is_read_without_a_call(
    tmp_path: Path, template: Template
) -> None:
    """The crash between storing and reading: the answer is there, the subject still pending."""
    with make_store(tmp_path / "a.db", 3) as store, LlmServer() as server:
        port, options = chat(server.base_url), fast()
        run_asking(store, store.subjects.load(), port, template=template, options=options)
        expected = contents(store)
        with store.write() as connection:
            connection.exec_driver_sql("UPDATE subjects SET state = 'pending'")
            connection.exec_driver_sql("DELETE FROM interests")
            connection.exec_driver_sql("UPDATE responses SET outcome = 'unread', detail = '{}'")
        summary = run_asking(store, store.subjects.load(), port, template=template, options=options)
        assert (summary.calls, summary.cached, summary.ok) == (0, 3, 3)
        assert server.record.total == 3
        assert contents(store) == expected


def test_two_processes_never_pay_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    make_store(path, 150).close()
    with LlmServer(latency=0.02) as server:
        programs = [start(path, server) for _ in range(2)]
        outcomes = [program.communicate(timeout=60) for program in programs]
        assert [program.returncode for program in programs] == [0, 0], outcomes
        assert server.record.total == 150
        assert max(server.record.by_subject.values()) == 1
    with open_store(path) as store:
        assert store.subjects.counts() == {"exemplar": {"ok": 150}}
        assert scalar(store, "SELECT count(*) FROM leases") == 0
        assert scalar(store, "SELECT count(*) FROM responses") == 150
    assert "locked" not in str(outcomes)


# The promise is two seconds (and the interpreter's own end); a busy machine gets the long bound.
@pytest.mark.parametrize("most", [15, pytest.param(2.5, marks=pytest.mark.slow)])
def test_ctrl_c_does_not_wait_for_calls_under_way(tmp_path: Path, most: float) -> None:
    path = tmp_path / "a.db"
    make_store(path, 50).close()
    with LlmServer(lambda call: Step(latency=0.01 if call.total < 10 else 30)) as server:
        program = start(path, server)
        assert program.stdout is not None
        while (line := program.stdout.readline().strip()) != "10":
            assert line
        program.send_signal(signal.SIGINT)
        pressed = time.monotonic()
        _, errors = program.communicate(timeout=20)
        # Far sooner than the 30 seconds the calls under way would take, on a busy machine too.
        assert time.monotonic() - pressed < most
    assert "InterruptedRunError" in errors
    with open_store(path) as store:
        consistent(store)
        assert scalar(store, "SELECT count(*) FROM leases") == 0


def test_an_answer_bought_elsewhere_saves_the_call(tmp_path: Path, template: Template) -> None:
    with make_store(tmp_path / "a.db", 1) as store, LlmServer() as server:
        port, options = chat(server.base_url), fast()
        request = make_request(
            shown_subjects(store, store.subjects.load())[0],
            template,
            token_budget=options.token_budget,
            cut="recent",
            boundary_key=boundary_key(store),
            max_tokens=options.max_tokens,
        )
        text = '{"interests": [{"label": "L", "description": "D.", "evidence": [1]}]}'
        store.responses.add(NewResponse(request_digest(port, request), None, 1, None, MODEL, text))
        summary = run_asking(store, store.subjects.load(), port, template=template, options=options)
        assert (summary.ok, summary.cached, server.record.total) == (1, 1, 0)
