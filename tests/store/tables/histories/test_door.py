"""Interactions read the same wherever they lie, and nothing of a forgotten user stays in a file."""

from __future__ import annotations

import struct

import numpy as np
import pytest

import cli
from store.data.prepare import prepare
from store.data.readers import read
from store.data.splits import NO_TIME, Part
from store.errors import StoreError
from store.store import Store, open_store
from store.tables.datasets import content_digest
from store.tables.histories import outside
from store.tables.histories.columns import Columns
from store.tables.histories.door import Histories, item_users
from store.upkeep.backup import back_up, restore
from store.upkeep.forget import forget_user
from store.upkeep.verify import verify
from store.views.export import export_store
from store.views.interests.explanation import explain_item
from store.views.items import find_items, show_item
from store.views.status import summarise
from store.views.subjects.exemplar_comparison import compare_user
from store.views.subjects.exemplars import list_exemplars
from store.views.subjects.users import show_user
from tests.reading_store import fill

OUT = outside.SUFFIX


def move_out(store: Store) -> None:
    """Put the interactions of a store into Parquet files, as a build does."""
    with store.write() as connection:
        histories = Histories(connection)
        histories.replace(histories.all(), "parquet")
        store.set_meta(content_digest=content_digest(connection))


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(outside, "ROWS", 8)  # several files
    path = fill(tmp_path / "s.db")
    with open_store(path) as store:
        move_out(store)
    return path


def replace_and_fail(store: Store) -> None:
    with store.write() as connection:
        histories = Histories(connection)
        histories.replace(histories.all().rows(slice(0, 3)), "parquet")
        raise ZeroDivisionError


def files(path):
    return sorted((path.parent / (path.name + OUT)).iterdir())


def test_every_look_up_reads_the_same_from_both_places(tmp_path, path):
    inside = fill(tmp_path / "inside.db")
    assert len(files(path)) > 1
    with open_store(inside) as table, open_store(path) as parquet:
        with parquet.read() as connection:
            rows = connection.exec_driver_sql("SELECT count(*) FROM interactions").scalar_one()
            assert rows == 0
        assert table.datasets.load().digest == parquet.datasets.load().digest
        looks = (
            lambda store: show_user(store, "customer-bob").to_json(),
            lambda store: explain_item(store, "customer-bob", "oil"),
            lambda store: compare_user(store, "customer-bob").to_json(),
            lambda store: list_exemplars(store).to_json()["exemplars"],
            lambda store: find_items(store, "gel", 5),
            lambda store: show_item(store, "pen").to_json(),
            lambda store: store.datasets.training_items("customer-ada"),
            lambda store: summarise(store).data | {"source": None},
        )
        for look in looks:
            assert look(table) == look(parquet)
        for store, name in ((table, "t"), (parquet, "p")):
            export_store(store, tmp_path / name, "gistbench")
    for file in ("engagements.csv", "interests.jsonl"):
        assert (tmp_path / "t" / file).read_bytes() == (tmp_path / "p" / file).read_bytes()


def test_typical_items_are_counted_for_the_exemplars_that_are_shown(path):
    with open_store(path) as store:
        whole, some = list_exemplars(store), list_exemplars(store, 1)
    assert [one.typical_items for one in some.exemplars] == [whole.exemplars[0].typical_items, []]
    # ada, bob and eve: pen is training of ada and bob, note of ada and eve
    owned = {item.item: item.owned_by for item in whole.exemplars[0].typical_items}
    assert owned == {"pen": 2, "refill": 2, "note": 2}


def test_no_byte_of_a_forgotten_user_is_left_in_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(outside, "COMPRESSION", "uncompressed")
    path = fill(tmp_path / "s.db")
    secret = 1_234_567_891_234
    with open_store(path) as store:
        with store.write() as connection:
            histories = Histories(connection)
            columns = histories.all()
            ada = store.datasets.load().user_index["customer-ada"]
            times = np.where(columns.users == ada, secret, columns.timestamps)
            histories.replace(columns._replace(timestamps=times), "parquet")
            store.set_meta(content_digest=content_digest(connection))
        needle = struct.pack("<q", secret)
        assert any(needle in file.read_bytes() for file in files(path))
        before = set(files(path))
        assert forget_user(store, "customer-ada")["interactions"] == 5
        assert before.isdisjoint(files(path))
        assert not any(needle in file.read_bytes() for file in [*files(path), path])
        assert verify(store)[1] == []
        with store.read() as connection:
            assert not len(Histories(connection).of_users([ada]).users)


def test_a_forget_killed_before_the_old_file_went_is_finished_by_the_next_write(path, monkeypatch):
    with open_store(path) as store:
        monkeypatch.setattr(Histories, "remove_unnamed", lambda self: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            forget_user(store, "customer-ada")
    monkeypatch.undo()
    with open_store(path) as store:
        with store.read() as connection:
            named = {file.name for file in Histories(connection).paths()}
        assert {file.name for file in files(path)} > named
        store.set_meta(mark=1)
        assert {file.name for file in files(path)} == named


def test_what_is_rolled_back_leaves_the_files_that_were_there(path):
    before = files(path)
    with open_store(path) as store:
        digest = store.datasets.load().digest
        with pytest.raises(ZeroDivisionError):
            replace_and_fail(store)
        assert store.datasets.load().digest == digest
        assert set(before) < set(files(path))
        store.datasets.remove_unnamed()
    assert files(path) == before


def test_a_changed_byte_a_missing_file_and_a_moved_store_are_named(path):
    file = files(path)[0]
    content = bytearray(file.read_bytes())
    content[40] ^= 1
    with open_store(path) as store:
        assert verify(store)[1] == []
        file.write_bytes(content)
        assert f"{file} was changed after it was written" in verify(store)[1]
    content[40] ^= 1
    file.write_bytes(content)
    moved = path.rename(path.with_name("other.db"))
    with open_store(moved) as store:
        with pytest.raises(StoreError, match=r"move the folder to .*other\.db\.interactions"):
            store.datasets.load()
        file.parent.rename(moved.with_name("other.db" + OUT))
        store.datasets.load()


def test_new_users_get_a_file_of_their_own(path):
    with open_store(path) as store:
        before = files(path)
        items, times = np.array([0, 1]), np.array([5, NO_TIME])
        store.datasets.append_users(["new"], np.array([0, 2]), items, times, Part.TRAIN)
        assert set(before) < set(files(path))
        data = store.datasets.load()
        assert data.history(data.user_index["new"]).tolist() == [0, 1]
        assert data.timestamps[-1] == NO_TIME
        assert verify(store)[1] == []


def test_a_backup_takes_the_files_along_and_keeps_them(path, tmp_path):
    with open_store(path) as store:
        digest = store.datasets.load().digest
        back_up(store, tmp_path / "b.db")
        forget_user(store, "customer-ada")
    restore(tmp_path / "b.db", tmp_path / "c.db")
    for name in ("b.db", "c.db"):
        with open_store(tmp_path / name) as store:
            assert store.datasets.load().digest == digest
            assert verify(store)[1] == []
    restore(path, tmp_path / "c.db", overwrite=True)
    assert [file.name for file in files(tmp_path / "c.db")] == [f.name for f in files(path)]


def test_an_interrupted_part_is_no_backup(path, tmp_path):
    files(path)[0].unlink()
    with open_store(path) as store, pytest.raises(StoreError, match="is missing"):
        back_up(store, tmp_path / "b.db")
    assert not (tmp_path / "b.db").exists()


def test_a_build_moves_interactions_out_and_in_again(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text(
        "user_id,item_id,timestamp\n" + "".join(f"u{n % 7},i{n % 5},{n}\n" for n in range(70))
    )
    prepared = prepare(read(log))
    with open_store(tmp_path / "s.db", create=True) as store:
        assert store.datasets.save(prepared, "log", place="parquet")
        assert not store.datasets.save(prepared, "log")
        assert store.datasets.place() == "parquet"
        digest = store.datasets.load().digest
        assert store.datasets.save(prepared, "log", place="store")
        assert store.datasets.load().digest == digest
        assert not (tmp_path / ("s.db" + OUT)).exists()
        assert verify(store)[1] == []


def test_the_command_takes_the_choice(tmp_path, capsys):
    shop = tmp_path / "shop"
    assert cli.run(cli.profiler_app, "profiler", ["build", str(shop), "--store", "x.db",
                   "--interactions-in", "elsewhere"]) == 2  # fmt: skip
    assert "parquet" in capsys.readouterr().err


def test_users_of_items_are_counted_once_each():
    columns = Columns(
        np.array([0, 0, 1, 1], np.int32),
        np.array([0, 1, 0, 1], np.int32),
        np.array([3, 3, 3, 1], np.int32),
        np.zeros(4, np.int64),
        np.array([0, 2, 3, 0], np.int8),
    )
    assert item_users(columns) == [(1, 1, 1), (3, 2, 1)]
    assert item_users(Columns.empty()) == []
