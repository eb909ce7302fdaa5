"""What several stores paid for costs nothing in the store that they were merged into.

The fault: each store marks its questions with a secret of its own, so the answers of the second
store lay at addresses that no question of the merged store had.
"""

from __future__ import annotations

from pathlib import Path

from profiler.asking.runner import ask_in_turn
from prompts import load_template
from store.merging.merge import merge_stores
from store.store import Store, open_store
from tests.asking_store import chat, contents, fast, make_store
from tests.llm_server import LlmServer


def ask(store: Store, server: LlmServer) -> int:
    """Ask about every subject; how many calls it took."""
    before = server.record.total
    template = load_template("exemplar_interests")
    ask_in_turn(
        store,
        "exemplar",
        [chat(server.base_url)],
        template=template,
        options=fast(),
        run_id=store.runs.start("test", {}),
    )
    return server.record.total - before


def rename_users(store: Store, first: int) -> None:
    """Give the users, and with them the subjects and items, ids of another shard."""
    with store.write() as connection:
        for update in (
            "UPDATE users SET user_id = 'u' || (user_ix + :n)",
            "UPDATE subjects SET name = 'exemplar:u' || (user_ix + :n)",
            "UPDATE items SET item_id = 's' || (item_ix / 6 + :n) || '-i' || (item_ix % 6), "
            "title = 'Item s' || (item_ix / 6 + :n) || '-i' || (item_ix % 6)",
        ):
            connection.exec_driver_sql(update.replace(":n", str(first)))


def test_a_merged_store_asks_for_nothing_that_either_store_paid_for(tmp_path: Path) -> None:
    paths = [tmp_path / "a.db", tmp_path / "b.db"]
    with LlmServer() as server:
        for place, path in enumerate(paths):
            with make_store(path, 4) as store:
                rename_users(store, 4 * place)
                assert ask(store, server) == 4
        merge_stores(paths, tmp_path / "c.db")
        with open_store(tmp_path / "c.db") as store:
            asked = contents(store)
            assert {state for _, state, _ in asked} == {"ok"}
            assert ask(store, server) == 0
            for one in store.subjects.load():  # not only what the answers said is here
                store.interests.save(one.subject_id, [], source="offline", response_id=None)
                store.subjects.set_state(one.subject_id, "pending")
            assert ask(store, server) == 0
            assert contents(store) == asked
