"""Two stores compared by the names of the data, not by their numbers.

Fault behind these tests: what a build had changed could be seen only by reading two lists.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import cli
import profiler
from profiler.growth.diff import diff_stores
from profiler.reporting.sections.since import SINCE
from store.store import open_store
from tests.profiler.growth.conftest import Parts
from tests.reading_store import Interest, fill


@pytest.fixture
def changed(tmp_path: Path) -> tuple[Path, Path]:
    """A store, and the same with one interest gone, one new, one grown; bob joins cyd."""
    old = fill(tmp_path / "old.db")
    new = Path(shutil.copy(old, tmp_path / "new.db"))
    with open_store(new) as store:
        names = store.datasets.load()
        subjects = {one.name: one for one in store.subjects.load()}
        ada = subjects["exemplar:customer-ada"]
        items = [names.item_ids[item] for item in ada.items]
        first = store.interests.of_subject(ada.subject_id)[0]
        kept = Interest(first.label.upper(), first.description, items)
        fresh = Interest("Something new", "Never seen before.", items[:1])
        store.interests.save(ada.subject_id, [kept, fresh], source="openai:m", response_id=None)
        bob = names.user_index["customer-bob"]
        with store.write() as connection:
            connection.exec_driver_sql(
                "UPDATE memberships SET subject_id = ? WHERE user_ix = ? AND subject_id = ?",
                (subjects["exemplar:customer-cyd"].subject_id, bob, ada.subject_id),
            )
    return old, new


def test_what_came_went_grew_and_who_moved(changed: tuple[Path, Path]) -> None:
    with open_store(changed[0]) as old, open_store(changed[1]) as new:
        before = [one.label for one in old.interests.of_subject(1)]
        found = diff_stores(old, new)
        back = diff_stores(new, old)
        same = diff_stores(new, new)
        few = diff_stores(old, new, least=1_000)
    assert [one.label for one in found.new] == ["Something new"]
    assert [one.label for one in found.gone] == before[1:]
    grown = {one.label.casefold(): one.growth for one in [*found.grown, *found.shrunk]}
    assert grown[before[0].casefold()][1] > 0  # whatever the case, with more evidence
    assert [(one.user, one.before, one.after) for one in found.moved] == [
        ("customer-bob", "customer-ada", "customer-cyd")
    ]
    assert [one.label for one in back.new] == before[1:]
    nothing = [same.new, same.gone, same.grown, same.shrunk, same.moved, same.replaced]
    assert not any([*nothing, few.new, few.gone])


def test_an_exemplar_that_is_replaced_is_named_with_who_follows(tmp_path: Path) -> None:
    old = fill(tmp_path / "old.db")
    new = Path(shutil.copy(old, tmp_path / "new.db"))
    with open_store(new) as store, store.write() as connection:
        connection.exec_driver_sql("UPDATE memberships SET subject_id = 1 WHERE subject_id = 2")
        connection.exec_driver_sql("UPDATE subjects SET active = 0 WHERE subject_id = 2")
    with open_store(old) as before, open_store(new) as after:
        found = diff_stores(before, after)
    (gone,) = found.replaced
    assert (gone.exemplar, gone.by, gone.users) == ("customer-cyd", "customer-ada", 2)
    assert found.new_exemplars == []


def test_growth_of_a_store_is_told_by_the_command_and_in_the_report(
    parts: Parts, store_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profiler.append(parts.later, store_path, progress=False)
    arguments = ["diff", str(parts.store), str(store_path)]
    assert cli.run(cli.profiler_app, "profiler", [*arguments, "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert document["users"] == [59, 60]
    assert document["new_users"] == 1
    assert document["interactions"][0] < document["interactions"][1]
    assert cli.run(cli.profiler_app, "profiler", arguments) == 0
    assert "users: 59 → 60" in capsys.readouterr().out
    page = tmp_path / "report.html"
    with open_store(store_path) as store, open_store(parts.store) as older:
        profiler.report(store, page, since=older, people=0, progress=False)
        since = SimpleNamespace(since=diff_stores(older, store))
    assert "Since the older store" in page.read_text("utf-8")
    rows = dict(SINCE.rows(since))  # type: ignore[arg-type]
    assert rows["people"] == "59 → 60"
    assert SINCE.rows(SimpleNamespace(since=None)) == []  # type: ignore[arg-type]
