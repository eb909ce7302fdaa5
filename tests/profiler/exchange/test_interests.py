"""Interests made elsewhere: grounded, counted, refused where they saw what the split hides."""

from __future__ import annotations

import bz2
import codecs
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from profiler.exchange.interests import import_interests
from profiler.exchange.save_interests import with_members
from store.data.prepare import prepare
from store.data.readers import read
from store.digests import text_digest
from store.errors import DataError, LeakageError
from store.store import Store, open_store

TITLES = {f"i{n}": f"Film {n} (19{n:02d})" for n in range(10)} | {
    "i3": "Rock, The (1996)",
    "i4": "Twins",
    "i5": "Twins",
    "i9": None,
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Users u0 to u4, each with items i0 to i8; the last two are held out."""
    rows = [(f"u{user}", f"i{item}", item + 1) for user in range(5) for item in range(9)]
    rows += [("u4", "i9", 0)]
    interactions = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    items = pl.DataFrame({"item_id": list(TITLES), "title": list(TITLES.values())})
    made = open_store(tmp_path / "s.db", create=True)
    made.datasets.save(prepare(read((interactions, items))), "frames")
    return made


def interest(label: str, evidence: list[Any], description: str = "A taste.") -> dict[str, Any]:
    return {"label": label, "description": description, "evidence": evidence}


def put(tmp_path: Path, *rows: Any) -> Path:
    file = tmp_path / "interests.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def row(user: str = "u0", *interests: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"user_id": user, "interests": list(interests) or [interest("A", ["i0"])], **more}


def stored(store: Store) -> list[tuple[Any, ...]]:
    with store.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT s.name, s.active, n.interest_id, n.label, n.source, (SELECT "
            "json_group_array(item_id) FROM (SELECT item_id FROM evidence e JOIN items "
            "USING (item_ix) WHERE e.interest_id = n.interest_id ORDER BY e.position)) "
            "FROM subjects s JOIN interests n USING (subject_id) WHERE subject_id NOT IN "
            "(SELECT kept_id FROM import_subjects WHERE kept_id IS NOT NULL) "
            "ORDER BY s.name, n.position"
        ).all()
    return [tuple(one) for one in rows]


def test_ids_and_titles_become_evidence(store: Store, tmp_path: Path) -> None:
    written = [["i0", "Film 1 (1901)", "the rock", "film 2"], ["The Rock (1996)"]]
    file = put(tmp_path, row("u0", interest("A", written[0]), interest("B", written[1])))
    found = import_interests(store, file, name="mine")
    assert (found.subjects, found.interests, found.changed) == (1, 2, 1)
    assert dict(found.counts.by) == {"id": 1, "title": 1, "normalised": 3}
    assert found.counts.grounded == 1.0
    kept = stored(store)
    assert [one[:2] for one in kept] == [("exemplar:u0", 1)] * 2
    assert {one[4] for one in kept} == {"import:mine"}
    assert [json.loads(one[5]) for one in kept] == [["i0", "i1", "i3", "i2"], ["i3"]]
    subject = store.subjects.load()[0]
    assert (subject.state, subject.kind) == ("ok", "exemplar")
    ids = store.datasets.load().item_ids
    assert [ids[item] for item in subject.items] == [f"i{n}" for n in range(7)]


def test_what_is_not_grounded_is_dropped_and_counted(store: Store, tmp_path: Path) -> None:
    evidence = ["i0", "Twins", "no such film", "i9", "i0", "nothing", "i5"]
    file = put(
        tmp_path,
        row(
            "u0",
            interest("A", evidence),
            interest("a ", ["i1"]),
            interest("B", ["nowhere"]),
            interest("C", ["i1"], "Is a Christian woman in her thirties."),
            interest("", ["i1"]),
            interest("\u202eD", ["i1"]),
            interest("E" * 121, ["i1"]),
            interest("F", []),
        ),
    )
    counts = import_interests(store, file, name="mine").counts
    assert dict(counts.dropped_evidence) == {
        "ambiguous": 1,
        "unknown": 3,
        "not shown": 1,
        "repeated": 1,
    }
    assert dict(counts.dropped_interests) == {
        "label used before": 1,
        "no evidence left": 2,
        "private attribute": 1,
        "unreadable text": 2,
        "too long": 1,
    }
    assert counts.kept + counts.dropped_evidence.total() == counts.evidence == 13
    assert len(stored(store)) == counts.interests - counts.dropped_interests.total() == 1
    assert json.loads(stored(store)[0][5]) == ["i0", "i5"]
    assert all(note.startswith("line 1: ") for note in counts.notes)


def test_rows_that_cannot_be_used_are_counted_with_their_lines(
    store: Store, tmp_path: Path
) -> None:
    file = put(
        tmp_path,
        row("u0"),
        "{broken",
        "",
        row("nobody"),
        row("u1", members=["u2"]),
        {"interests": [interest("A", ["i0"])]},
        row("u1", mood="dark"),
        row("u1", interest("A", ["nothing"])),
        row("u0"),
        {"user_id": "u1", "interests": []},
        {"members": [], "interests": [interest("A", ["i0"])]},
    )
    counts = import_interests(store, file, name="mine").counts
    assert counts.rows == 10
    assert dict(counts.dropped_rows) == {
        "unreadable": 5,
        "unknown user": 2,
        "no interests left": 1,
        "repeated": 1,
    }
    assert "line 4: the store has no user 'nobody'" in counts.notes


def test_shown_items_bound_the_evidence(store: Store, tmp_path: Path) -> None:
    shown = ["i2", "Film 1 (1901)", "Rock, The (1996)", "no such film", "i9"]
    file = put(tmp_path, row("u0", interest("A", ["i2", "i0"]), shown_items=shown))
    counts = import_interests(store, file, name="mine").counts
    assert dict(counts.dropped_shown) == {"unknown": 1, "not in the history": 1}
    assert dict(counts.dropped_evidence) == {"not shown": 1}
    ids = store.datasets.load().item_ids
    assert [ids[item] for item in store.subjects.load()[0].items] == ["i2", "i1", "i3"]
    assert json.loads(stored(store)[0][5]) == ["i2"]


@pytest.mark.parametrize(
    "leak",
    [
        row("u0", interest("A", ["i0", "i8"])),
        row("u0", interest("A", ["i0", "film 7"])),
        row("u0", interest("A", ["i0"]), shown_items=["i0", "i7"]),
        {"members": ["u0", "u1"], "interests": [interest("A", ["i0", "i8"])]},
    ],
)
def test_items_the_split_hides_are_refused(store: Store, tmp_path: Path, leak: Any) -> None:
    file = put(tmp_path, row("u2"), leak)
    with pytest.raises(LeakageError, match=r"'leave-one-out' hides \(first in line 2"):
        import_interests(store, file, name="mine")
    assert stored(store) == []
    found = import_interests(store, file, name="mine", allow_unseen=True)
    assert found.subjects == 2
    assert {item for one in stored(store) for item in json.loads(one[5])} == {"i0"}
    hidden = found.counts.dropped_evidence["unseen"] + found.counts.dropped_shown["unseen"]
    assert hidden == 1


def test_importing_twice_changes_nothing_and_an_edit_only_its_subject(
    store: Store, tmp_path: Path
) -> None:
    file = put(tmp_path, row("u0"), row("u1"), row("u2"))
    import_interests(store, file, name="mine")
    before = stored(store)
    assert import_interests(store, file, name="mine").changed == 0
    assert stored(store) == before
    file = put(tmp_path, row("u2"), row("u0"), row("u1", interest("New", ["i2"])))
    assert import_interests(store, file, name="mine").changed == 1
    after = stored(store)
    assert [after[0], after[2]] == [before[0], before[2]]
    assert after[1][3] == "New"


def test_the_file_decides_who_the_exemplars_are(store: Store, tmp_path: Path) -> None:
    import_interests(store, put(tmp_path, row("u0"), row("u1")), name="one")
    import_interests(store, put(tmp_path, row("u1"), row("u3")), name="two")
    assert [subject.name for subject in store.subjects.load()] == ["exemplar:u1", "exemplar:u3"]
    assert [one[0] for one in stored(store)] == ["exemplar:u0", "exemplar:u1", "exemplar:u3"]
    import_interests(store, put(tmp_path, row("u4")), name="three", kind="user")
    names = [subject.name for subject in store.subjects.load()]
    assert names == ["exemplar:u1", "exemplar:u3", "user:u4"]


def test_synthetic_users_come_with_their_members(store: Store, tmp_path: Path) -> None:
    line = {"members": ["u4", "u0"], "interests": [interest("A", ["i0", "i9"])]}
    import_interests(store, put(tmp_path, line), name="mine")
    subject = store.subjects.load()[0]
    assert subject.kind == "synthetic"
    assert subject.name.startswith("synthetic:")
    with store.read() as connection:
        owners = dict(
            tuple(one)
            for one in connection.exec_driver_sql(
                "SELECT item_id, owners FROM subject_items JOIN items USING (item_ix)"
            )
        )
        members = connection.exec_driver_sql("SELECT user_ix FROM memberships").scalars().all()
    assert owners["i0"] == 2
    assert owners["i9"] == 1
    assert sorted(members) == [0, 4]
    with pytest.raises(DataError, match="needs members"):
        import_interests(store, put(tmp_path, row("u0")), name="mine", kind="synthetic")


def test_every_user_joins_its_nearest_exemplar(store: Store, tmp_path: Path) -> None:
    dataset = store.datasets.load()
    rng = np.random.default_rng(0)
    texts = [text for text in dataset.texts() if text]
    vectors = rng.normal(size=(len(texts), 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    store.vectors.put("test", [text_digest(text) for text in texts], vectors)
    store.set_meta(encoder="test", item_text="title+categories", history_vector="mean")
    import_interests(store, put(tmp_path, row("u4"), row("u0")), name="mine")
    with store.read() as connection:
        joined = connection.exec_driver_sql(
            "SELECT m.user_ix, s.name, m.similarity FROM memberships m "
            "JOIN subjects s USING (subject_id) ORDER BY 1"
        ).all()
    assert [one[0] for one in joined] == [0, 1, 2, 3, 4]
    assert [one[1] for one in joined] == ["exemplar:u0"] * 4 + ["exemplar:u4"]
    assert [one[2] for one in joined] == pytest.approx([1.0] * 5, abs=1e-3)
    store.set_meta(encoder=None)
    assert with_members(store, dataset, []) == []


def test_an_unusable_file_is_refused_in_words(store: Store, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the file is empty"):
        import_interests(store, put(tmp_path), name="mine")
    with pytest.raises(DataError, match="line 1: not JSON"):
        import_interests(store, put(tmp_path, "user_id,label"), name="mine")
    with pytest.raises(DataError, match="cannot read"):
        import_interests(store, tmp_path / "none.jsonl", name="mine")


def test_at_most_twenty_interests(store: Store, tmp_path: Path) -> None:
    many = [interest(f"L{n}", ["i0"]) for n in range(25)]
    found = import_interests(store, put(tmp_path, row("u0", *many)), name="mine")
    assert found.interests == 20
    assert found.counts.dropped_interests == {"too many": 5}


def test_real_interests_of_a_large_model_are_grounded_whole(
    shared_data: Path, tmp_path: Path
) -> None:
    made = open_store(tmp_path / "office.db", create=True)
    made.datasets.save(prepare(read(shared_data / "amazon-office")), "office")
    folder = shared_data / "llm-interests-office"
    one = import_interests(made, folder / "exemplars.jsonl.gz", name="large")
    two = import_interests(made, folder / "synthetic_users.jsonl.gz", name="large")
    assert (one.subjects, one.interests, one.counts.grounded) == (126, 727, 1.0)
    assert (two.subjects, two.interests, two.counts.grounded) == (60, 546, 1.0)
    with gzip.open(folder / "exemplars.jsonl.gz", "rt", encoding="utf-8") as lines:
        given = json.loads(next(lines))
    kept = [entry for entry in stored(made) if entry[0] == f"exemplar:{given['user_id']}"]
    assert [entry[3] for entry in kept] == [entry["label"] for entry in given["interests"]]
    assert [json.loads(entry[5]) for entry in kept] == [
        entry["evidence"] for entry in given["interests"]
    ]


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_marks_and_packings(store: Store, tmp_path: Path, mark: bytes, pack: Any) -> None:
    # A byte-order mark cost the first row.
    text = put(tmp_path, row("u0"), row("u1")).read_text()
    encoded = text.encode("utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-8")
    file = tmp_path / "marked.jsonl"
    file.write_bytes(pack(mark + encoded))
    assert import_interests(store, file, name="mine").subjects == 2


def test_a_damaged_gzip_is_one_plain_line(store: Store, tmp_path: Path) -> None:
    # A traceback of zlib in 0.1.0.
    data = gzip.compress(put(tmp_path, row("u0")).read_bytes() * 50)
    file = tmp_path / "bad.jsonl.gz"
    for harmed in (data[:-9], data[:40] + b"\xff" * 20 + data[60:]):
        file.write_bytes(harmed)
        with pytest.raises(DataError, match="damaged or cut off"):
            import_interests(store, file, name="mine")


def test_a_file_of_other_users_is_refused(store: Store, tmp_path: Path) -> None:
    # An import under another numbering of users took the place of 182 good exemplars.
    far = [f"x{n}" for n in range(19)]
    rows = [row(f"u{n}", interest("A", ["i0"]), shown_items=["i0", *far[:9]]) for n in range(3)]
    with pytest.raises(DataError, match="only 10% of the items it names were its users' own"):
        import_interests(store, put(tmp_path, *rows), name="mine")
    assert stored(store) == []
    found = import_interests(store, put(tmp_path, *rows), name="mine", dry_run=True, min_share=0)
    assert (found.subjects, found.changed, stored(store)) == (3, 0, [])
    assert import_interests(store, put(tmp_path, *rows), name="mine", min_share=0).subjects == 3
