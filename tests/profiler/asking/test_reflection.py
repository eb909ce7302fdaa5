"""Hints learned from lists that missed: asked, faulted, stopped, resumed, forecast, forgotten."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from profiler.hinting.reflect import MAX_TOKENS, Reflected, ReflectSettings, reflect_on_cases
from profiler.hints.cases import asked_cases
from profiler.hints.leaks import leak_of
from profiler.hints.novelty import by_meaning, by_words
from profiler.llm.budget import Caps
from store.errors import BudgetReachedError, UserError
from store.store import Store, open_store
from store.upkeep.forget import forget_user
from store.upkeep.verify import verify
from tests.asking_store import chat, fast, scalar
from tests.hint_cases import HELD, make_store, reflecting, spoilt
from tests.llm_server import KINDS, MENDED, TRANSPORT, Call, LlmServer, Step

FAULTS = [kind for kind in KINDS if kind != "valid"]


def ask(store: Store, server: LlmServer, *, dry_run: bool = False, **more: Any) -> Reflected:
    settings = {
        name: more.pop(name)
        for name in list(more)
        if name in ("retry", "max_hints", "cases", "nomination")
    }
    options = fast(**({"concurrency": 8, "max_tokens": MAX_TOKENS} | more))
    return reflect_on_cases(
        store,
        chat(server.base_url, timeout=1),
        settings=ReflectSettings(**settings),
        options=options,
        dry_run=dry_run,
    )


def hints(store: Store) -> list[tuple[str, str]]:
    return sorted((one.text, one.status) for one in store.hints.load("ranking"))


def trials(store: Store) -> list[tuple[str, str, int | None]]:
    every = store.hints.trials("recommendation")
    return sorted((one.subject, one.text_digest, one.rank or 0) for one in every)


def own_hint(ids: list[str]) -> list[str]:
    """A hint of its own for each case, by the first of its candidates."""
    words = ("alpine", "bronze", "coastal", "durable", "elegant", "foldable", "glossy", "hollow")
    return [f"Look for things that are {words[int(ids[0][1:]) % 8]} {words[len(ids) % 8]} enough."]


def test_a_hint_is_used_that_mends_its_case_and_says_something_new(tmp_path: Path) -> None:
    with make_store(tmp_path / "s.db", 6, missed=4) as store, LlmServer(reflecting()) as server:
        found = ask(store, server)
        assert (found.cases, found.missed, found.out_of_reach) == (6, 4, 0)
        assert found.hints == {"active": 1, "redundant": 3}
        # 6 lists; 4 times three turns and a trial; 2 lists with the hint, the same for all.
        assert server.record.total == 6 + 4 * 4 + 2
        ranks = {one.rank for one in store.hints.trials("recommendation") if one.hint_id}
        assert ranks == {5, None}  # place 15 of 20 is fifth of the last ten
        assert verify(store)[1] == []
        ask(store, server)
        assert server.record.total == 24  # nothing is asked twice


def test_the_conversation_goes_on_from_the_answers_before(tmp_path: Path) -> None:
    # A turn that is asked by itself would be answered without knowing the list.
    with make_store(tmp_path / "s.db", 1, missed=1) as store, LlmServer(reflecting()) as server:
        ask(store, server)
        turns = [call.body["messages"] for call in server.record.calls]
        longest = max(turns, key=len)
        roles = [turn["role"] for turn in longest]
        assert roles == ["system", *["user", "assistant"] * 3, "user"]
        assert '"items"' in longest[2]["content"]
        revealed = longest[5]["content"]
        case = asked_cases(store, store.cases.load(1))[0]
        assert f"the ID {case.target_id} was" in revealed
        assert case.target_id not in longest[3]["content"]
        last = max(store.tasks.parents(n) for n in range(1, 7))
        assert len(last) >= 3


def test_hints_that_leak_fail_or_repeat_are_kept_as_a_record_only(tmp_path: Path) -> None:
    def given(ids: list[str]) -> list[str]:
        case = next(one for one in cases if candidates_of_case(one) == ids)
        title = str(case.target and case.target.title)
        return [f"Take {title}.", f"Prefer {case.target_id}.", "Name what is cheap."]

    def candidates_of_case(case: Any) -> list[str]:
        return [one.item_id for one in case.candidates]

    with make_store(tmp_path / "s.db", 2, missed=2) as store:
        cases = asked_cases(store, store.cases.load(1))
        script = reflecting(given, mends=lambda text: "cheap" not in text)
        with LlmServer(script) as server:
            found = ask(store, server)
            assert found.hints == {"leaking": 4, "ineffective": 2}
            assert server.record.total == 2 + 2 * 4  # what leaks is not tried
        reasons = {one.reason for one in store.hints.load("ranking")}
        assert "it names the item that was chosen" in reasons


def test_the_base_is_full_at_its_limit_and_no_further_case_is_asked_about(tmp_path: Path) -> None:
    script = reflecting(own_hint)
    with make_store(tmp_path / "s.db", 8, missed=8) as store, LlmServer(script) as server:
        found = ask(store, server, max_hints=3)
        assert found.hints["active"] == 3
        assert set(found.hints) <= {"active", "surplus", "redundant"}
        kept = [one.text for one in store.hints.load("ranking", ("active",))]
        before = server.record.total
        ask(store, server, max_hints=3)
        assert server.record.total == before
    with make_store(tmp_path / "t.db", 8, missed=8) as store, LlmServer(script) as server:
        ask(store, server, max_hints=3, concurrency=1)
        again = [one.text for one in store.hints.load("ranking", ("active",))]
        assert sorted(again) == sorted(kept)  # whatever the order in which answers come in


def test_every_fault_passes_and_leaves_what_a_run_without_one_leaves(tmp_path: Path) -> None:
    number = len(FAULTS)
    with make_store(tmp_path / "clean.db", number, missed=number) as store:
        with LlmServer(reflecting(own_hint)) as server:
            clean = ask(store, server, max_hints=2)
            calls = server.record.total
        expected = hints(store), trials(store)
    assert clean.hints["active"] == 2
    left = list(FAULTS)
    seen: set[str] = set()

    def script(call: Call) -> Step:
        key = str(call.body["messages"])
        if left and "Correction" not in key and key not in seen and len(seen) % 3 == 0:
            seen.add(key)
            return spoilt(left.pop(), call, reflecting(own_hint))
        seen.add(key)
        return reflecting(own_hint)(call)

    with make_store(tmp_path / "faults.db", number, missed=number) as store:
        with LlmServer(script) as server:
            found = ask(store, server, max_hints=2)
            assert not left
            assert found.quarantined == 0
            assert (hints(store), trials(store)) == expected
            assert server.record.total == calls + number - len(MENDED)
        failed = sum(one.failed_calls for one in found.asking.values())
        assert failed == len(TRANSPORT)
        assert verify(store)[1] == []


def test_what_cannot_be_used_is_quarantined_and_asked_again_when_told(tmp_path: Path) -> None:
    bad = {"prose": True}

    def script(call: Call) -> Step:
        turn = '"causes"' in call.body["messages"][-1]["content"]
        if bad["prose"] and turn and "(p0)" in call.text.partition("=== ")[0][-4000:]:
            return Step(text="I cannot say.")
        return reflecting(own_hint)(call)

    with make_store(tmp_path / "s.db", 4, missed=4) as store, LlmServer(script) as server:
        found = ask(store, server)
        assert found.quarantined > 0
        (first, *_) = store.tasks.load("reflection", ("quarantined",))
        assert "not one JSON document" in str(first.reason) or "not JSON" in str(first.reason)
        before = server.record.total
        assert ask(store, server).quarantined == found.quarantined
        assert server.record.total == before  # not asked again without being told to
        bad["prose"] = False
        again = ask(store, server, retry=True)
        assert again.quarantined == 0
        assert sum(again.hints.values()) == 4


def test_a_cap_stops_it_and_the_next_run_makes_the_calls_that_are_missing(tmp_path: Path) -> None:
    with make_store(tmp_path / "a.db", 5, missed=5) as store:
        with LlmServer(reflecting(own_hint)) as server:
            ask(store, server)
            whole = server.record.total
        expected = hints(store), trials(store)
    with make_store(tmp_path / "b.db", 5, missed=5) as store:
        with LlmServer(reflecting(own_hint)) as server:
            for most in (3, 9, 17, 26):
                with pytest.raises(BudgetReachedError):
                    ask(store, server, caps=Caps(calls=most))
                assert server.record.total == most
            ask(store, server)
            assert server.record.total == whole
        assert (hints(store), trials(store)) == expected


KILLED = """
import os, sys
from profiler.asking.ledger import writer
from tests.hint_cases import make_store
from profiler.hinting.reflect import reflect_on_cases
from tests.asking_store import chat, fast
from store.store import open_store
from store.tables.responses import Responses
calls, whole = 0, Responses.close_answered
def dying(self, *args, **kw):
    global calls
    calls += 1
    if calls == int(sys.argv[3]):
        whole(self, *args, **kw)
        os.kill(os.getpid(), 9)
    return whole(self, *args, **kw)
Responses.close_answered = dying
with open_store(sys.argv[1]) as store:
    options = fast(concurrency=1, max_tokens=1000)
    reflect_on_cases(store, chat(sys.argv[2], timeout=5), options=options)
"""


def test_it_goes_on_after_a_kill(tmp_path: Path) -> None:
    with make_store(tmp_path / "s.db", 3, missed=3):
        pass
    with LlmServer(reflecting(own_hint)) as server:
        command = [sys.executable, "-c", KILLED, str(tmp_path / "s.db"), server.base_url, "7"]
        assert subprocess.run(command, check=False, capture_output=True).returncode == -9
        killed = server.record.total
        with open_store(tmp_path / "s.db") as store:
            ask(store, server, concurrency=1)
            assert sum(one.status == "active" for one in store.hints.load("ranking")) >= 1
            assert verify(store)[1] == []
            paid = scalar(store, "SELECT count(*) FROM responses")
        assert killed == 7
        assert server.record.total == paid + 1  # only the one under way was bought twice


def test_a_dry_run_counts_the_calls_that_are_then_made(tmp_path: Path) -> None:
    def three(ids: list[str]) -> list[str]:
        return [f"{one} again, {own_hint(ids)[0]}" for one in ("Firstly", "Secondly", "Thirdly")]

    with (
        make_store(tmp_path / "s.db", 5, missed=4) as store,
        LlmServer(reflecting(three)) as server,
    ):
        told = ask(store, server, dry_run=True).forecast
        assert (server.record.total, scalar(store, "SELECT count(*) FROM runs")) == (0, 0)
        assert scalar(store, "SELECT count(*) FROM task_subjects") == 0
        assert told["recommendation"].calls.low == 5
        assert told["recommendation"].usd is not None
        with pytest.raises(BudgetReachedError):
            ask(store, server, caps=Caps(calls=5))
        assert server.record.total == 5
        told = ask(store, server, dry_run=True).forecast
        assert told["recommendation"].calls.low == 0
        assert told["reflection"].calls.low == 4 * 6
        with pytest.raises(BudgetReachedError):
            ask(store, server, caps=Caps(calls=5 + 24))
        told = ask(store, server, dry_run=True).forecast
        assert (told["reflection"].calls.low, told["trials"].calls.most > 0) == (0, True)
        before = told["trials"].calls.low
        ask(store, server)
        assert server.record.total == 5 + 24 + before


def test_nothing_held_out_is_shown(tmp_path: Path) -> None:
    with make_store(tmp_path / "s.db", 4, missed=4) as store, LlmServer(reflecting()) as server:
        ask(store, server)
        assert all(
            HELD not in call.text and "(held)" not in call.text for call in server.record.calls
        )
        hidden = store.datasets.load().item_index["held"]
        one = store.cases.load(1)[0]
        for spoiled in (
            {"candidates": (*one.candidates[:-1], hidden)},
            {"history": (*one.history, hidden)},
            {"target_ix": hidden},
        ):
            with pytest.raises(UserError, match="'held', which the split hides"):
                asked_cases(store, [one.__class__(**(vars(one) | spoiled))])


def test_forgetting_a_user_takes_their_hints_and_every_list_that_quotes_one(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with make_store(path, 3, missed=3) as store, LlmServer(reflecting(own_hint)) as server:
        ask(store, server)
        mine = next(
            one
            for one in store.hints.load("ranking")
            if one.learned_from == store.cases.load(1)[0].name
        )
        quoting = [
            one.response_id
            for one in store.hints.trials("recommendation")
            if one.hint_id == mine.hint_id
        ]
        assert len(quoting) == 3
        forget_user(store, "u0")
        assert mine.text not in [one.text for one in store.hints.load("ranking")]
        assert all(store.responses.get(one) is None for one in quoting)
        left = store.hints.trials("recommendation")
        assert left
        assert mine.hint_id not in {one.hint_id for one in left}
        assert verify(store)[1] == []
    assert mine.text.encode() not in path.read_bytes()


@pytest.mark.parametrize(
    ("hint", "leak"),
    [
        ("Prefer heavy duty tools.", None),
        ("Prefer the Amber Basil kind.", "chosen"),
        ("Prefer amber things.", None),
        ("Take X-1 first.", "ID 'X-1'"),
        ("Take the cedar denim box, too.", "item 'X-2'"),
        ("Take denim of cedar.", None),
    ],
)
def test_what_gives_an_item_away(hint: str, leak: str | None) -> None:
    from profiler.hints.cases import AskedCase
    from profiler.shown import ShownItem

    target = ShownItem(0, "X-1", "Amber basil 12")
    case = AskedCase("case:x", 0, (ShownItem(1, "X-2", "Cedar denim"),), (target,), target)
    found = leak_of(hint, case)
    assert (found is None) if leak is None else (leak in str(found))


def test_a_rule_and_its_reverse_are_two_hints() -> None:
    rule = "After items of “Art”, put items of “Tools” first."
    assert by_words("After items of “Tools”, put items of “Art” first.", [rule]) is None
    assert by_words("After the items of “Art” put items of “Tools” first", ["x y", rule]) == (
        1,
        1.0,
    )


def test_other_words_of_the_same_meaning_are_no_new_hint(tmp_path: Path) -> None:
    class Vectors:
        name = "test"

        def encode(self, texts: list[str], report: Any = None) -> Any:
            return np.array([[1.0, 0.0] if "cheap" in one else [0.0, 1.0] for one in texts])

    with open_store(tmp_path / "s.db", create=True) as store:
        nearest = by_meaning(store, Vectors())  # type: ignore[arg-type]
        base = ["Prefer what lasts long.", "Take whatever is cheap."]
        assert nearest("Look for a bargain, so something cheap.", base) == (1, 1.0)
        assert nearest("Prefer what lasts long!", base) == (0, 1.0)
        assert by_words("Look for a bargain, so something cheap.", base) is None


def test_without_a_model_hints_are_rules_of_categories(tmp_path: Path) -> None:
    with make_store(tmp_path / "s.db", 6, missed=6) as store:
        found = reflect_on_cases(store, None)
        texts = [one.text for one in store.hints.load("ranking", ("active",))]
        assert found.model == "offline"
        assert any(one.startswith("After items of “Kind") for one in texts)
        again = reflect_on_cases(store, None)
        assert again.hints == found.hints
        assert verify(store)[1] == []


def test_a_store_without_cases_says_where_they_come_from(tmp_path: Path) -> None:
    asked = pytest.raises(UserError, match="recommender nominate")
    with open_store(tmp_path / "s.db", create=True) as store, asked:
        reflect_on_cases(store, None)
