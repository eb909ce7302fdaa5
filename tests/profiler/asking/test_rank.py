"""Rankings of nominated cases: asked of a server with faults, resumed, capped, forgotten."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cli
from profiler.asking.answers.answer_schema import AnswerError
from profiler.asking.tasks.rank import AskedCase, Rank, RankChoice, bounded_schema, fitting
from profiler.asking.tasks.teacher_lists import hint_error, titles_of
from profiler.llm.budget import Caps
from profiler.llm.port import Request
from profiler.offline.ranker import OfflineRanker, category_hints
from profiler.rank import rank_cases
from profiler.ranked import RankSettings
from profiler.shown import ShownItem, ShownSubject
from store.digests import text_digest
from store.errors import BudgetReachedError, LeakageError, UserError
from store.store import Store, open_store
from store.upkeep.forget import forget_user
from store.upkeep.verify import verify
from tests.asking_store import MODEL, chat, fast, scalar
from tests.llm_server import MENDED, TRANSPORT, Call, LlmServer, Step
from tests.ranking_store import (
    FAULTS,
    TOLD,
    asks_for_hints,
    case_of,
    nominated_store,
    spoilt,
    valid,
)


def ask(store: Store, server: LlmServer, *, dry_run: bool = False, **more: Any) -> Any:
    settings = RankSettings(**more.pop("settings", {}))
    how = fast(**({"concurrency": 8, "max_tokens": 300} | more))
    port = chat(server.base_url, timeout=2)
    return rank_cases(store, port, settings=settings, options=how, dry_run=dry_run)


def orders(store: Store) -> dict[int, tuple[int, ...]]:
    return {one.case_id: one.items for one in store.rankings.load(source=MODEL)}


def test_every_fault_passes_and_leaves_the_rankings_of_a_run_without_one(tmp_path: Path) -> None:
    number = len(FAULTS)
    with nominated_store(tmp_path / "clean.db", number) as store, LlmServer(valid) as server:
        assert ask(store, server).ranked == number
        expected = orders(store)
    # Three of six candidates are wanted, and of seven: the last of these is named first.
    assert expected[1] == (5, 4, 3)

    def script(call: Call) -> Step:
        if asks_for_hints(call):
            return valid(call)
        nth = sum(
            one.subject == call.subject
            for one in server.record.calls[:-1]
            if not asks_for_hints(one)
        )
        return spoilt(FAULTS[call.subject], call) if nth == 0 else valid(call)

    with nominated_store(tmp_path / "faults.db", number) as store, LlmServer(script) as server:
        found = ask(store, server)
        assert (found.ranked, found.quarantined) == (number, 0)
        assert orders(store) == expected
        assert server.record.total == 1 + 2 * number - len(MENDED)
        assert found.asking["rank"].failed_calls == len(TRANSPORT)
        assert verify(store)[1] == []
        ask(store, server)
        assert server.record.total == 1 + 2 * number - len(MENDED)  # nothing is asked twice


def test_a_question_quotes_the_hints_and_keeps_both_orders(tmp_path: Path) -> None:
    # The authors' code puts history and candidates through sets, which loses both orders.
    with nominated_store(tmp_path / "s.db", 3) as store, LlmServer(valid) as server:
        found = ask(store, server)
        assert found.hints == TOLD
        text = next(
            one.text
            for one in server.record.calls
            if "s0-i3" in one.text and not asks_for_hints(one)
        )
        assert all(hint in text for hint in TOLD)
        named = [f"s0-i{item}" for item in (3, 4, 5, 2, 6, 7, 8, 0, 1)]
        assert sorted(named, key=text.index) == named
        assert "Items 1 to 7 are the candidates" in text
        assert "Items 8 to 9 are what the person took" in text
        (hints,) = store.rankings.hints()
        for ranking in store.rankings.load(source=MODEL):
            assert store.tasks.parents(ranking.response_id) == [hints.response_id]


def test_nothing_held_out_is_shown(tmp_path: Path) -> None:
    with nominated_store(tmp_path / "s.db", 4) as store, LlmServer(valid) as server:
        ask(store, server)
        assert not any("-i11" in one.text for one in server.record.calls)
        # The target is shown where the teacher ranks it, and nowhere else.
        shown = [
            one.subject
            for one in server.record.calls
            if f"s{one.subject}-i2" in one.text and not asks_for_hints(one)
        ]
        assert sorted(shown) == [0, 2]


def test_a_case_that_the_split_hides_now_is_refused(tmp_path: Path) -> None:
    with nominated_store(tmp_path / "s.db", 3) as store, LlmServer(valid) as server:
        with store.write() as connection:
            connection.exec_driver_sql("UPDATE interactions SET part = 2 WHERE position = 2")
        with pytest.raises(LeakageError, match="nominate anew"):
            ask(store, server)
        assert server.record.total == 0


def test_the_target_is_put_among_the_candidates_only_on_demand_and_marked(tmp_path: Path) -> None:
    with nominated_store(tmp_path / "s.db", 4) as store, LlmServer(valid) as server:
        plain = ask(store, server)
        assert (plain.forced, plain.found[MODEL]) == (0, {"5": 0, "10": 0, "25": 0})
        assert plain.found["teacher"] == {"5": 2, "10": 2, "25": 2}
        calls = server.record.total
        forced = ask(store, server, settings={"force_target": True})
        # Cases whose target is there anyway are the same questions: they are not paid for again.
        assert server.record.total == calls + 2
        assert (forced.forced, forced.ranked) == (2, 4)
        assert forced.found["teacher"] == plain.found["teacher"]  # the marked ones count nothing
        assert AskedCase.of(case_of(1), force_target=True).candidates[-1] == case_of(1).target_ix
        assert verify(store)[1] == []


def test_a_dry_run_counts_the_calls_of_each_task_that_are_then_made(tmp_path: Path) -> None:
    with nominated_store(tmp_path / "s.db", 9) as store, LlmServer(valid) as server:
        told = ask(store, server, dry_run=True).forecast
        assert (server.record.total, scalar(store, "SELECT count(*) FROM task_subjects")) == (0, 0)
        assert {task: one.calls.low for task, one in told.items()} == {
            "teacher_lists": 1,
            "rank": 9,
        }
        assert all(one.usd is not None for one in told.values())
        found = ask(store, server)
        assert {task: one.calls for task, one in found.asking.items()} == {
            "teacher_lists": 1,
            "rank": 9,
        }
        most = sum(one.tokens_in.most for one in told.values())
        assert server.record.tokens_in < most
        again = ask(store, server, dry_run=True).forecast
        assert {task: one.calls.low for task, one in again.items()} == {"rank": 0}


def test_a_cap_stops_it_and_the_next_run_makes_the_calls_that_are_missing(tmp_path: Path) -> None:
    with nominated_store(tmp_path / "s.db", 6) as store, LlmServer(valid) as server:
        with pytest.raises(BudgetReachedError):
            ask(store, server, caps=Caps(calls=4), concurrency=1)
        assert len(store.rankings.load()) == 3
        ask(store, server)
        assert (server.record.total, len(store.rankings.load())) == (7, 6)


def test_an_answer_that_was_paid_for_and_not_read_is_not_bought_again(tmp_path: Path) -> None:
    with nominated_store(tmp_path / "s.db", 2) as store, LlmServer(valid) as server:
        ask(store, server)
        with store.write() as connection:  # as if the process died between answer and reading
            connection.exec_driver_sql("DELETE FROM rankings")
            connection.exec_driver_sql("UPDATE task_subjects SET state = 'pending'")
            connection.exec_driver_sql("UPDATE responses SET outcome = 'unread'")
        assert ask(store, server).asking["rank"].cached == 2
        assert (server.record.total, len(orders(store))) == (3, 2)


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    nominated_store(tmp_path / "s.db", 5).close()
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from profiler.rank import rank_cases\n"
        "from store.store import open_store\n"
        "from tests.asking_store import chat, fast\n"
        "with open_store(Path(sys.argv[1])) as store:\n"
        "    rank_cases(store, chat(sys.argv[2]), options=fast(concurrency=1, max_tokens=300))\n"
    )

    def script(call: Call) -> Step:
        if call.total == 3:
            process.kill()  # as kill -9: nothing of the process runs any more
            return Step("reset")
        return valid(call)

    with LlmServer(script) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "s.db"), server.base_url]
        )
        assert process.wait(60) == -9
        server.script = valid
        with open_store(tmp_path / "s.db") as store:
            assert len(orders(store)) in (1, 2)  # the last answer may be stored and not read yet
            ask(store, server)
            assert len(orders(store)) == 5
            assert server.record.answered.total() == 6  # one for the hints and one for each case
            assert verify(store)[1] == []


def test_what_cannot_be_used_is_quarantined_and_asked_again_on_demand(tmp_path: Path) -> None:
    bad = {"is": True}

    def script(call: Call) -> Step:
        if bad["is"] and call.subject == 1 and not asks_for_hints(call):
            return Step(text='{"ranking": [1, 1, 9]}')
        return valid(call)

    with nominated_store(tmp_path / "s.db", 3) as store, LlmServer(script) as server:
        found = ask(store, server)
        assert (found.ranked, found.quarantined, found.open) == (2, 1, 1)
        (left,) = store.tasks.load("rank", ("quarantined",))
        assert left.name.startswith(case_of(1).name)
        assert "9 is no candidate: they are 1 to 6" in str(left.reason)
        calls = server.record.total
        assert ask(store, server).asking["rank"].subjects == 0
        bad["is"] = False
        again = ask(store, server, settings={"retry": True})
        assert (again.ranked, again.quarantined) == (3, 0)
        assert server.record.total == calls + 1
        assert verify(store)[1] == []


def test_without_usable_hints_no_case_is_asked_about(tmp_path: Path) -> None:
    # Ranked without hints, all cases would be asked about again once there are some.
    def script(call: Call) -> Step:
        return Step(text='{"hints": []}') if asks_for_hints(call) else valid(call)

    with nominated_store(tmp_path / "s.db", 2) as store, LlmServer(script) as server:
        found = ask(store, server)
        assert ("rank" in found.asking, found.ranked, found.open) == (False, 0, 1)
        assert ask(store, server, settings={"sessions": 0}).ranked == 2
        server.script = valid
        # Ranked with hints now: the question is another one.
        assert ask(store, server, settings={"retry": True}).hints == TOLD
        assert ask(store, server).asking["rank"].calls == 2


def test_each_model_ranks_for_itself(tmp_path: Path) -> None:
    # What one model failed at was once left out for all others.
    def script(call: Call) -> Step:
        return valid(call) if asks_for_hints(call) else Step(text="no")

    with nominated_store(tmp_path / "s.db", 2) as store, LlmServer(script) as server:
        assert ask(store, server).quarantined == 2
        found = rank_cases(store, None)
        assert (found.model, found.ranked, found.quarantined) == ("offline", 2, 0)


def test_forgetting_a_user_takes_the_case_and_what_was_made_of_the_users_lists(
    tmp_path: Path,
) -> None:
    path = tmp_path / "s.db"
    with nominated_store(path, 6) as store, LlmServer(valid) as server:
        ask(store, server)
        counts = forget_user(store, "u5")  # asked about, and not among those whose lists are shown
        assert counts["cases"] == 1
        assert (len(orders(store)), len(store.rankings.hints())) == (5, 1)
        forget_user(store, "u0")  # shown in the question for hints, which all rankings quote
        assert (orders(store), store.rankings.hints()) == ({}, [])
        assert {one.state for one in store.tasks.load("rank")} == {"pending"}
        assert verify(store)[1] == []
        assert ask(store, server).ranked == 4
    assert b"s0-i0\x00" not in path.read_bytes()


def subject(one: AskedCase) -> ShownSubject:
    items = tuple(ShownItem(ix, f"i{ix}", f"t{ix}") for ix in (*one.candidates, *one.case.history))
    return ShownSubject(None, "case", one.name("offline"), items)


def request(one: AskedCase) -> Request:
    return Request(subject(one), (), {}, "ranking", "rank", "", "", 9)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"ranking": [1, 2]}, "2 numbers are given, 3 are wanted"),
        ({"ranking": [1, 2, 3, 4]}, "4 numbers are given, 3 are wanted"),
        ({"ranking": [1, 2, 7]}, "7 is no candidate: they are 1 to 6"),
        ({"ranking": [0, 1, 2]}, "0 is no candidate"),
        ({"ranking": [2, 2, 1]}, "2 stands there more than once"),
        ({"ranking": [1, 2, 3.5]}, "ranking"),
        ({"ranking": [1, 2, True]}, "ranking"),
        ({"ranking": [1, 2, 3], "why": "x"}, "why"),
        ([1, 2, 3], "document|object|dictionary"),
    ],
)
def test_answers_that_are_sent_back(said: Any, error: str) -> None:
    one = AskedCase.of(case_of(1))
    task = Rank(RankChoice(cases=(one,)))
    with pytest.raises(AnswerError, match=error):
        task.read(said, request(one))


def test_numbers_stand_for_candidates_also_in_quotes() -> None:
    one = AskedCase.of(case_of(1))
    task = Rank(RankChoice(cases=(one,)))
    assert task.read({"ranking": [6, "1", 2]}, request(one))[0] == (20, 15, 16)
    bounds = bounded_schema(one)["properties"]["ranking"]
    assert (bounds["minItems"], bounds["maxItems"], bounds["items"]["maximum"]) == (3, 3, 6)


def test_a_budget_leaves_out_the_oldest_of_the_history() -> None:
    first = [ShownItem(ix, f"i{ix}", "x" * 20) for ix in range(3)]
    taken = [ShownItem(ix, f"i{ix}", "y" * 20) for ix in range(10, 20)]
    assert fitting(first, taken, 10_000) == taken
    assert [one.item_ix for one in fitting(first, taken, 50)] == [18, 19]
    assert list(fitting(first, taken, 10)) == []


def test_a_budget_that_holds_no_candidates_is_refused(tmp_path: Path) -> None:
    with nominated_store(tmp_path / "s.db", 2) as store, LlmServer(valid) as server:
        with pytest.raises(UserError, match="does not hold"):
            ask(store, server, token_budget=20)
        assert server.record.total == 0


@pytest.mark.parametrize(
    ("hint", "wrong"),
    [
        ("Whoever took the Red Garden Hose wants a nozzle.", "names the item"),
        ("Item 14 should come first.", "number of an item"),
        ("Put [3] before the others.", "number of an item"),
        ("The person is a woman in her thirties, so prefer pink.", "of persons"),
        ("What is used up is wanted again sooner than what lasts.", None),
    ],
)
def test_hints_are_general(hint: str, wrong: str | None) -> None:
    titles = titles_of([ShownItem(0, "i0", "Red Garden Hose"), ShownItem(1, "i1", "Pen")])
    found = hint_error(hint, titles)
    assert (found is None) if wrong is None else (wrong in str(found))


def test_without_a_model_the_texts_join_the_teachers_order(tmp_path: Path) -> None:
    with nominated_store(tmp_path / "s.db", 2) as store:
        data = store.datasets.load()
        vectors = np.zeros((data.n_items, 3), dtype=np.float32)
        vectors[:, 2] = 1
        # Of the first case, candidate 4 is like the history and candidate 3 the least like it.
        vectors[[0, 1, 4]] = (1, 0, 0)
        vectors[3] = (-1, 0, 0)
        store.vectors.put("test", [text_digest(text) for text in data.texts()], vectors)
        store.set_meta(encoder="test", item_text="title+categories")
        found = rank_cases(store, None)
        first = next(one for one in store.rankings.load() if one.case_id == 1)
        # Ranks (2, 1), (3, 2) and (4, 3) of the two orders go before (1, 7).
        assert first.items == (4, 5, 2)
        assert (found.model, found.open) == ("offline", 0)
        assert verify(store)[1] == []


def test_without_texts_the_teachers_order_stays(tmp_path: Path) -> None:
    with nominated_store(tmp_path / "s.db", 2) as store:
        rank_cases(store, None)
        for one in store.rankings.load():
            assert one.items == case_of(one.case_id - 1).candidates[:3]


def test_the_stand_in_says_which_categories_are_listed_more_often() -> None:
    pen = ShownItem(0, "pen", "Pen", ("Writing",))
    lamp = ShownItem(1, "lamp", "Lamp", ("Light",))
    said = category_hints([((pen, pen), (lamp, pen))])
    assert any("Light more often" in one for one in said)
    assert category_hints([((pen,), (pen,))]) == ["Lists hold what was taken before."]
    assert OfflineRanker(None).params["texts"] is None


def test_a_nomination_by_its_number(tmp_path: Path) -> None:
    with nominated_store(tmp_path / "s.db", 2) as store, LlmServer(valid) as server:
        with pytest.raises(UserError, match="no nomination 7; there are 2"):
            ask(store, server, settings={"nomination": 7})
        assert ask(store, server, settings={"nomination": 2}).ranked == 2
    with open_store(shutil.copy(tmp_path / "s.db", tmp_path / "t.db")) as store:
        for user in ("u0", "u1"):
            forget_user(store, user)
        with pytest.raises(UserError, match="has no case left"):
            rank_cases(store, None)
        with store.write() as connection:
            connection.exec_driver_sql("DELETE FROM nominations")
        with pytest.raises(UserError, match="recommender nominate"):
            rank_cases(store, None)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nominated_store(tmp_path / "s.db", 3).close()
    words = ["rank", "--store", str(tmp_path / "s.db")]
    assert cli.run(cli.profiler_app, "profiler", [*words, "--dry-run"]) == 0
    assert "nothing was sent" in capsys.readouterr().out
    assert cli.run(cli.profiler_app, "profiler", words) == 0
    said = capsys.readouterr().out
    assert "3 of 3 cases of nomination 2 are ranked by" in said
    assert "teacher\t2\t2\t2" in said
    assert cli.run(cli.profiler_app, "profiler", [*words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["found"]["teacher"] == {"5": 2, "10": 2, "25": 2}
