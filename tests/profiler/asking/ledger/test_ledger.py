"""One ledger for all calls: leases outlast slow services, whoever asks."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from profiler.answering.agent import Answer, AnsweringOptions, ask
from profiler.asking.ledger import ledger
from profiler.asking.runner import run_asking
from profiler.llm import loops
from prompts import Template
from store.errors import InterruptedRunError
from store.store import Store, open_store
from tests.asking_store import chat, fast, make_store, prices, scalar
from tests.chat_server import ChatServer, scripted
from tests.llm_server import Call, LlmServer, Step
from tests.reading_store import fill

QUESTION = "Who would want refillable pens?"
GOOD = "Customers of the pens group like refills [i1]."
SEARCH = [("search_interests", {"query": "refillable pens"})]


class SlowChat(ChatServer):
    """A server that takes its time for each turn."""

    async def _answer(self, headers, body, writer):  # type: ignore[no-untyped-def]
        await asyncio.sleep(1.2)
        return await super()._answer(headers, body, writer)


@pytest.fixture
def short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "LEASE_S", 0.3)


def answered(store: Store, url: str) -> Answer:
    return ask(store, QUESTION, chat(url), AnsweringOptions(prices=prices()))


@pytest.mark.usefixtures("short_lease")
def test_a_turn_that_outlasts_the_lease_is_not_paid_twice(tmp_path: Path) -> None:
    """Fault: `ask` took a lease of 60 s and never renewed it."""
    path = fill(tmp_path / "s.db")
    found: list[Answer] = []

    def one() -> None:
        with open_store(path) as store:
            found.append(answered(store, server.base_url))

    with SlowChat(scripted(SEARCH, GOOD)) as server:
        first, second = threading.Thread(target=one), threading.Thread(target=one)
        first.start()
        time.sleep(0.7)  # the lease of the first has run out twice by now, were it not renewed
        second.start()
        first.join()
        second.join()
        assert server.record.total == 2
    assert found[0].sentences == found[1].sentences
    assert sum(one.tally.calls for one in found) == 2
    with open_store(path) as store:
        assert scalar(store, "SELECT count(*) FROM leases") == 0
        assert scalar(store, "SELECT count(*) FROM attempts WHERE outcome = 'sent'") == 0


@pytest.mark.usefixtures("short_lease")
def test_a_run_that_outlasts_its_leases_is_not_paid_twice(
    tmp_path: Path, template: Template
) -> None:
    path = tmp_path / "s.db"
    make_store(path, 4).close()

    def one() -> None:
        with open_store(path) as store:
            run_asking(
                store,
                store.subjects.load(),
                chat(server.base_url),
                template=template,
                options=fast(),
            )

    with LlmServer(lambda call: Step(latency=1.2)) as server:
        first, second = threading.Thread(target=one), threading.Thread(target=one)
        first.start()
        time.sleep(0.7)
        second.start()
        first.join()
        second.join()
        assert server.record.total == 4


def test_ask_works_inside_a_running_loop(tmp_path: Path) -> None:
    """Fault: `asyncio.run` in a notebook, whose own loop runs already."""
    path = fill(tmp_path / "s.db")

    async def cell() -> Answer:
        with open_store(path) as store, ChatServer(scripted(SEARCH, GOOD)) as server:
            return answered(store, server.base_url)

    assert [sentence.text for sentence in asyncio.run(cell()).sentences] == [GOOD]


def test_a_question_that_is_stopped_says_so_and_keeps_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fill(tmp_path / "s.db")
    stop = threading.Event()

    def run_sync_and_stop(work, on_signal):  # type: ignore[no-untyped-def]
        threading.Thread(
            target=lambda: (stop.wait(30), loops._shared_loop().call_soon_threadsafe(on_signal))
        ).start()
        return loops.run_sync(work, on_signal)

    monkeypatch.setattr("profiler.answering.agent.run_sync", run_sync_and_stop)

    def second_hangs(call: Call) -> Step:
        if call.nth == 0:
            return Step()
        stop.set()
        return Step(latency=30)

    with open_store(path) as store, ChatServer(scripted(SEARCH)) as server:
        server.script = second_hangs
        with pytest.raises(InterruptedRunError, match="what was answered is kept"):
            answered(store, server.base_url)
        assert scalar(store, "SELECT count(*) FROM leases") == 0
        assert scalar(store, "SELECT count(*) FROM attempts WHERE outcome = 'sent'") == 0
        assert scalar(store, "SELECT count(*) FROM attempts WHERE outcome = 'interrupted'") == 1
        assert scalar(store, "SELECT status FROM runs WHERE kind = 'ask'") == "interrupted"
        assert scalar(store, "SELECT count(*) FROM responses WHERE method = 'tool'") == 1
