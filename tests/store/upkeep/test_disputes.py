"""Wrong for this person: gone for one user everywhere, kept for others, and brought back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from store.db.statements import statement
from store.errors import StoreError, UserError
from store.store import Store, open_store
from store.upkeep.edits import dispute, edits, merge, undo
from store.upkeep.forget import forget_user
from store.upkeep.verify import verify
from store.views.atlas import own_interests
from store.views.export import frame
from store.views.interests.explanation import explain_item
from store.views.subjects.users import show_user
from tests import report_store

ONE, OTHER = "user00@example.com", "user04@example.com"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(report_store.fill(tmp_path / "s.db")) as opened:
        yield opened


def interests_of(store: Store, user: str) -> set[int]:
    """Interests of a user by every path, as people see them."""
    profile = show_user(store, user)
    groups = [g for g in (profile.exemplar, *profile.synthetic_users, profile.profile) if g]
    through = {one.interest_id for group in groups for one in group.interests}
    return through | {one.interest_id for one in profile.own}


def trained_on(store: Store, user: str, method: str) -> set[int]:
    dataset, catalogue = store.datasets.load(), store.interests.catalogue()
    indptr, rows = store.interests.of_users(method)
    place = dataset.user_ids.index(user)
    return set(np.asarray(catalogue.ids)[rows[indptr[place] : indptr[place + 1]]].tolist())


def exported(store: Store, user: str) -> set[int]:
    found = frame(store, "user_interests")
    return set(found.filter(found["user_id"] == user)["interest_id"].to_list())


def everywhere(store: Store, user: str) -> set[int]:
    number = store.datasets.load().user_ids.index(user)
    return (
        interests_of(store, user)
        | trained_on(store, user, "exemplar")
        | trained_on(store, user, "catalogue")
        | exported(store, user)
        | {one.group for one in own_interests(store, number)}
    )


def test_a_disputed_interest_is_nowhere_the_users_and_stays_everybody_elses(store: Store) -> None:
    wrong = min(interests_of(store, ONE))
    shared = next(
        u for u in store.datasets.load().user_ids if u != ONE and wrong in everywhere(store, u)
    )
    made = dispute(store, ONE, wrong, why="a present", by="me")
    assert wrong not in everywhere(store, ONE)
    assert wrong in everywhere(store, shared)
    assert verify(store)[1] == []
    assert edits(store)[0].payload.why == "a present"
    undo(store, made.edit_id)
    assert wrong in everywhere(store, ONE)


def test_it_explains_nothing_any_more(store: Store) -> None:
    dataset = store.datasets.load()
    item = dataset.item_ids[int(dataset.history(dataset.user_ids.index(ONE))[0])]
    found = explain_item(store, ONE, item, threshold=-1.0).interests
    dispute(store, ONE, found[0].interest_id)
    left = {one.interest_id for one in explain_item(store, ONE, item, threshold=-1.0).interests}
    assert found[0].interest_id not in left


def test_what_stands_under_it_goes_with_it(store: Store) -> None:
    first, second = sorted(interests_of(store, ONE))[:2]
    merge(store, second, first)
    made = dispute(store, ONE, second)
    assert made.payload.interest == first, "the one that stands for both is disputed"
    assert not {first, second} & everywhere(store, ONE)


def test_refusals_name_the_value(store: Store) -> None:
    mine = min(interests_of(store, ONE))
    dispute(store, ONE, mine)
    with pytest.raises(UserError, match="already"):
        dispute(store, ONE, mine)
    with pytest.raises(UserError, match="999999"):
        dispute(store, ONE, 999_999)
    with pytest.raises(StoreError, match="nobody"):
        dispute(store, "nobody", mine)
    with pytest.raises(UserError, match="why"):
        dispute(store, ONE, mine, why="x" * 501)


def test_a_forgotten_user_leaves_no_dispute(store: Store) -> None:
    """The reason of a dispute may tell about the user."""
    made = dispute(store, ONE, min(interests_of(store, ONE)), why="was for my sister Roswitha")
    undo(store, made.edit_id)
    dispute(store, ONE, min(interests_of(store, ONE)), why="Roswitha again")
    forget_user(store, ONE)
    with store.read() as connection:
        for table in ("disputes", "edits"):
            number = connection.execute(statement(f"SELECT count(*) FROM {table}")).scalar_one()
            assert number == 0
    store.close()
    assert b"Roswitha" not in store.path.read_bytes()


def test_the_commands_name_the_person(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """The list of changes said "one user", and only the store's number of them was in the JSON."""
    import cli

    wrong, path = str(min(interests_of(store, ONE))), str(store.path)
    given = ["dispute", ONE, wrong, "--why", "a present", "--by", "me", "--store", path]
    assert cli.run(cli.profiler_app, "profiler", given) == 0
    assert cli.run(cli.profiler_app, "profiler", ["undo", "--store", path]) == 0
    assert f"was called wrong for {ONE}: a present" in capsys.readouterr().out
    assert cli.run(cli.profiler_app, "profiler", ["undo", "1", "--store", path]) == 0
    assert f"is an interest of {ONE} again" in capsys.readouterr().out
