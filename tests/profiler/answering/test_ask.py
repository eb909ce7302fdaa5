"""``profiler ask`` against a real server on loopback that calls tools."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from profiler.answering.agent import MOST_STEPS, Answer, AnsweringOptions, ask
from profiler.answering.tools import Toolbox
from profiler.llm.budget import Caps
from profiler.llm.prices import Prices
from profiler.llm.retry import RetryPolicy
from store.errors import BudgetReachedError, ProviderRefusedError, UserError
from store.store import Store, open_store
from store.upkeep.forget import forget_user
from store.views.interests.citations import CitedItem
from tests.asking_store import MODEL, chat, prices, scalar
from tests.chat_server import ChatServer, Script, results, scripted
from tests.llm_server import Step
from tests.reading_store import fill, runner
from tests.report_store import Lists

GOLDEN = Path(__file__).with_name("golden_ask.json")
QUESTION = "Who would want refillable pens, and how do we know?"
SEARCH = [("search_interests", {"query": "refillable pens"})]
OFFERED_BY_0_1 = [
    "search_interests",
    "show_interest",
    "show_user",
    "find_items",
    "explain",
    "counts",
]
GOOD = "Customers of the pens group like refills [i1]. One of the proofs is a gel pen [item pen]."


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-TESTSECRET")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(fill(tmp_path / "s.db"))


def run(store: Store, script: Script, **options: Any) -> tuple[Answer, ChatServer]:
    settings = {"prices": prices(), "policy": RetryPolicy(first_wait=0.01, longest_wait=0.02)}
    with ChatServer(script) as server:
        port = chat(server.base_url)
        return ask(store, QUESTION, port, AnsweringOptions(**(settings | options))), server


def test_an_answer_is_looked_up_and_every_sentence_proven(store: Store) -> None:
    answer, server = run(store, scripted(SEARCH, GOOD))
    assert [s.text for s in answer.sentences] == GOOD.replace("]. ", "].\n").split("\n")
    assert answer.dropped == {}
    assert (answer.steps, answer.finished) == (2, True)
    assert answer.sources.interests[0].label == "Gel pens and refills"
    assert answer.sources.items == [CitedItem("pen", "Gel pen with fine tip")]
    found = results(server.record.calls[1].body["messages"])[0]
    assert {hit["cite"] for hit in found} >= {"[i1]", "[i4]"}
    names = {tool["function"]["name"] for tool in server.record.calls[0].body["tools"]}
    assert "search_interests" in names
    assert answer.tally.calls == 2
    assert answer.tally.cost_usd > 0


def test_the_ledger_holds_what_was_paid_and_the_same_question_is_free(store: Store) -> None:
    first, _ = run(store, scripted([*SEARCH, ("counts", {})], GOOD))
    with ChatServer(scripted("never asked")) as other:
        # The address is part of what was sent: the first server's must be used again.
        assert scalar(store, "SELECT count(*) FROM responses WHERE method = 'tool'") == 2
        base_url = scalar(store, "SELECT base_url FROM responses WHERE method = 'tool'")
        again = ask(store, QUESTION, chat(base_url), AnsweringOptions(prices=prices()))
        assert other.record.total == 0
    assert again.sentences == first.sentences
    assert (again.tally.calls, again.tally.cached) == (0, 2)
    assert scalar(store, "SELECT count(*) FROM attempts WHERE outcome = 'answered'") == 3 + 2
    assert scalar(store, "SELECT count(*) FROM leases") == 0
    statuses = "SELECT group_concat(status) FROM runs WHERE kind = 'ask'"
    assert scalar(store, statuses) == "done,done"


def test_comparisons_and_lists_are_look_ups_too(store: Store) -> None:
    """Fault: other agents could compare and recommend by the same tools, ``ask`` could not."""
    script = scripted([("compare", {"user": "customer-ada"})], GOOD)
    with ChatServer(script) as server:
        ask(store, QUESTION, chat(server.base_url), AnsweringOptions(prices=prices()), Lists(store))
    names = [tool["function"]["name"] for tool in server.record.calls[0].body["tools"]]
    assert names[-2:] == ["compare", "recommend"]
    assert "exemplar_adds" in str(results(server.record.calls[1].body["messages"])[0])


def test_a_conversation_that_0_1_paid_for_goes_on_with_its_look_ups(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was paid stays paid: further look-ups change the address of every question."""
    with monkeypatch.context() as then:
        then.setattr(
            Toolbox, "lookups", lambda self: [getattr(self, name) for name in OFFERED_BY_0_1]
        )
        first, _ = run(store, scripted(SEARCH, GOOD))
    base_url = scalar(store, "SELECT base_url FROM responses WHERE method = 'tool'")
    again = ask(store, QUESTION, chat(base_url), AnsweringOptions(prices=prices()))
    assert again.sentences == first.sentences
    assert (again.tally.calls, again.tally.cached) == (0, 2)


def test_half_an_emoji_in_a_look_up_or_an_answer_can_be_stored(store: Store) -> None:
    look_up = [("search_interests", {"query": "pens \ud83d", "half \ud83d": 1})]
    answer, _ = run(store, scripted(look_up, f"{GOOD} And so on \ud83d [i1]."))
    assert answer.sentences[0].text == GOOD.split(". ")[0] + "."
    raw = scalar(store, "SELECT group_concat(raw_text) FROM responses WHERE method = 'tool'")
    assert "pens ?" in raw
    assert "And so on ?" in raw


def test_what_cites_the_unknown_is_asked_for_again_then_dropped(store: Store) -> None:
    bad = "Pens are loved [i1]. Rockets too [i999]. So it goes. Ink as well [i3]."
    answer, server = run(store, scripted(SEARCH, bad))
    assert [s.text for s in answer.sentences] == ["Pens are loved [i1]."]
    assert sum(answer.dropped.values()) == 3
    assert answer.dropped["cites what does not exist"] == 1
    assert answer.steps == 3
    asked_again = server.record.calls[2].body["messages"][-1]["content"]
    assert "Rockets too [i999]" in asked_again


def test_a_better_second_attempt_is_shown_whole(store: Store) -> None:
    answer, _ = run(store, scripted(SEARCH, "Pens, surely.", GOOD))
    assert len(answer.sentences) == 2
    assert answer.dropped == {}


def test_a_model_that_looks_nothing_up_is_asked_once(store: Store) -> None:
    """Fault: a model that cannot call tools was asked again, and its answer called unproven."""
    answer, server = run(store, scripted("They buy pens, I would say."))
    assert (answer.looked_up, answer.sentences, answer.steps) == (False, [], 1)
    assert server.record.total == 1


def test_endless_look_ups_stop_at_ten(store: Store) -> None:
    answer, server = run(store, scripted(SEARCH))
    assert server.record.total == MOST_STEPS == 10
    assert answer.sentences == []
    assert not answer.finished
    assert scalar(store, "SELECT status FROM runs WHERE kind = 'ask'") == "partial"


def test_tools_say_what_is_wrong_with_a_call_and_change_nothing(store: Store) -> None:
    with store.read() as connection:
        before = connection.exec_driver_sql("SELECT * FROM interests").all()
    wrong = [
        ("drop_tables", {}),
        ("show_user", {"user": "x' OR 1=1 --"}),
        ("show_interest", {"interest_id": "many"}),
        ("show_interest", {"interest_id": 10**30}),
        ("search_interests", {"query": '"'}),
        ("find_items", {"words": "%"}),
    ]
    answer, server = run(store, scripted(wrong, "No."))
    told = results(server.record.calls[1].body["messages"])
    assert "no tool 'drop_tables'" in told[0]["error"]
    assert "no user" in told[1]["error"]
    assert str(store.path) not in told[1]["error"]
    assert "interest_id" in told[2]["error"]
    assert "less than or equal" in told[3]["error"]
    assert "cannot read the query" in told[4]["error"]
    assert told[5] == []
    assert answer.sentences == []
    with store.read() as connection:
        assert connection.exec_driver_sql("SELECT * FROM interests").all() == before


def test_each_tool_returns_what_may_be_cited(store: Store) -> None:
    calls = [
        ("show_user", {"user": "customer-bob"}),
        ("show_interest", {"interest_id": 3}),
        ("find_items", {"words": "gel pen"}),
        ("explain", {"user": "customer-bob", "item": "refill"}),
        ("counts", {}),
    ]
    _, server = run(store, scripted(calls, "Shredding [i3]."))
    user, interest, items, explained, counts = results(server.record.calls[1].body["messages"])
    assert user["exemplar"]["name"] == "exemplar:customer-ada"
    assert interest["users"] == 3
    assert interest["evidence"][0] == {"cite": "[item shred]", "title": "Cross-cut paper shredder"}
    assert [item["cite"] for item in items] == ["[item pen]", "[item refill]"]
    assert explained["why"] == "found"
    assert counts["interests"]["interests"] == 4


@pytest.mark.parametrize("caps", [Caps(usd=0.0301), Caps(tokens=300), Caps(calls=3)])
def test_a_cap_stops_before_it_is_passed(store: Store, caps: Caps) -> None:
    with pytest.raises(BudgetReachedError, match="reached"):
        run(store, scripted(SEARCH, GOOD), caps=caps)
    assert scalar(store, "SELECT status FROM runs WHERE kind = 'ask'") == "budget"


def test_a_cap_in_dollars_needs_a_price(store: Store) -> None:
    capped = AnsweringOptions(caps=Caps(usd=1.0), prices=Prices({}, {}))
    with pytest.raises(UserError, match=f"price of {MODEL} is unknown"):
        ask(store, QUESTION, chat("https://llm.invalid/v1"), capped)


def test_a_server_of_ones_own_costs_nothing_and_needs_no_price(store: Store) -> None:
    """Fault: a cap in dollars was refused for a model on this machine, which costs nothing."""
    answer, _ = run(store, scripted(SEARCH, GOOD), caps=Caps(usd=1.0), prices=Prices({}, {}))
    assert (answer.tally.calls, answer.tally.cost_usd, answer.tally.unpriced) == (2, 0.0, 0)


def test_a_refusal_stops_at_once_and_passing_faults_do_not(store: Store) -> None:
    with pytest.raises(ProviderRefusedError, match=MODEL):
        run(store, scripted(Step("bad_key")))
    assert scalar(store, "SELECT count(*) FROM leases") == 0
    faults = iter([Step("server_error"), Step("rate_limited"), SEARCH, GOOD])
    answer, _ = run(store, lambda messages: next(faults))
    assert len(answer.sentences) == 2


def test_forgetting_a_user_removes_conversations(store: Store) -> None:
    run(store, scripted([("show_user", {"user": "customer-eve"})], GOOD))
    said = "SELECT count(*) FROM prompts WHERE instr(messages, 'customer-eve')"
    assert scalar(store, said) > 0
    forget_user(store, "customer-eve")
    assert scalar(store, said) == 0
    assert scalar(store, "SELECT count(*) FROM responses WHERE method = 'tool'") == 0


@pytest.mark.parametrize("question", ["", "  ", "x" * 2_001])
def test_no_question_or_a_book_is_refused(store: Store, question: str) -> None:
    with pytest.raises(UserError, match="ask a question of 1 to 2000"):
        ask(store, question, chat("http://127.0.0.1:9"), AnsweringOptions())


def test_odd_characters_in_a_question_are_no_trouble(store: Store) -> None:
    with ChatServer(scripted(SEARCH, GOOD)) as server:
        odd = "pens\udc80\x00'; DROP TABLE users; -- </s>"
        answer = ask(store, odd, chat(server.base_url), AnsweringOptions(prices=prices()))
    assert len(answer.sentences) == 2
    assert scalar(store, "SELECT count(*) FROM users") == 5


def test_exit_codes_and_output(tmp_path: Path, capsys: Any) -> None:
    command = runner(capsys)
    store = fill(tmp_path / "s.db")
    table = tmp_path / "prices.yaml"  # a price that the user gave counts on this machine too
    table.write_text(f"as_of: 2026-03-21\nmodels:\n  {MODEL}: {{input: 0.15, output: 0.60}}\n")
    code, out, err = command("ask", QUESTION, "--store", store)
    assert (code, out) == (2, "")
    assert "profiler search 'refillable pens'" in err
    with ChatServer(scripted(SEARCH, GOOD)) as server:
        asked = ("ask", QUESTION, "--store", store, "--llm", MODEL, "--prices", table)
        asked = (*asked, "--base-url", server.base_url)
        code, out, err = command(*asked, "--json")
        assert code == 0
        document = json.loads(out)
        assert document["sentences"][0]["interests"] == [1]
        assert document["tally"]["calls"] == 2
        if os.environ.get("UPDATE_GOLDEN"):
            GOLDEN.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
        assert document == json.loads(GOLDEN.read_text())
        code, out, err = command(*asked)
        assert code == 0
        assert out.splitlines()[0].endswith("[i1].")
        assert "[i1] Gel pens and refills (exemplar:customer-ada, openai:m)" in out
        assert "0 calls, 2 found stored" in err
        assert "sk-TESTSECRET" not in out + err
    with ChatServer(scripted(SEARCH)) as server:
        code, out, _ = command(*asked[:-1], server.base_url)
        assert code == 1
        assert "no answer within ten steps" in out
        code, _, err = command(*asked[:-1], server.base_url, "--budget-calls", 1, "--max-tokens", 9)
        assert code == 4
        assert "--budget-calls 1 reached" in err
    with ChatServer(scripted(Step("insufficient_quota"))) as server:
        code, _, err = command(*asked[:-1], server.base_url)
        assert code == 5
        assert "no credit left" in err
