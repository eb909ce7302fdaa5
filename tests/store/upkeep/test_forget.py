"""A forgotten user leaves no byte in the file; what rested on it waits for the next build."""

from __future__ import annotations

import sqlite3

import numpy as np
import polars as pl
import pytest

from profiler.config import BuildConfig
from profiler.pipeline import build
from store.data.prepare import prepare
from store.data.readers import read
from store.db.sweeping import PENDING, sweep
from store.errors import StoreError
from store.store import open_store
from store.tables.ledger import NewAttempt, NewResponse, Prompt
from store.tables.questions import Question
from store.upkeep.edits import rename
from store.upkeep.forget import REASON, forget_user, sweep_left
from store.upkeep.traces import SHORTEST, collect_needles, find_traces
from store.upkeep.verify import verify
from store.views.status import summarise
from store.views.subjects.users import show_user
from tests.reading_store import PAPER, PENS, REFILLS, SHREDDING, fill, rows_of


@pytest.fixture
def path(tmp_path):
    return fill(tmp_path / "s.db")


def bytes_of(path):
    beside = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]
    return b"".join(file.read_bytes() for file in beside if file.exists())


def test_an_exemplar_goes_with_all_that_was_asked_about_it(path):
    ours = [b"customer-ada", PENS.label.encode(), PENS.description.encode(), b"answer on exemplar"]
    prompt = b"Somebody called exemplar:customer-ada"
    before = bytes_of(path)
    thought = b"What a model thought of exemplar:customer-ada"
    assert all(text in before for text in (*ours[:3], prompt, thought))
    with open_store(path) as store:
        counts = forget_user(store, "customer-ada")
        assert verify(store)[1] == []
        assert counts == {
            "interactions": 5,
            "answers": 2,
            "prompts": 2,
            "interests": 3,
            "subjects removed": 1,
            "members without an exemplar": 2,
            "synthetic users removed": 0,
            "synthetic users pending": 1,
            "text vectors": 3,
            "texts searched for in the file": counts["texts searched for in the file"],
        }
        assert counts["texts searched for in the file"] > 8
        after = bytes_of(path)
        for text in (
            b"customer-ada",
            prompt,
            thought,
            REFILLS.label.encode(),
            PAPER.description.encode(),
        ):
            assert text not in after
        # FTS keeps stemmed terms of its own: those only the forgotten interests had are gone.
        for term in (b"refil", b"recycl"):
            assert not fts_holds(path, term.decode())
        assert fts_holds(path, "shred")
        assert SHREDDING.label.encode() in after
        assert show_user(store, "customer-dee").exemplar.interests


def fts_holds(path, term):
    with sqlite3.connect(path) as connection:
        blocks = connection.execute("SELECT block FROM interests_fts_data").fetchall()
    return any(term.encode() in block[0] for block in blocks)


def test_a_synthetic_user_keeps_what_the_others_own(path):
    with open_store(path) as store:
        forget_user(store, "customer-bob")
        (subject,) = store.subjects.load(kinds=("synthetic",))
        dataset = store.datasets.load()
        assert (subject.state, subject.reason, subject.size) == ("pending", REASON, 2)
        owned = [set(dataset.history(dataset.user_index[f"customer-{u}"])) for u in ("ada", "eve")]
        assert set(subject.items) <= owned[0] | owned[1]
        exemplar = next(s for s in store.subjects.load() if s.name == "exemplar:customer-ada")
        assert (exemplar.size, exemplar.state) == (2, "ok"), "its prompt never showed bob"
        assert rows_of(store, "attempts")[2]["cost_usd"] == 0.01, "the ledger still adds up"


def test_numbers_and_histories_of_the_others_stay(path):
    with open_store(path) as store:
        before = store.datasets.load()
        gone = before.user_index["customer-bob"]
        forget_user(store, "customer-bob")
        after = store.datasets.load()
        assert after.item_ids == before.item_ids
        assert len(after.user_ids) == len(before.user_ids)
        for user_id, user_ix in before.user_index.items():
            if user_ix == gone:
                assert len(after.history(user_ix, (0, 1, 2, 3))) == 0
            else:
                assert after.user_ids[user_ix] == user_id
                for part in range(4):
                    was, now = (d.history(user_ix, (part,)) for d in (before, after))
                    assert np.array_equal(was, now)
        indptr, _ = store.interests.of_users("exemplar")
        assert len(indptr) == len(before.user_ids) + 1
        assert indptr[gone] == indptr[gone + 1]
        assert summarise(store).data["users"] == 4
        for user in ("customer-bob", f"forgotten:{gone}"):
            with pytest.raises(StoreError, match="no user"):
                show_user(store, user)


def dump(path):
    with sqlite3.connect(path) as connection:
        return list(connection.iterdump())


def test_all_users_may_go_one_after_the_other(path):
    with open_store(path) as store:
        for user in ("customer-eve", "customer-ada", "customer-cyd", "customer-bob"):
            forget_user(store, user)
            assert verify(store)[1] == []
        assert b"customer-" in bytes_of(path)
        forget_user(store, "customer-dee")
        assert b"customer-" not in bytes_of(path)
        assert not rows_of(store, "interests")
        assert not rows_of(store, "subjects")


def test_an_unknown_user_changes_nothing(path):
    with open_store(path) as store:
        before = dump(path)
        with pytest.raises(StoreError, match="no user 'nobody'"):
            forget_user(store, "nobody")
        assert dump(path) == before


def test_a_reader_that_holds_the_old_rows_is_told_of(path):
    with sqlite3.connect(path, isolation_level=None) as reader, open_store(path) as store:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM users").fetchone() == (5,)
        with store.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout = 100")
        with pytest.raises(StoreError, match=r"close it and|cannot be swept"):
            forget_user(store, "customer-ada")
        reader.execute("ROLLBACK")
        sweep(store.engine, store.path)
        assert b"customer-ada" not in bytes_of(path)


def test_traces_are_found_where_nothing_accounts_for_them(path):
    with open_store(path) as store:
        store.set_meta(note="customer-zoe was here")
        assert find_traces(store, ["customer-zoe", "customer-bob", "nowhere"]) == ["customer-zoe"]


def test_the_next_build_mends_a_real_store(tmp_path):
    rng = np.random.default_rng(5)
    users = [f"person-{rng.integers(10**9):09d}" for _ in range(24)]
    log = pl.DataFrame(
        [(u, f"i{i}", t) for u in users for t, i in enumerate(rng.permutation(12)[:6].tolist())],
        schema=["user_id", "item_id", "timestamp"],
        orient="row",
    )
    words = ["gel", "pen", "paper", "note", "shred", "tape", "desk", "lamp", "chair", "file"]
    words += ["clip", "ink"]
    items = pl.DataFrame(
        {"item_id": [f"i{i}" for i in range(12)], "title": [f"{w} for office" for w in words]}
    )
    config = BuildConfig.checked(exemplars=3, synthetic_users=3)
    gone = users[int(rng.integers(24))]
    with open_store(tmp_path / "s.db", create=True) as store:
        build((log, items), store, config=config)
        with store.read() as connection:
            exemplars = [
                row[0].removeprefix("exemplar:")
                for row in connection.exec_driver_sql(
                    "SELECT name FROM subjects WHERE kind = 'exemplar'"
                )
            ]
        for user in dict.fromkeys([gone, exemplars[0]]):
            forget_user(store, user)
            assert user.encode() not in bytes_of(tmp_path / "s.db")
            log = log.filter(pl.col("user_id") != user)
        build((log, items), store, config=config)
        assert verify(store)[1] == []
        assert not store.subjects.load(states=("pending", "quarantined"))
        indptr, _ = store.interests.of_users("exemplar")
        dataset = store.datasets.load()
        lacking = [dataset.user_ids[u] for u in np.flatnonzero(np.diff(indptr) == 0)]
        assert all(user.startswith("forgotten:") for user in lacking)
        assert len(gone) >= SHORTEST


def users_of(store):
    with store.read() as connection:
        return dict(connection.exec_driver_sql("SELECT user_id, forgotten FROM users").all())


def test_a_user_may_really_be_called_as_a_forgotten_one(path):
    """The stand-in name of a forgotten user met a user of that name: a traceback."""
    with open_store(path) as store:
        dataset = store.datasets.load()
        gone = dataset.user_index["customer-ada"]
        other = dataset.user_index["customer-bob"]
        with store.write() as connection:
            connection.exec_driver_sql(
                "UPDATE users SET user_id = ? WHERE user_ix = ?", (f"forgotten:{gone}", other)
            )
        forget_user(store, "customer-ada")
        assert show_user(store, f"forgotten:{gone}").user.interactions
        names = users_of(store)
        assert len(set(names)) == len(names) == 5


def test_data_may_bring_a_user_called_as_a_forgotten_one(tmp_path):
    """The new user would have got the forgotten one's row, and been left out everywhere."""
    log = {"user_id": ["a", "a", "b", "b"], "item_id": ["x", "y", "x", "y"], "timestamp": [1] * 4}
    with open_store(tmp_path / "s.db", create=True) as store:
        store.datasets.save(prepare(read(pl.DataFrame(log))), "frames")
        forget_user(store, "a")
        log = {key: [*values, *values[2:]] for key, values in log.items()}
        log["user_id"] = ["b", "b", "forgotten:0", "forgotten:0", "c", "c"]
        store.datasets.save(prepare(read(pl.DataFrame(log))), "frames")
        dataset = store.datasets.load()
        assert len(dataset.history(dataset.user_index["forgotten:0"], (0, 1, 2, 3))) == 2
        flags = users_of(store)
        assert flags["forgotten:0"] == 0
        assert sum(flags.values()) == 1


def test_an_answer_about_somebody_forgotten_meanwhile_is_dropped(path):
    """``forget`` while a call was under way ended the build with FOREIGN KEY constraint failed."""
    with open_store(path) as store:
        (subject,) = [s for s in store.subjects.load() if s.name == "exemplar:customer-ada"]

        def attempt():
            return NewAttempt("s256:now", subject.subject_id, None, "ask", 0.1, 100)

        def open_call():
            return store.responses.open_call(attempt(), owner="me", clock=0, lease_s=60)

        answered, failed = open_call(), None
        with store.write() as connection:
            connection.exec_driver_sql("DELETE FROM leases")
        failed = open_call()
        forget_user(store, "customer-ada")
        prompt = Prompt([{"role": "user", "content": "about customer-ada"}], {}, "t", "s256:t")
        response = NewResponse(
            "s256:now", prompt, subject.subject_id, None, "openai:m", "on ada", cost_usd=0.5
        )
        assert store.responses.close_answered(answered.attempt_id, response, owner="me") is None
        store.responses.close_failed(failed.attempt_id, "server_error", error="about customer-ada")
        assert open_call().forgotten
        last = {row["attempt_id"]: row for row in rows_of(store, "attempts")}
        assert last[answered.attempt_id]["cost_usd"] == 0.5, "what was paid is in the ledger"
        assert last[failed.attempt_id]["error"] is None
        assert verify(store)[1] == []
        sweep(store.engine, store.path)
        assert b"customer-ada" not in bytes_of(path)


def test_what_is_deleted_is_overwritten_at_once(path):
    """Mutant: ``secure_delete`` off leaves deleted texts readable until the file is swept."""
    with open_store(path) as store:
        with store.read() as connection:
            assert connection.exec_driver_sql("PRAGMA secure_delete").scalar() == 1
        with store.write() as connection:
            connection.exec_driver_sql("DELETE FROM edits")
            connection.exec_driver_sql("DELETE FROM questions")


def test_an_error_of_a_provider_goes_with_the_user(path):
    """Mutant: ``attempts.error`` kept, which may quote the question."""
    with open_store(path) as store:
        (subject,) = [s for s in store.subjects.load() if s.name == "exemplar:customer-ada"]
        with store.write() as connection:
            connection.exec_driver_sql(
                "UPDATE attempts SET error = 'cannot answer about her garden' WHERE subject_id = ?",
                (subject.subject_id,),
            )
        forget_user(store, "customer-ada")
        assert all(row["error"] is None for row in rows_of(store, "attempts"))
    assert b"her garden" not in bytes_of(path)


def test_traces_that_are_left_are_an_error_and_the_sweep_stays_due(path, monkeypatch):
    """Mutant: the search for traces skipped, so that nobody learns of what is left."""
    monkeypatch.setattr("store.upkeep.forget.find_traces", lambda *_: ["a text"])
    with open_store(path) as store:
        with pytest.raises(StoreError, match="still holds 1 texts"):
            forget_user(store, "customer-ada")
        assert store.meta(PENDING)


def test_a_log_that_cannot_be_emptied_is_an_error(path, monkeypatch):
    """Mutant: whether the write-ahead log was emptied not looked at."""
    with sqlite3.connect(path, isolation_level=None) as reader, open_store(path) as store:
        monkeypatch.setattr("store.db.engine.BUSY_TIMEOUT_MS", 50)
        store.engine.dispose()
        with store.write() as connection:
            connection.exec_driver_sql("UPDATE subjects SET size = size")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM users").fetchone()
        with pytest.raises(StoreError, match=r"log cannot be emptied|cannot be swept"):
            sweep(store.engine, store.path)
        reader.execute("ROLLBACK")
    reader.close()


def needles(monkeypatch, user_id, *found):
    """What is searched for where these texts are the ones that the user caused."""
    caused = {"subjects.name": ["exemplar:x"], "interests.label": list(found)}
    monkeypatch.setattr("store.upkeep.traces.texts.of_subjects", lambda *_: caused)
    return collect_needles(None, user_id, [])


def test_long_texts_are_searched_for_in_windows(monkeypatch):
    """Mutants: other windows, with which a page boundary could hide a text."""
    letters = "".join(chr(0x4E00 + n) for n in range(20_000))
    for length, starts in ((48, [0]), (49, [0]), (239, [0]), (240, [0, 192])):
        found = needles(monkeypatch, "user", letters[:length])
        assert found == ["exemplar:x", *(letters[start : start + 48] for start in starts)]
    found = needles(monkeypatch, "user", letters)
    assert len(found) == 1 + 40
    assert found[-1] == letters[39 * 192 : 39 * 192 + 48]


def test_texts_of_six_bytes_are_searched_for_once_and_shorter_ones_are_not(monkeypatch):
    found = needles(monkeypatch, "ab1234", "ab123", "üüü", "", "ab1234", "üüü")
    assert found == ["ab1234", "exemplar:x", "üüü"]
    assert SHORTEST == 6


def test_traces_are_found_from_the_first_byte_on_and_empty_files_hold_none(path):
    """Mutants: a trace at the very beginning of a file missed; an empty file a traceback."""
    path.with_name("s.db-journal").touch()
    with open_store(path) as store:
        assert find_traces(store, ["SQLite format 3", "nowhere"]) == ["SQLite format 3"]


def test_the_first_text_that_is_left_is_named_and_cut(path, monkeypatch):
    """Mutants: another text named, or all of it."""
    monkeypatch.setattr("store.upkeep.forget.find_traces", lambda *_: ["x" * 50, "other"])
    with open_store(path) as store, pytest.raises(StoreError) as refused:
        forget_user(store, "customer-ada")
    assert f"still holds 2 texts that only it caused (first: '{'x' * 40}'); " in str(refused.value)


def test_what_is_left_is_swept_where_the_file_may_be_written(path):
    """Mutants: a store that may be written refused; the note that a sweep is due kept or missed."""
    with open_store(path) as store:
        sweep_left(store)
        store.set_meta(**{PENDING: True})
        sweep_left(store)
        assert store.meta(PENDING) is None
    with (
        open_store(path, read_only=True) as store,
        pytest.raises(StoreError, match="nothing can be swept: "),
    ):
        sweep_left(store)


def test_a_column_that_was_not_seen_to_undoes_everything(path, monkeypatch):
    """Mutant: a user half removed where a column with their words was overlooked."""
    monkeypatch.setattr("store.upkeep.forget.texts.remaining", lambda *_: ["attempts.error", "x"])
    before = dump(path)
    with (
        open_store(path) as store,
        pytest.raises(StoreError, match=r"nothing is changed: attempts\.error would still"),
    ):
        forget_user(store, "customer-ada")
    assert dump(path) == before


def test_a_sweep_that_is_done_is_due_no_more(path, monkeypatch):
    """Mutants: every later command sweeps again, or none does."""
    with open_store(path) as store:
        forget_user(store, "customer-ada")
        assert store.meta(PENDING) is None
        swept = []
        monkeypatch.setattr("store.upkeep.forget.sweep", lambda *place: swept.append(place))
        sweep_left(store)
        assert swept == [(store.engine, store.path)]


def test_changes_by_hand_go_with_the_interests_they_quote(path):
    """Mutant: the label somebody gave an interest of the user kept in the list of changes."""
    with open_store(path) as store:
        rename(store, 1, "Pens of her garden")
        assert rows_of(store, "edits")
        forget_user(store, "customer-ada")
        assert not rows_of(store, "edits")
    assert b"her garden" not in bytes_of(path)


def test_a_synthetic_user_counts_the_owners_that_are_left(path):
    """Mutants: owners counted as before; items kept that nobody owns any more."""

    def owners(store):
        (subject,) = store.subjects.load(kinds=("synthetic",))
        ids = store.datasets.load().item_ids
        rows = [r for r in rows_of(store, "subject_items") if r["subject_id"] == subject.subject_id]
        return {ids[row["item_ix"]]: row["owners"] for row in rows}

    with open_store(path) as store:
        before = owners(store)
        assert set(before) == {"pen", "refill", "note"}
        with store.write() as connection:  # one more member, so that two are left in the end
            connection.exec_driver_sql(
                "INSERT INTO memberships (subject_id, user_ix, similarity) SELECT subject_id, ?, 1 "
                "FROM subjects WHERE kind = 'synthetic'",
                (store.datasets.load().user_index["customer-cyd"],),
            )
        forget_user(store, "customer-bob")
        left = owners(store)
        assert left["refill"] == 1
        forget_user(store, "customer-ada")
        assert "refill" not in owners(store)


def test_conversations_and_questions_go_without_a_word_left(path):
    """Mutants: what ``ask`` was told kept, or its calls still pointing at it."""
    with open_store(path) as store:
        prompt = Prompt([{"role": "user", "content": "who buys from her garden"}], {}, "ask", "s:t")
        response = store.responses.add(
            NewResponse("s256:asked", prompt, None, None, "openai:m", "her garden, surely")
        )
        with store.write() as connection:
            connection.exec_driver_sql(
                "UPDATE attempts SET response_id = ? WHERE attempt_id = 1", (response,)
            )
        forget_user(store, "customer-cyd")
        assert all(row["response_id"] != response for row in rows_of(store, "attempts"))
        assert all(row["response_id"] != response for row in rows_of(store, "responses"))
        assert verify(store)[1] == []
    assert b"her garden" not in bytes_of(path)


def test_later_steps_are_told_and_unused_vectors_are_gone(path):
    """Mutants: exemplars not chosen anew; the vector of a text that is gone kept."""
    steps = ("choice_digest", "assigned_digest", "merged_digest")
    with open_store(path) as store:
        store.set_meta(**dict.fromkeys(steps, "s256:x"))
        before = len(rows_of(store, "vectors"))
        counts = forget_user(store, "customer-ada")
        assert len(rows_of(store, "vectors")) == before - counts["text vectors"] < before
        assert [store.meta(step) for step in steps] == [None] * 3


def test_questions_that_wait_for_an_answer_go(path):
    """Mutant: the question kept, which shows the user's items."""
    with open_store(path) as store:
        (subject,) = [s for s in store.subjects.load() if s.name == "exemplar:customer-ada"]
        prompt = Prompt([{"role": "user", "content": "about her garden"}], {}, "t", "s256:t")
        run = store.runs.start("requests", {})
        asked = Question("s256:q", prompt, subject.subject_id, run, 100, [0])
        store.questions.add([asked])
        forget_user(store, "customer-ada")
        assert not rows_of(store, "questions")
        assert verify(store)[1] == []
    assert b"her garden" not in bytes_of(path)
