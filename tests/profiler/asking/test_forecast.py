"""The forecast beside what the run then took."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiler.asking.forecast import forecast
from profiler.asking.runner import run_asking
from profiler.llm.budget import Caps
from profiler.llm.prices import Prices
from prompts import Template
from store.errors import BudgetReachedError
from tests.asking_store import MODEL, chat, fast, make_store, prices, scalar
from tests.llm_server import Call, LlmServer, Step


def sometimes_wrong(call: Call) -> Step:
    """One subject in ten is answered badly first; lengths of answers differ."""
    kind = "prose" if call.subject % 10 == 3 and call.nth == 0 else "valid"
    return Step(kind, tokens_out=120 + call.subject * 37 % 160)


@pytest.mark.parametrize("items", [5, 30])
def test_within_fifteen_percent_after_a_pilot(
    tmp_path: Path, template: Template, items: int
) -> None:
    with (
        make_store(tmp_path / "a.db", 150, items=items) as store,
        LlmServer(sometimes_wrong) as server,
    ):
        port = chat(server.base_url)
        with pytest.raises(BudgetReachedError):
            run_asking(
                store,
                store.subjects.load(),
                port,
                template=template,
                options=fast(caps=Caps(calls=30)),
            )
        told = forecast(store, store.subjects.load(), port, template=template, options=fast())
        assert server.record.total == 30  # nothing was sent for it
        assert told.calibrated
        server.reset()
        before = store.responses.spent()
        run_asking(store, store.subjects.load(), port, template=template, options=fast())
        spent = store.responses.spent()

    record = server.record
    tokens = record.tokens_in + record.tokens_out
    assert told.calls.low <= record.total <= told.calls.most
    assert told.calls.expected == pytest.approx(record.total, rel=0.15)
    assert told.tokens_in.expected + told.tokens_out.expected == pytest.approx(tokens, rel=0.15)
    assert told.tokens_in.low <= record.tokens_in <= told.tokens_in.most
    assert told.tokens_out.low <= record.tokens_out <= told.tokens_out.most
    assert told.usd is not None
    assert told.usd.expected == pytest.approx(spent.usd - before.usd, rel=0.15)


def test_without_earlier_answers_prompts_are_still_within_fifteen_percent(
    tmp_path: Path, template: Template
) -> None:
    with make_store(tmp_path / "a.db", 40, items=20) as store, LlmServer() as server:
        port = chat(server.base_url)
        told = forecast(store, store.subjects.load(), port, template=template, options=fast())
        assert server.record.total == 0
        assert not told.calibrated
        assert "rule of thumb" in told.in_words()
        run_asking(store, store.subjects.load(), port, template=template, options=fast())
    assert told.calls.low == server.record.total
    assert told.tokens_in.expected == pytest.approx(server.record.tokens_in, rel=0.15)
    assert server.record.tokens_out <= told.tokens_out.most


def test_stored_answers_cost_nothing(tmp_path: Path, template: Template) -> None:
    with make_store(tmp_path / "a.db", 10) as store, LlmServer() as server:
        port = chat(server.base_url)
        run_asking(store, store.subjects.load()[:4], port, template=template, options=fast())
        with store.write() as connection:
            connection.exec_driver_sql("UPDATE subjects SET state = 'pending'")
        told = forecast(store, store.subjects.load(), port, template=template, options=fast())
    assert (told.subjects, told.stored, told.calls.low) == (10, 4, 6)


def test_a_broken_off_conversation_counts_what_is_missing(
    tmp_path: Path, template: Template
) -> None:
    def script(call: Call) -> Step:
        return Step("prose" if call.nth == 0 else "valid")

    with make_store(tmp_path / "a.db", 3) as store, LlmServer(script) as server:
        port, options = chat(server.base_url), fast(caps=Caps(calls=3), concurrency=8)
        with pytest.raises(BudgetReachedError):
            run_asking(store, store.subjects.load(), port, template=template, options=options)
        told = forecast(store, store.subjects.load(), port, template=template, options=fast())
        assert told.calls.low == 3 - store.subjects.counts()["exemplar"].get("ok", 0)


def test_an_unknown_price_is_said(tmp_path: Path, template: Template) -> None:
    with make_store(tmp_path / "a.db", 1) as store:
        told = forecast(
            store,
            store.subjects.load(),
            chat("http://models.example.org/v1"),
            template=template,
            options=fast(prices=Prices({}, {})),
        )
        assert told.usd is None
        assert MODEL in told.in_words()
        assert "unknown" in told.in_words()
        priced = forecast(
            store,
            store.subjects.load(),
            chat("http://models.example.org/v1"),
            template=template,
            options=fast(prices=prices(3, 9)),
        )
        assert priced.usd is not None
        assert priced.usd.low <= priced.usd.expected <= priced.usd.most
        assert scalar(store, "SELECT count(*) FROM attempts") == 0
