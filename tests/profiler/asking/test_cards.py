"""Item cards: asked of a server with faults, resumed, capped, taken from a file, forgotten."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import cli
from profiler.asking.answers.answer_schema import AnswerError
from profiler.asking.answers.sensitive import about_choosers
from profiler.asking.options import AskingOptions
from profiler.asking.tasks.cards import CARDS, Cards, Choice
from profiler.describe import CardSettings, describe_items
from profiler.exchange.cards import import_cards
from profiler.llm.budget import Caps
from profiler.llm.port import Request
from profiler.shown import ShownItem, ShownSubject
from store.errors import BudgetReachedError, DataError
from store.store import Store, open_store
from store.tables.tasks.cards import Card
from store.tables.tasks.subjects import TaskSubject
from store.upkeep.forget import forget_user
from store.upkeep.verify import verify
from store.views.export import export_store
from store.views.interests.explanation import explain_item
from store.views.items import show_item
from tests.asking_store import chat, fast, make_store, scalar
from tests.llm_server import KINDS, MENDED, TRANSPORT, Call, LlmServer, Step
from tests.reading_store import fill

FAULTS = [kind for kind in KINDS if kind != "valid"]
SETTINGS = CardSettings(items=6)  # a question about the six items of each subject of make_store


def ask(store: Store, server: LlmServer, settings: CardSettings = SETTINGS, **options: Any) -> Any:
    how = fast(**({"concurrency": 8} | options))
    return describe_items(store, chat(server.base_url, timeout=2), settings=settings, options=how)


def cards(store: Store) -> dict[int, tuple[str, tuple[str, ...]]]:
    return {ix: (one.card, one.next) for ix, one in store.cards.load().items()}


def test_every_fault_passes_and_leaves_the_cards_of_a_run_without_one(tmp_path: Path) -> None:
    number = len(FAULTS)
    with make_store(tmp_path / "clean.db", number) as store, LlmServer() as server:
        assert ask(store, server).asking.ok == number
        expected = cards(store)
    assert len(expected) == 6 * number

    def script(call: Call) -> Step:
        return Step(FAULTS[call.subject]) if call.nth < 1 else Step()

    with make_store(tmp_path / "faults.db", number) as store, LlmServer(script) as server:
        found = ask(store, server)
        assert (found.asking.ok, found.quarantined) == (number, 0)
        assert cards(store) == expected
        assert server.record.total == 2 * number - len(MENDED)
        assert found.asking.failed_calls == len(TRANSPORT)
        assert store.tasks.counts() == {"cards": {"ok": 6 * number}}
        assert verify(store)[1] == []
        ask(store, server)
        assert server.record.total == 2 * number - len(MENDED)  # nothing is asked twice


def test_what_cannot_be_used_is_quarantined_and_asked_again_item_by_item(tmp_path: Path) -> None:
    bad = {"foreign_evidence": True}

    def script(call: Call) -> Step:
        # One item spoils every answer it is part of: only asked alone the others get their cards.
        spoilt = bad["foreign_evidence"] and "s0-i2" in call.items
        return Step("foreign_evidence") if spoilt else Step()

    with make_store(tmp_path / "s.db", 2) as store, LlmServer(script) as server:
        found = ask(store, server)
        assert (found.asking.ok, found.asking.quarantined, found.quarantined) == (1, 1, 6)
        reasons = {one.reason for one in store.tasks.load("cards", ("quarantined",))}
        assert all("was not shown" in str(reason) for reason in reasons)
        assert ask(store, server).asking.subjects == 0  # not asked again without being told to
        again = ask(store, server, CardSettings(items=6, retry=True))
        assert (again.asking.ok, again.quarantined, again.cards) == (5, 1, 11)
        bad["foreign_evidence"] = False
        assert ask(store, server, CardSettings(items=6, retry=True)).cards == 12
        assert verify(store)[1] == []


def test_a_cap_stops_it_and_the_next_run_makes_the_calls_that_are_missing(tmp_path: Path) -> None:
    with make_store(tmp_path / "s.db", 5) as store, LlmServer() as server:
        with pytest.raises(BudgetReachedError):
            ask(store, server, caps=Caps(calls=2), concurrency=1)
        assert len(store.cards.load()) == 12
        ask(store, server)
        assert (server.record.total, len(store.cards.load())) == (5, 30)


def test_an_answer_that_was_paid_for_and_not_read_is_not_bought_again(tmp_path: Path) -> None:
    with make_store(tmp_path / "s.db", 2) as store, LlmServer() as server:
        ask(store, server)
        with store.write() as connection:  # as if the process died between answer and reading
            connection.exec_driver_sql("DELETE FROM cards WHERE item_ix < 6")
            connection.exec_driver_sql("DELETE FROM task_subjects WHERE item_ix < 6")
            connection.exec_driver_sql("UPDATE responses SET outcome = 'unread'")
        assert ask(store, server).asking.cached == 1
        assert (server.record.total, len(store.cards.load())) == (2, 12)


def test_a_dry_run_counts_the_calls_that_are_then_made(tmp_path: Path) -> None:
    with make_store(tmp_path / "s.db", 7) as store, LlmServer() as server:
        port = chat(server.base_url)
        usual = describe_items(store, port, options=fast(), dry_run=True).forecast["cards"]
        assert usual.calls.low == 3  # 42 items, twenty a call
        told = describe_items(
            store, port, settings=SETTINGS, options=fast(), dry_run=True
        ).forecast["cards"]
        assert (server.record.total, scalar(store, "SELECT count(*) FROM runs")) == (0, 1)
        assert told.usd is not None
        ask(store, server)
        assert told.calls.low == server.record.total == 7


def test_another_model_or_title_is_asked_for_and_what_was_brought_stays(tmp_path: Path) -> None:
    with make_store(tmp_path / "s.db", 2) as store, LlmServer() as server:
        ask(store, server)
        with store.write() as connection:
            connection.exec_driver_sql("UPDATE items SET title = 'Renamed' WHERE item_ix = 7")
        assert ask(store, server).asking.subjects == 1
        other = Cards(Choice(model="openai:other", template_digest="t"))
        assert sum(len(one.items) for one in other.subjects(store)) == 12
        kept = Cards(Choice(model="openai:other", only_pending=True))
        assert list(kept.subjects(store)) == []
        file = tmp_path / "mine.jsonl"
        file.write_text('{"item_id": "s0-i0", "card": "Ours.", "next": ["more"]}\n')
        import_cards(store, file, name="mine")
        assert sum(len(one.items) for one in other.subjects(store)) == 11


def request(*titles: str) -> Request:
    items = tuple(ShownItem(ix, f"i{ix}", title) for ix, title in enumerate(titles))
    return Request(
        ShownSubject(None, "items", "items:x", items), (), {}, "cards", "cards", "", "", 9
    )


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ([{"id": "i0", "card": "a", "next": []}], "no card was given for: i1"),
        ([{"id": "i0", "card": "PEN", "next": []}] * 2, "several cards"),
        ([{"id": "i0", "card": "pen", "next": []}], "only repeats the name"),
        ([{"id": "i9", "card": "a", "next": []}], "'i9' was not shown"),
        ([{"id": "i0", "card": "x" * 601, "next": []}], "at most 600"),
        ([{"id": "i0", "card": "a", "next": ["x"] * 6}], "at most 5"),
        ([{"id": "i0", "card": "The buyer is a young mother.", "next": []}], "of persons"),
    ],
)
def test_answers_that_are_sent_back(said: list[Any], error: str) -> None:
    with pytest.raises(AnswerError, match=error):
        CARDS.read({"cards": said}, request("Pen", "Ink"))


def test_a_plot_is_no_statement_on_viewers() -> None:
    assert about_choosers("A retired man and his wife raise his own children.") is None
    assert about_choosers("Picked by customers who suffer from diabetes.") is not None


def test_one_of_twenty_may_be_left_out_and_is_quarantined(tmp_path: Path) -> None:
    with make_store(tmp_path / "s.db", 2, items=10) as store, LlmServer() as server:
        subject = Cards(Choice(items=20)).subjects(store)[0]
        said = [
            {"id": item.item_id, "card": f"Of {item.item_id}.", "next": []}
            for item in subject.items[:-1]
        ]

        def script(call: Call) -> Step:
            return Step(text=json.dumps({"cards": said}))

        server.script = script
        found = ask(store, server, CardSettings())
        assert (found.cards, found.quarantined) == (19, 1)


def test_without_a_model_cards_say_what_is_chosen_together_and_who_made_them(
    tmp_path: Path,
) -> None:
    with open_store(fill(tmp_path / "s.db")) as store:
        found = describe_items(store, None)
        card = show_item(store, "shred").card
        assert card is not None
        assert (found.model, card.source) == ("offline", "offline")
        # In training two users have the shredder, and both the oil; nothing held out is named.
        assert card.card == "Oil for paper shredders"
        assert card.next == ["Oil for paper shredders"]
        assert explain_item(store, "customer-ada", "shred").card == card
        export_store(store, tmp_path / "out", "jsonl")
        lines = (tmp_path / "out" / "cards.jsonl").read_text().splitlines()
        assert len(lines) == 6
        assert verify(store)[1] == []


def test_forgetting_walks_from_an_answer_to_what_was_made_of_it(tmp_path: Path) -> None:
    path = fill(tmp_path / "s.db")
    with open_store(path) as store:
        run = store.runs.start("test", {})
        ada = store.datasets.load().user_index["customer-ada"]
        kind = TaskSubject("texts", "user", "user:customer-ada", user_ix=ada)
        (number,) = store.tasks.add([kind])
        quoted = f"Text on ada that is quoted elsewhere {'x' * 50}"
        first = _answer(store, run, "a", quoted, number)
        second = _answer(store, run, "b", f"Made of: {quoted}", None)
        third = _answer(store, run, "c", "An answer about nobody in particular.", None)
        store.tasks.add_parents(second, [first])
        store.cards.save([Card(0, f"Card of: {quoted}", (), "openai:m", "d", "t", second)])
        store.cards.save([Card(1, "Card of nobody.", (), "openai:m", "d", "t", third)])
        (item,) = store.tasks.add([TaskSubject("cards", "item", "item:x", item_ix=0)])
        store.tasks.set_states([item], "ok")
        assert verify(store)[1] == []
        counts = forget_user(store, "customer-ada")
        assert counts["task subjects"] == 1
        assert store.responses.get(first) is None
        assert store.responses.get(second) is None
        assert store.responses.get(third) is not None
        assert list(store.cards.load()) == [1]
        assert [one.state for one in store.tasks.load("cards")] == ["pending"]
        assert store.tasks.load("texts") == []
        assert verify(store)[1] == []
    assert quoted[:40].encode() not in path.read_bytes()


def _answer(store: Store, run: int, address: str, text: str, number: int | None) -> int:
    from store.tables.ledger import NewResponse, Prompt

    prompt = Prompt([{"role": "user", "content": f"Say {text}"}], {}, "texts", "t")
    return store.responses.add(
        NewResponse(address, prompt, None, run, "openai:m", text, task_subject_id=number)
    )


def test_verify_finds_a_changed_card(tmp_path: Path) -> None:
    with open_store(fill(tmp_path / "s.db")) as store:
        store.cards.save([Card(0, "As it was.", (), "openai:m", "d")])
        with store.write() as connection:
            connection.exec_driver_sql("DROP TRIGGER reseal_card")
            connection.exec_driver_sql("UPDATE cards SET card = 'Another.'")
        assert "card 0 was changed after it was written" in verify(store)[1]


def test_a_file_of_cards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path / "s.db")
    file = tmp_path / "cards.jsonl.gz"
    lines = [
        '{"item_id": "pen", "card": "Writes.", "next": ["ink"]}',
        '{"item_id": "pen", "card": "Again.", "next": []}',
        '{"item_id": "gone", "card": "Of nothing.", "next": []}',
        '{"item_id": "note", "card": 3, "next": []}',
        '{"item_id": "note", "card": "x", "next": [], "mood": 1}',
        "[1]",
    ]
    with gzip.open(file, "wt") as stream:
        stream.write("\n".join(lines))
    arguments = ["import-cards", str(file), "--store", str(tmp_path / "s.db"), "--json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("profiler.exchange.save_interests.encoder_of", lambda *_: None)
        assert cli.run(cli.profiler_app, "profiler", arguments) == 0
        said = json.loads(capsys.readouterr().out)
        assert cli.run(cli.profiler_app, "profiler", arguments) == 0
        again = json.loads(capsys.readouterr().out)
    assert (said["cards stored"], said["changed"], again["changed"]) == (1, 1, 0)
    assert said["rows dropped"] == {"repeated item": 1, "unknown item": 1, "unreadable": 3}
    with open_store(tmp_path / "s.db") as store:
        assert store.cards.load()[0].source == "import:cards"
        empty = tmp_path / "empty.jsonl"
        empty.write_text("{}\n")
        with pytest.raises(DataError, match="no card of an item"):
            import_cards(store, empty, name="x")
    show = ["show", "--item", "pen", "--store", str(tmp_path / "s.db")]
    assert cli.run(cli.profiler_app, "profiler", show) == 0
    assert "wanted next: ink" in capsys.readouterr().out


@pytest.mark.parametrize(("folder", "least"), [("ml-1m", 3_416), ("office", 2_417)])
def test_real_cards_are_all_accepted(
    shared_data: Path, folder: str, least: int, tmp_path: Path
) -> None:
    # The rule for statements about a person took 101 plots of films for statements on the viewer.
    file = shared_data / f"llm-item-cards-{folder}" / "cards.jsonl.gz"
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        ids = [json.loads(line)["item_id"] for line in stream]
    with open_store(tmp_path / "s.db", create=True) as store:
        with store.write() as connection:
            connection.exec_driver_sql(
                "INSERT INTO items (item_ix, item_id, title) VALUES (?, ?, 'A title')",
                list(enumerate(ids)),
            )
        found = import_cards(store, file, name="real")
        assert (found.stored, dict(found.dropped)) == (least, {})


def test_options_of_a_run_are_those_of_the_ledger() -> None:
    with pytest.raises(ValueError, match="max_tokens"):
        AskingOptions(max_tokens=0)
