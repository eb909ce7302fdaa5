"""Two stores become one: nothing is lost or doubled, nothing of the sources changes.

Faults looked for: numbers of one store read as the other's, an answer kept twice, a user of both
stores with two histories, texts of a forgotten person copied with the file's free pages.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import polars as pl
import pytest

import cli
from store.data.prepare import prepare
from store.data.readers import read
from store.db.migrations import available
from store.errors import StoreError, UserError
from store.merging.layout import layouts
from store.merging.merge import merge_stores
from store.merging.numbers import NUMBERED
from store.merging.rows import ITEM_LISTS, MADE_ANEW, NOT_CARRIED
from store.store import open_store
from store.tables.subjects import SubjectRow
from store.upkeep.edits import dispute, edits, rename, undo
from store.upkeep.forget import forget_user
from store.upkeep.verify import verify
from store.views.subjects.users import show_user
from tests.reading_store import Interest, _answer, fill, rows_of

SHARD = {
    "customer-fay": ["mug", "tea", "pen", "oil", "mug2"],
    "customer-gus": ["tea", "mug", "pen"],
}
TITLES = {
    "pen": "Gel pen with fine tip",
    "oil": "Oil for paper shredders",
    "mug": "Stoneware mug",
    "mug2": "Stoneware mug, large",
    "tea": "Green tea leaves",
}
TEA = Interest("Tea and mugs", "Drinks green tea from stoneware.", ["mug", "tea"])


def fill_shard(path: Path, histories: dict[str, list[str]] = SHARD, **titles: str) -> Path:
    """A store of other users, whose numbers of items and users mean others than ``fill``'s."""
    rows = [(u, i, 5_000 + n) for u, items in histories.items() for n, i in enumerate(items)]
    log = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    said = TITLES | titles
    items = pl.DataFrame({"item_id": list(said), "title": list(said.values())})
    with open_store(path, create=True) as store:
        store.datasets.save(prepare(read((log, items))), "shard")
        run = store.runs.start("build", {"shard": 2})
        dataset = store.datasets.load()
        user = next(iter(histories))
        number = dataset.user_index[user]
        row = SubjectRow(
            "exemplar",
            f"exemplar:{user}",
            number,
            dataset.history(number).tolist(),
            members=list(range(len(histories))),
            similarities=[1.0, 0.4][: len(histories)],
        )
        store.subjects.choose("exemplar", [row], run)
        _answer(store, run, f"exemplar:{user}", [TEA])
        store.set_meta(encoder="m", item_text="title", history_vector="mean")
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def labels(path: Path, user: str) -> dict[str, list[str]]:
    """Labels of a user's interests, each with the items that prove it."""
    with open_store(path) as store:
        found = show_user(store, user)
    groups = [found.exemplar, found.profile, *found.synthetic_users]
    proven = {n.label: n.evidence for one in groups if one for n in one.interests}
    every = proven | {n.label: n.items for n in found.own}
    return {label: sorted(item.item_id for item in items) for label, items in every.items()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("made")
    return [fill(folder / "a.db"), fill_shard(folder / "b.db")]


@pytest.fixture
def two(made: list[Path], tmp_path: Path) -> tuple[Path, Path]:
    a, b = (Path(shutil.copy(path, tmp_path)) for path in made)
    return a, b


@pytest.fixture
def path(two: tuple[Path, Path]) -> Path:
    return two[0]


def test_shards_become_one_store_and_stay_as_they_are(
    two: tuple[Path, Path], tmp_path: Path
) -> None:
    before = [digest(path) for path in two]
    merged = merge_stores(two, tmp_path / "c.db")
    assert [digest(path) for path in two] == before
    (brought,) = merged.stores
    assert (brought.items, brought.users, brought.subjects) == (3, 2, 1)
    assert (brought.answers, brought.attempts, brought.interests) == (1, 1, 1)
    with open_store(tmp_path / "c.db") as store:
        assert verify(store)[1] == []
        dataset = store.datasets.load()
        history = dataset.history(dataset.user_index["customer-fay"], parts=(0, 1, 2, 3))
        assert [dataset.item_ids[i] for i in history] == SHARD["customer-fay"]
        shown = json.loads(rows_of(store, "responses")[-1]["shown"])
        assert [dataset.item_ids[i] for i in shown] == ["mug", "tea", "pen"]
    for user in ("customer-ada", "customer-bob"):
        assert labels(tmp_path / "c.db", user) == labels(two[0], user)
    assert labels(tmp_path / "c.db", "customer-gus") == {TEA.label: ["mug", "tea"]}


def test_merging_again_adds_nothing(two: tuple[Path, Path], tmp_path: Path) -> None:
    merge_stores(two, tmp_path / "c.db")
    again = merge_stores([tmp_path / "c.db", *two], tmp_path / "d.db")
    for one in again.stores:
        counts = (one.items, one.users, one.subjects, one.answers, one.attempts, one.interests)
        assert counts == (0,) * 6
        assert one.kept_first == []
    for table in ("interests", "responses", "attempts", "subjects", "subject_items", "vectors"):
        with open_store(tmp_path / "c.db") as c, open_store(tmp_path / "d.db") as d:
            assert rows_of(c, table) == rows_of(d, table)


def test_the_order_of_shards_changes_numbers_only(two: tuple[Path, Path], tmp_path: Path) -> None:
    merge_stores(two, tmp_path / "c.db")
    merge_stores(two[::-1], tmp_path / "d.db")
    for user in ("customer-ada", "customer-bob", "customer-eve", "customer-fay"):
        assert labels(tmp_path / "c.db", user) == labels(tmp_path / "d.db", user)


def test_pending_subjects_take_the_answer_of_the_other_store(path: Path, tmp_path: Path) -> None:
    """Two people who shared the work: each asked about half of the same subjects."""
    half = Path(shutil.copy(path, tmp_path / "half.db"))
    with open_store(half) as store:
        with store.write() as connection:
            connection.exec_driver_sql("DELETE FROM interests WHERE subject_id = 2")
            connection.exec_driver_sql("UPDATE attempts SET response_id = NULL")
            connection.exec_driver_sql("DELETE FROM responses WHERE subject_id = 2")
        store.subjects.set_state(2, "pending")
    merged = merge_stores([half, path], tmp_path / "c.db")
    assert (merged.stores[0].answers, merged.stores[0].attempts) == (1, 0)
    for user in ("customer-ada", "customer-dee"):
        assert labels(tmp_path / "c.db", user) == labels(path, user)
    with open_store(tmp_path / "c.db") as store:
        assert verify(store)[1] == []
        assert {one.state for one in store.subjects.load()} == {"ok"}


def test_other_interests_of_the_same_subject_are_named_and_their_answer_kept(
    path: Path, tmp_path: Path
) -> None:
    other = fill(tmp_path / "other.db")
    with open_store(other) as store:
        subject = next(s for s in store.subjects.load() if s.name == "exemplar:customer-cyd")
        interest = Interest("Office machines", "Buys machines.", ["shred"])
        store.interests.save(
            subject.subject_id, [interest], source="openai:other", response_id=None
        )
    merged = merge_stores([path, other], tmp_path / "c.db")
    assert merged.stores[0].kept_first == ["exemplar:customer-cyd"]
    assert merged.stores[0].answers == 3  # each was paid by itself
    assert labels(tmp_path / "c.db", "customer-dee") == labels(path, "customer-dee")


def test_conflicts_are_named_all_at_once_and_nothing_is_written(path: Path, tmp_path: Path) -> None:
    other = fill_shard(
        tmp_path / "other.db", {"customer-ada": ["tea", "mug", "oil", "pen"]}, oil="Olive oil"
    )
    with open_store(other) as store:
        store.set_meta(encoder="another")
    with pytest.raises(UserError) as refused:
        merge_stores([path, other], tmp_path / "c.db")
    said = str(refused.value)
    assert "encoder: 'm' in" in said
    assert "item 'oil': another title or category" in said
    assert "user 'customer-ada': another history" in said
    assert not (tmp_path / "c.db").exists()


def test_a_store_that_is_there_stays_unless_it_may_be_replaced(
    two: tuple[Path, Path], tmp_path: Path
) -> None:
    into = Path(shutil.copy(two[0], tmp_path / "c.db"))
    kept = digest(into)
    with pytest.raises(UserError, match="exists already"):
        merge_stores(two, into)
    assert digest(into) == kept
    merge_stores(two, into, overwrite=True)
    assert labels(into, "customer-gus")
    with pytest.raises(UserError, match="which this command reads"):
        merge_stores(two, two[0], overwrite=True)
    with pytest.raises(UserError, match="named twice"):
        merge_stores([two[0], two[0]], tmp_path / "d.db")
    (tmp_path / "notes.db").write_text("no database")
    with pytest.raises(StoreError, match="not a SQLite database"):
        merge_stores([two[0], tmp_path / "notes.db"], tmp_path / "d.db")


def test_changes_by_hand_come_along_with_their_numbers(
    two: tuple[Path, Path], tmp_path: Path
) -> None:
    with open_store(two[1]) as store:
        rename(store, 1, "Tea")
        dispute(store, "customer-gus", 1, why="a gift")
        with store.write() as connection:
            connection.exec_driver_sql("UPDATE edits SET made_by = 'ana'")
    merged = merge_stores(two, tmp_path / "c.db")
    assert merged.stores[0].edits == 2
    assert labels(tmp_path / "c.db", "customer-gus") == {}
    assert "Tea" in labels(tmp_path / "c.db", "customer-fay")
    with open_store(tmp_path / "c.db") as store:
        assert {row["made_by"] for row in rows_of(store, "edits")} == {"ana"}
        for edit in edits(store):
            undo(store, edit.edit_id)
    assert labels(tmp_path / "c.db", "customer-gus") == {TEA.label: ["mug", "tea"]}


def test_who_was_forgotten_leaves_no_trace_and_it_is_said(
    two: tuple[Path, Path], tmp_path: Path
) -> None:
    with open_store(two[1]) as store:
        forget_user(store, "customer-fay")
    merged = merge_stores(two, tmp_path / "c.db")
    assert merged.forgotten == {str(two[1]): 1}
    assert b"customer-fay" not in (tmp_path / "c.db").read_bytes()
    with open_store(tmp_path / "c.db") as store:
        assert verify(store)[1] == []
        assert len(store.datasets.load().user_ids) == 6
        forget_user(store, "customer-ada")
        assert verify(store)[1] == []
    assert b"customer-ada" not in (tmp_path / "c.db").read_bytes()


def test_every_table_is_merged_or_named_as_left_out() -> None:
    """Else a table that a migration adds would be lost, or its numbers be read as another's."""
    known, mapped = layouts(), {one.table for one in NUMBERED} | {"interests"}
    assert mapped | MADE_ANEW | NOT_CARRIED <= known.keys()
    for name, layout in known.items():
        if name in MADE_ANEW | NOT_CARRIED or name in mapped:
            continue
        for one in known.values():
            assert layout.number is None or name not in one.refers.values(), (
                f"rows of {one.name} point to {name}: give it a map in store/merging/numbers.py"
            )
        pointed = {table for table in layout.refers.values() if known[table].number}
        assert pointed <= mapped, f"{name} points to {pointed - mapped}"
    said = [line for _, script in available() for line in script.splitlines()]
    lists = {line.split()[0] for line in said if "-- JSON list of item_ix" in line}
    assert lists == {column for _, column in ITEM_LISTS}


def test_the_command_tells_what_came(
    two: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = [str(path) for path in two]
    into = str(tmp_path / "c.db")
    dry = [*named, "--into", into, "--dry-run", "--json"]
    assert cli.run(cli.profiler_app, "profiler", ["merge-stores", *dry]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["dry_run"] is True
    assert told["stores"][0]["interests"] == 1
    assert not Path(into).exists()
    assert cli.run(cli.profiler_app, "profiler", ["merge-stores", *named, "--into", into]) == 0
    assert Path(into).exists()
    assert cli.run(cli.profiler_app, "profiler", ["merge-stores", named[0], "--into", into]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()[-1]) > 20
