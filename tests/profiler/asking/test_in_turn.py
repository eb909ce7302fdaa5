"""A cheap model first, a strong one for what it fails at; and how a run tells where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from profiler.asking.forecast import forecast_later
from profiler.asking.options import AskingSummary
from profiler.asking.progress import asking_progress, duration
from profiler.asking.runner import ask_in_turn, retry_failed
from profiler.llm.budget import Caps
from profiler.llm.port import ChatPort
from profiler.llm.prices import Price, Prices
from profiler.llm.registry import open_chat
from prompts import Template
from store.errors import BudgetReachedError
from store.store import Store
from tests.asking_store import fast, make_store, scalar
from tests.llm_server import Call, LlmServer, Step

SMALL, LARGE = "openai:small", "openai:large"
COST = Prices({SMALL: Price(input=1, output=1), LARGE: Price(input=10, output=10)}, {})


def small_fails(call: Call) -> Step:
    """The small model writes prose about odd subjects; the large one never does."""
    return Step("prose" if call.body["model"] == "small" and call.subject % 2 else "valid")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with make_store(tmp_path / "s.db", 6) as opened:
        yield opened


def ports(server: LlmServer) -> list[ChatPort]:
    return [open_chat(name, base_url=server.base_url) for name in (SMALL, LARGE)]


def ask(store: Store, server: LlmServer, template: Template, **more: Any) -> AskingSummary:
    options = fast(**({"prices": COST} | more))
    return ask_in_turn(store, "exemplar", ports(server), template=template, options=options)


def test_what_the_small_model_fails_at_the_large_one_is_asked(
    store: Store, template: Template
) -> None:
    with LlmServer(small_fails) as server:
        summary = ask(store, server, template)
        assert (summary.ok, summary.rescued, summary.quarantined) == (6, 3, 0)
        assert (summary.calls, server.record.total) == (15, 15), "3 well, 9 in vain, 3 rescues"
        assert "6 ok (3 by the later model)" in summary.in_words()
        assert summary.asked_again == 6
        again = ask(store, server, template)
        assert (again.ok, again.calls) == (6, 0), "the same command again costs nothing"
    by_model = "SELECT group_concat(model || ' ' || n) FROM (SELECT model, count(*) AS n FROM {} )"
    responses = by_model.format("responses GROUP BY model ORDER BY model")
    assert scalar(store, responses) == "openai:large 3,openai:small 12"
    assert summary.cost_usd == pytest.approx(scalar(store, "SELECT sum(cost_usd) FROM attempts"))


def test_what_both_fail_at_stays_quarantined_and_is_not_bought_again(
    store: Store, template: Template
) -> None:
    def script(call: Call) -> Step:
        return Step("prose" if call.subject == 1 else small_fails(call).kind)

    with LlmServer(script) as server:
        summary = ask(store, server, template)
        assert (summary.ok, summary.rescued, summary.quarantined) == (5, 2, 1)
        again = ask(store, server, template)
        assert (again.ok, again.quarantined, again.calls) == (5, 1, 0)


def test_a_cap_counts_both_and_the_next_run_goes_on_with_the_large_one(
    store: Store, template: Template
) -> None:
    with LlmServer(small_fails) as server:
        with pytest.raises(BudgetReachedError):
            ask(store, server, template, caps=Caps(calls=13), concurrency=1)
        assert server.record.total == 13
        summary = ask(store, server, template)
        assert (summary.ok, summary.calls) == (6, 2)
        assert server.record.total == 15


def test_retry_goes_on_to_the_large_model_too(store: Store, template: Template) -> None:
    with LlmServer(small_fails) as server:
        small, large = ports(server)
        options = fast(prices=COST)
        ask_in_turn(store, "exemplar", [small], template=template, options=options)
        assert store.subjects.counts() == {"exemplar": {"ok": 3, "quarantined": 3}}
        summary = retry_failed(
            store, small, then=large, templates={"exemplar": template}, options=options
        )
        assert (summary.ok, summary.rescued, summary.quarantined) == (3, 3, 0)
        assert server.record.total == 12 + 9 + 3


def test_the_forecast_of_the_large_model(store: Store, template: Template) -> None:
    with LlmServer(small_fails) as server:
        small, large = ports(server)
        options = fast(prices=COST)

        def later() -> Any:
            subjects = store.subjects.load()
            return forecast_later(store, subjects, small, large, template=template, options=options)

        before = later()
        assert before.calls.low == 0
        assert before.calls.most >= 6
        assert before.calls.expected == pytest.approx(0.1 * 6 * 1.05)
        ask_in_turn(store, "exemplar", [small], template=template, options=options)
        assert later().subjects == 3, "only those that failed are left"


def test_progress_says_what_is_under_way_and_how_long_it_may_take() -> None:
    # With one slow call a minute the screen stayed blank.
    told: list[tuple[str, int, int]] = []
    now = [100.0]
    report = asking_progress(lambda *news: told.append(news), "asking (exemplar)", lambda: now[0])
    report(AskingSummary(pending=4, under_way=1, longest_s=45.2))
    assert told[-1] == ("asking (exemplar) · 1 call under way, 45 s", 0, 4)
    now[0] += 60
    report(AskingSummary(ok=1, pending=3, under_way=2, asked_again=1, failed_calls=2))
    step, done, total = told[-1]
    assert (done, total) == (1, 4)
    assert step.endswith(
        "2 calls under way, 0 s, 1 asked again, 2 without an answer, about 3 min left"
    )


@pytest.mark.parametrize(("seconds", "said"), [(45, "45 s"), (180, "3 min"), (9_000, "2.5 h")])
def test_lengths_of_time(seconds: float, said: str) -> None:
    assert duration(seconds) == said
