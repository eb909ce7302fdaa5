"""New interactions join a store: the same data as a build of all, and nothing asked twice.

Faults behind these tests: new events meant a file of all events; a build of the first file again,
to go on after a stop, dropped what had come later; a file read twice counted twice; a kill between
the data and the note that they were read would add them again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import cli
import profiler
from store.data.readers import ReadOptions
from store.errors import DataError, LeakageError, StoreError
from store.store import open_store
from store.tables.growing.data_versions import DataVersions
from store.upkeep.verify import verify
from tests.profiler.growth.conftest import Parts


def histories(path: Path) -> dict[str, list[tuple[str, int, int]]]:
    """Each user's items, times and parts, by the ids of the data."""
    with open_store(path) as store:
        data = store.datasets.load()
        assert verify(store)[1] == []
    rows = [
        (data.item_ids[item], int(time), int(part))
        for item, time, part in zip(data.items, data.timestamps, data.parts, strict=True)
    ]
    bounds = zip(data.indptr, data.indptr[1:], strict=False)
    return {user: rows[a:b] for user, (a, b) in zip(data.user_ids, bounds, strict=True)}


def append(source: Any, path: Path, **how: Any) -> Any:
    return profiler.append(source, path, progress=False, **how)


def test_parts_come_to_the_data_of_the_whole_and_texts_stay(
    parts: Parts, store_path: Path, tmp_path: Path
) -> None:
    report = append(parts.later, store_path)
    profiler.build(parts.whole, tmp_path / "whole.db", progress=False)
    assert histories(store_path) == histories(tmp_path / "whole.db")
    assert report.changed
    assert report.added == report.read
    assert report.asking.pending == report.asking.quarantined == 0
    with open_store(store_path) as one, open_store(tmp_path / "whole.db") as other:
        assert set(one.datasets.load().titles) <= {None, *other.datasets.load().titles}
        assert any(one.datasets.load().titles)
        versions = one.data_versions.current()
    assert [(one.kind, one.source) for one in versions[1:]] == [("append", str(parts.later))]
    assert versions[-1].interactions == report.interactions


def test_the_same_file_again_adds_nothing_and_asks_nobody(parts: Parts, store_path: Path) -> None:
    append(parts.later, store_path)
    before = histories(store_path)
    log = pl.read_csv(parts.later, separator="\t", infer_schema=False)
    for source in (parts.later, log.reverse(), log.head(30)):
        again = append(source, store_path)
        assert (again.changed, again.added, again.asking.calls, again.encoded) == (False, 0, 0, 0)
    assert again.appended_before is None  # a part of it is known row by row
    assert append(parts.later, store_path).appended_before is not None
    assert histories(store_path) == before


def test_exemplars_stay_and_interests_keep_their_ids(parts: Parts, store_path: Path) -> None:
    with open_store(store_path) as store:
        asked = {one.name for one in store.subjects.load(kinds=("exemplar",))}
        synthetic = {one.name for one in store.subjects.load(kinds=("synthetic",))}
        labels = dict(
            zip(store.interests.catalogue().ids, store.interests.catalogue().labels, strict=True)
        )
    growth = append(parts.later, store_path).growth
    with open_store(store_path) as store:
        assert asked <= {one.name for one in store.subjects.load(kinds=("exemplar",))}
        assert synthetic == {one.name for one in store.subjects.load(kinds=("synthetic",))}
        found = store.interests.catalogue()
        now = dict(zip(found.ids, found.labels, strict=True))
    assert {ix: now.get(ix) for ix in labels} == labels
    assert (growth.interests_stayed, growth.interests_gone) == (len(labels), 0)
    assert growth.interests_new == len(now) - len(labels)
    assert growth.users_with_more > 0
    assert growth.users > 0


def test_the_maximum_of_exemplars_holds_for_all_appends_together(
    parts: Parts, tmp_path: Path
) -> None:
    # A build with --exemplars 6 had 12 after the first append and 18 after the second.
    path = tmp_path / "few.db"
    config = profiler.BuildConfig(exemplars=6)
    profiler.build(parts.first, path, config=config, progress=False)
    before = exemplars(path)
    append(parts.later, path)
    assert exemplars(path) == before


def exemplars(path: Path) -> set[str]:
    with open_store(path) as store:
        return {one.name for one in store.subjects.load(kinds=("exemplar",))}


def test_a_stop_before_the_end_leaves_the_store_as_it_was(
    parts: Parts, store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = histories(store_path)

    def killed(*_: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(DataVersions, "record", killed)
        with pytest.raises(KeyboardInterrupt):
            append(parts.later, store_path)
    assert histories(store_path) == before
    assert append(parts.later, store_path).changed


def test_building_the_first_data_again_keeps_what_was_appended(
    parts: Parts, store_path: Path
) -> None:
    append(parts.later, store_path)
    before = histories(store_path)
    again = profiler.build(
        parts.first, store_path, config=profiler.BuildConfig(share=0.2), progress=False
    )
    assert not again.changed
    assert f"what was appended since stays: {parts.later}" in again.notes
    assert histories(store_path) == before


def test_building_other_data_says_that_the_appended_go(parts: Parts, store_path: Path) -> None:
    append(parts.later, store_path)
    log = pl.read_csv(parts.whole / "interactions.tsv", separator="\t", infer_schema=False)
    items = pl.read_csv(parts.whole / "items.tsv", separator="\t", infer_schema=False)
    without_last = log.sort("timestamp").head(-1)
    report = profiler.build(
        (without_last, items),
        store_path,
        config=profiler.BuildConfig(split="none"),
        progress=False,
    )
    assert any("take the place of those before" in line for line in report.notes)
    assert append(parts.later, store_path).added == 1  # and it can be appended again


def test_a_build_again_over_grown_data_says_what_is_new(parts: Parts, store_path: Path) -> None:
    growth = profiler.build(
        parts.whole, store_path, config=profiler.BuildConfig(share=0.2), progress=False
    ).growth
    assert growth.users_with_more > 0
    assert growth.interactions > 0
    assert growth.interests_stayed > 0


def test_a_bad_file_leaves_the_store_as_it_was(store_path: Path, tmp_path: Path) -> None:
    before = histories(store_path)
    bad = tmp_path / "bad.csv"
    bad.write_text("user_id,item_id,timestamp\na,b,1\n,b,2\n")
    with pytest.raises(DataError, match="row 3"):
        append(bad, store_path)
    assert histories(store_path) == before


def test_an_empty_store_is_not_appended_to(parts: Parts, tmp_path: Path) -> None:
    with open_store(tmp_path / "empty.db", create=True):
        pass
    with pytest.raises(StoreError, match="profiler build DATA"):
        append(parts.later, tmp_path / "empty.db")


def test_a_file_is_read_as_the_build_read(tmp_path: Path) -> None:
    columns = {"who": ["a", "a", "b"], "item_id": ["1", "2", "1"], "timestamp": [1, 2, 3]}
    pl.DataFrame(columns).write_csv(tmp_path / "log.csv")
    pl.DataFrame({"who": ["c"], "item_id": ["1"], "timestamp": [4]}).write_csv(tmp_path / "new.csv")
    config = profiler.BuildConfig(split="none")
    profiler.build(
        tmp_path / "log.csv",
        tmp_path / "s.db",
        config=config,
        options=ReadOptions(user_column="who"),
        progress=False,
    )
    assert append(tmp_path / "new.csv", tmp_path / "s.db").added == 1
    other = tmp_path / "other.csv"
    pl.DataFrame({"user": ["d"], "item_id": ["1"], "timestamp": [4]}).write_csv(other)
    assert append(other, tmp_path / "s.db", options=ReadOptions(user_column="user")).users == 4


def test_what_a_model_saw_is_never_hidden(tmp_path: Path) -> None:
    # Late events before the cut would move the last tenth, which is hidden, to earlier events.
    items = pl.DataFrame(
        {"item_id": [f"i{n}" for n in range(20)], "title": [f"Pen {n}" for n in range(20)]}
    )
    log = pl.DataFrame(
        [("a", f"i{n}", 86_400 * n) for n in range(20)],
        schema=["user_id", "item_id", "timestamp"],
        orient="row",
    )
    path = tmp_path / "s.db"
    profiler.build(
        (log, items), path, config=profiler.BuildConfig(split="time:1970-01-16"), progress=False
    )
    before = histories(path)
    late = pl.DataFrame({"user_id": ["b"] * 60, "item_id": ["i1"] * 60, "timestamp": range(60)})
    with pytest.raises(LeakageError):
        append(late, path)
    assert histories(path) == before


def test_the_command_prints_what_is_new(
    parts: Parts, store_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["append", str(parts.later), "--store", str(store_path)]
    assert cli.run(cli.profiler_app, "profiler", [*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["added"] == document["read"] > 0
    assert document["growth"]["users"] > 0
    assert cli.run(cli.profiler_app, "profiler", arguments) == 0
    assert "appended already" in capsys.readouterr().out
