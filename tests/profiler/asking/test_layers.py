"""GaCLLM's layers: asked of a server with faults, resumed, sampled, stale, forgotten, leak-free."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from profiler.asking.answers.answer_schema import AnswerError
from profiler.asking.tasks.layer_choice import LayerChoice
from profiler.asking.tasks.layers import LAYERS, Layers
from profiler.asking.tasks.neighbourhoods import TEXT_TOKENS, Neighbourhoods
from profiler.describe import CardSettings, describe_items, items_due
from profiler.layers import LayerSettings, describe_layers, forecast_layers
from profiler.llm.budget import Caps
from profiler.llm.port import Request
from profiler.offline.layers import described
from profiler.shown import ShownSubject
from prompts.items import estimate_tokens
from store.errors import BudgetReachedError, LeakageError, UserError
from store.store import Store
from store.tables.shown import check_shown, refuse_leak, shown_to_llm
from store.tables.tasks.descriptions import Node
from store.upkeep.forget import forget_user
from store.upkeep.verify import verify
from store.views.shared.descriptions import said_of
from tests.asking_store import CANARY, MODEL, chat, fast, scalar, shop
from tests.llm_server import KINDS, MENDED, TRANSPORT, Call, LlmServer, Step

FAULTS = [kind for kind in KINDS if kind != "valid"]
TWO = LayerSettings(layers=2, who="all")


def describe(store: Store, server: LlmServer, settings: LayerSettings = TWO, **how: Any) -> Any:
    options = fast(**({"concurrency": 8} | how))
    return describe_layers(
        store, chat(server.base_url, timeout=2), settings=settings, options=options
    )


def texts(store: Store) -> dict[tuple[Node, int], str]:
    return {key: one.text for key, one in store.descriptions.load().items()}


def prompts(store: Store) -> str:
    with store.read() as connection:
        return "\n".join(connection.exec_driver_sql("SELECT messages FROM prompts").scalars())


def test_every_fault_passes_and_leaves_the_layers_of_a_run_without_one(tmp_path: Path) -> None:
    with shop(tmp_path / "clean.db") as store, LlmServer() as server:
        done = describe(store, server)
        assert [(one.layer, one.users, one.items) for one in done] == [(1, 3, 9), (2, 3, 9)]
        assert server.record.total == 24
        expected = texts(store)
    faults = iter(FAULTS)
    given: dict[str, str] = {}

    def script(call: Call) -> Step:
        # Every question that is new gets the next fault once; what follows it is answered.
        if "=== Correction" in call.text or call.text in given:
            return Step()
        given[call.text] = next(faults, "valid")
        return Step(given[call.text])

    with shop(tmp_path / "faults.db") as store, LlmServer(script) as server:
        done = describe(store, server, concurrency=1)
        assert sum(one.quarantined for one in done) == 0
        assert set(texts(store)) == set(expected)
        assert server.record.total == 24 + len(FAULTS) - len(MENDED)
        assert sum(one.asking.failed_calls for one in done) == len(TRANSPORT)
        assert verify(store)[1] == []
        describe(store, server)
        assert server.record.total == 24 + len(FAULTS) - len(MENDED)  # nothing is asked twice


def test_all_of_a_layer_read_the_layer_below_and_nothing_of_their_own(tmp_path: Path) -> None:
    with shop(tmp_path / "s.db") as store, LlmServer() as server:
        describe(store, server)
        found = store.descriptions.load()
        graph = Neighbourhoods(store, "all")
        user: Node = ("user", 0)
        assert graph.of[user] == tuple(("item", ix) for ix in (0, 1, 2, 3))
        second = graph.quoted(user, 2)
        assert list(second.texts) == [found[node, 1].text for node in (user, *graph.of[user])]
        number = found[user, 2].task_subject_id
        assert tuple(store.descriptions.quoted(number)) == second.parents
        first = graph.quoted(user, 1)
        assert first.texts[1] == "Item 0 0 s0-i0"
        # In layer 1 the own text of a user is what was stored of them before any description.
        assert first.texts[0] == "Item 1 0 s1-i0; Item 0 2 s0-i2; Item 0 1 s0-i1; Item 0 0 s0-i0"


def test_a_stop_loses_nothing_and_the_calls_that_are_missing_are_made(tmp_path: Path) -> None:
    with shop(tmp_path / "s.db") as store, LlmServer() as server:
        with pytest.raises(BudgetReachedError):
            describe(store, server, caps=Caps(calls=5), concurrency=1)
        assert len(store.descriptions.load()) == 5
        layer2 = Layers(LayerChoice(2, who="all")).prepared(store).due()
        assert (layer2.ready, len(layer2.waiting)) == ((), 12)
        describe(store, server)
        assert server.record.total == 24


def test_an_answer_that_was_paid_for_and_not_read_is_not_bought_again(tmp_path: Path) -> None:
    with shop(tmp_path / "s.db") as store, LlmServer() as server:
        describe(store, server)
        with store.write() as connection:  # as if the process died between answer and reading
            connection.exec_driver_sql("DELETE FROM descriptions")
            connection.exec_driver_sql("UPDATE responses SET outcome = 'unread'")
        assert sum(one.asking.cached for one in describe(store, server)) == 24
        assert server.record.total == 24


def test_what_a_dry_run_counts_is_what_is_called(tmp_path: Path) -> None:
    with shop(tmp_path / "s.db") as store, LlmServer() as server:
        port, options = chat(server.base_url), fast()
        settings = LayerSettings(layers=2, who="all", neighbours=3, token_budget=600)
        cards = items_due(store, port, CardSettings())
        told = forecast_layers(store, port, settings=settings, options=options, cards_due=cards)
        # Four items a user and three users an item at most, two neighbours a question.
        calls = {name: one.calls.low for name, one in told.items()}
        assert calls == {"layer 1": 15, "layer 2": 15}
        assert all(one.usd is not None for one in told.values())
        assert scalar(store, "SELECT count(*) FROM task_subjects") == 0
        describe_items(store, port, options=options)
        before = server.record.total
        done = describe(store, server, settings)
        assert [one.asking.calls for one in done] == [15, 15]
        assert server.record.total - before == 30
        after = forecast_layers(store, port, settings=settings, options=options)
        assert [one.calls.most for one in after.values()] == [0, 0]


def test_chunks_go_on_from_the_description_before(tmp_path: Path) -> None:
    with shop(tmp_path / "s.db") as store, LlmServer() as server:
        describe(store, server, LayerSettings(who="all", token_budget=600), concurrency=1)
        asked = [call.text for call in server.record.calls]
        first = next(text for text in asked if "- Item 0 1 s0-i1" in text and "person" in text)
        second = next(text for text in asked if "- Things that go with s1-i0" in text)
        # The third and fourth neighbour, after what was said of the first two.
        assert ("- Item 0 2 s0-i2" in first, "- Item 0 2 s0-i2" in second) == (False, True)


def test_a_sample_is_told_by_its_seed_and_stays_as_data_grow(tmp_path: Path) -> None:
    with shop(tmp_path / "s.db", users=12, items=1) as store:
        with store.write() as connection:
            for user in range(12):
                connection.exec_driver_sql(
                    "INSERT OR IGNORE INTO interactions VALUES (?, 8, 0, NULL, 0)", (user,)
                )
        item: Node = ("item", 0)
        sample = Neighbourhoods(store, "all", neighbours=4).of[item]
        assert len(sample) == 4
        assert Neighbourhoods(store, "all", neighbours=4).of[item] == sample
        assert Neighbourhoods(store, "all", neighbours=4, seed=1).of[item] != sample
        more = Neighbourhoods(store, "all", neighbours=5).of[item]
        assert set(sample) < set(more)


def test_a_changed_text_makes_what_quotes_it_due_and_nothing_else(tmp_path: Path) -> None:
    with shop(tmp_path / "s.db") as store, LlmServer() as server:
        describe(store, server)
        with store.write() as connection:
            connection.exec_driver_sql("UPDATE items SET title = 'Renamed s1-i1' WHERE item_ix = 4")
        now = {"who": "all", "model": MODEL, "template_digest": LAYERS.load_template().digest}
        one = Layers(LayerChoice(1, **now)).prepared(store).due()
        # The item itself, and its user, whose titles are also quoted by the user's other items.
        assert set(one.ready) == {("user", 1), *((("item", ix)) for ix in (3, 4, 5, 6))}
        two = Layers(LayerChoice(2, **now)).prepared(store).due()
        assert two.ready == ()
        done = describe(store, server)
        assert done[0].asking.calls == len(one.ready)
        assert done[1].asking.calls == len(two.waiting)


def test_another_model_is_asked_anew_and_the_stand_in_replaces_nothing(tmp_path: Path) -> None:
    with shop(tmp_path / "s.db") as store, LlmServer() as server:
        describe_layers(store, None, settings=TWO)
        assert {one.source for one in store.descriptions.load().values()} == {"offline"}
        describe(store, server)
        assert server.record.total == 24
        before = texts(store)
        again = describe_layers(store, None, settings=TWO)
        assert [one.asking.subjects for one in again] == [0, 0]
        assert texts(store) == before


def test_only_training_interactions_are_read_and_no_user_is_named(tmp_path: Path) -> None:
    with shop(tmp_path / "s.db") as store, LlmServer() as server:
        describe(store, server)
        hidden: Node = ("item", 9)
        assert hidden not in Neighbourhoods(store, "all").of
        assert CANARY not in prompts(store)
        for user in ("u0", "u1", "u2"):
            assert f'"{user}"' not in prompts(store)
            assert f":{user}" not in prompts(store)


def test_what_a_split_hides_later_is_found_before_training(tmp_path: Path) -> None:
    with shop(tmp_path / "s.db") as store:
        describe_layers(store, None, settings=LayerSettings(who="all"))
        data = store.datasets.load()
        # Each user has four items, and each of these lies in the user's description or its own.
        assert check_shown(data, shown_to_llm(store)) == 12
        with store.write() as connection:
            refuse_leak(connection)
            connection.exec_driver_sql(
                "UPDATE interactions SET part = 3 WHERE user_ix = 1 AND item_ix = 4"
            )
            with pytest.raises(LeakageError, match="rests on item 's1-i1' of 'user:u1'"):
                refuse_leak(connection)
        with pytest.raises(LeakageError, match="shown item 's1-i1' of 'user:u1'"):
            check_shown(store.datasets.load(), shown_to_llm(store))


def test_forgetting_a_user_walks_from_layer_to_layer(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with shop(path, users=5, items=2) as store, LlmServer() as server:
        with store.write() as connection:  # a quarantined question quotes a user as well
            connection.exec_driver_sql("UPDATE items SET title = 'Only of u0' WHERE item_ix = 1")

        def script(call: Call) -> Step:
            spoilt = ">>>\n- Only of u0" in call.text  # the question about that item
            return Step(text='{"description": 3}') if spoilt else Step()

        server.script = script
        describe(store, server)
        assert len(store.tasks.load("layers", ("quarantined",))) == 2
        found = store.descriptions.load()
        far = found[("user", 3), 2], found[("item", 7), 1]
        counts = forget_user(store, "u0")
        assert counts["task subjects"] == 2
        left = store.descriptions.load()
        # Of u0: itself, and its items 0, 1, 2; of these their users 4 and 1 at layer 2.
        gone = {key for key in found if key not in left}
        assert gone == {
            *((("user", 0), layer) for layer in (1, 2)),
            *((("item", ix), layer) for ix in (0, 2) for layer in (1, 2)),
            (("user", 4), 2),
            (("user", 1), 2),
        }
        assert far == (left[("user", 3), 2], left[("item", 7), 1])
        assert verify(store)[1] == []
        states = {one.name: one.state for one in store.tasks.load("layers")}
        assert states["layer2:user:u4"] == states["layer1:item:s0-i1"] == "pending"
        server.script = lambda call: Step()
        describe(store, server)
        assert {one.state for one in store.tasks.load("layers")} - {"ok"} <= {"pending"}
        assert verify(store)[1] == []
    assert b"user:u0" not in path.read_bytes()


def test_layers_end_where_texts_stop_moving(tmp_path: Path) -> None:
    class Encoder:
        name, max_tokens, dim = "toy", None, 4

        def encode(self, texts: list[str], progress: Any = None) -> Any:
            return np.tile(np.float32([1, 0, 0, 0]), (len(texts), 1))

    with shop(tmp_path / "s.db") as store:
        settings = LayerSettings(layers=3, who="all")
        done = describe_layers(store, None, settings=settings, encoder=Encoder())
        assert [one.moved for one in done] == [{"users": 1.0, "items": 1.0}]
        assert len(describe_layers(store, None, settings=settings)) == 3


def test_the_stand_in_keeps_words_that_neighbours_share() -> None:
    said = described("Pen", ["Blue ink; for school", "Black ink; for office", "Soap"], user=False)
    assert said.startswith("Pen; ")
    assert said.index("ink") < said.index("Soap")
    assert described("", ["Soap"], user=True) == "Soap"


def request(kind: str, *lines: str) -> Request:
    subject = ShownSubject(None, kind, "layer1:x", (), texts=lines)
    return Request(subject, (), {}, "description", "layers", "", "", 9)


@pytest.mark.parametrize(
    ("kind", "said", "error"),
    [
        ("user", {"description": ""}, "at least 1"),
        ("user", {"description": "x" * 601}, "at most 600"),
        ("user", {"description": "She is a Christian woman."}, "the person's"),
        ("item", {"description": "The buyer is a young mother."}, "the person's"),
        ("item", {"description": "likes INK"}, "repeats one of the lines"),
        ("item", {"label": "x"}, "description"),
    ],
)
def test_answers_that_are_sent_back(kind: str, said: dict[str, str], error: str) -> None:
    with pytest.raises(AnswerError, match=error):
        LAYERS.read(said, request(kind, "Pen", "Likes ink", "Likes paper"))


def test_a_text_of_any_script_fits_its_share_of_the_budget(tmp_path: Path) -> None:
    with shop(tmp_path / "s.db") as store:
        with store.write() as connection:
            connection.exec_driver_sql("UPDATE items SET title = ?", ("長" * 900,))
        for node in ("item", 0), ("user", 0):
            quoted = Neighbourhoods(store, "all").quoted(node, 1)
            assert max(map(estimate_tokens, quoted.texts)) <= TEXT_TOKENS


def test_nobody_to_describe_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with shop(tmp_path / "s.db") as store:
        store.subjects.choose("exemplar", [], store.runs.start("test", {}))
        with pytest.raises(UserError, match="--who all"):
            describe_layers(store, None)


def test_who_said_what_is_shown(tmp_path: Path) -> None:
    with shop(tmp_path / "s.db") as store:
        describe_layers(store, None, settings=LayerSettings(who="all"))
        with store.read() as connection:
            (said,) = said_of(connection, "item", 0)
        assert (said.layer, said.source, said.neighbours, said.state) == (1, "offline", 2, "ok")
        assert json.dumps(said.to_json())
